"""LoRA training, as a whole or in parts: it makes an adapter and changes nothing else."""

import math
from dataclasses import dataclass
from pathlib import Path

from tasks.errors import BadRecipe
from tasks.train import student as weights
from tasks.train.child import Tell
from tasks.train.spec import Job, TrainSpec

SHOWN_STEPS = 50
"""Most steps in the table of losses."""


@dataclass(frozen=True)
class Trained:
    """The result of a part of a training.

    log: loss and rate per step, from the first step on. The speeds describe this run and are not
    part of the table. tokens_per_second: tokens without padding. utilisation: model FLOP without
    recomputation, divided by the peak. peak_bytes: GPU memory.
    """

    step: int
    steps: int
    tensors: list[weights.ComparedTensor]
    log: list[dict[str, float]]
    validation_loss: float | None
    tokens_per_second: float
    utilisation: float
    peak_bytes: int


def total_steps(spec: TrainSpec, rows: int) -> int:
    """Return the number of steps of a whole training without packing."""
    return math.ceil(spec.epochs * math.ceil(rows / spec.batch))


def train(job: Job, tell: Tell) -> Trained:
    """Train up to the job's last step, from its last checkpoint on.

    The adapter, and the state for a later part, are in job.work. Raises BaseMoved if anything but
    the adapter changed.
    """
    from tasks.train.checkpoints import keep_state, start, trained_to
    from tasks.train.objectives.sft import trainer_of
    from tasks.train.watch import Watch

    attention = weights.attention(job.placement.attention)
    refuse_unsound(job.spec, job.placement.micro_batch, attention)
    base = weights.load(job.spec.student, precision=job.spec.precision, attention=attention)
    before = weights.tensors(base)
    watch = Watch(job.until, tell)
    trainer = trainer_of(base, job, watch)
    untrained = weights.tensors(trainer.model)
    begin = start(job)
    state = trained_to(begin, job.until)
    if state is None:
        trainer.train(resume_from_checkpoint=begin)
        state = trainer.state
    else:
        weights.load_adapter(trainer.model, Path(str(begin)))
    after = weights.tensors(trainer.model)
    unmoved = before | {name: one for name, one in untrained.items() if one.part == "adapter"}
    table = weights.isolation(unmoved, after, job.spec.lora.targets)
    keep_state(job.work, state.global_step)
    loss = trainer.evaluate()["eval_loss"] if job.validation else None
    peak = job.placement.peak_tflops * 1e12 or weights.flops_per_second()
    return Trained(
        step=state.global_step,
        steps=state.max_steps,
        tensors=table,
        log=watch.lines(state.log_history),
        validation_loss=loss,
        tokens_per_second=watch.tokens_per_second,
        utilisation=watch.tokens_per_second * flops_per_token(after) / peak,
        peak_bytes=weights.peak_bytes(),
    )


def speed(trained: Trained) -> list[dict[str, float | None]]:
    """Return one row of a table with the result and the speed of a training."""
    return [
        {
            "step": trained.step,
            "of": trained.steps,
            "loss": round(trained.log[-1]["loss"], 4),
            "validation loss": trained.validation_loss,
            "tokens/s": round(trained.tokens_per_second),
            "FLOP utilisation": round(trained.utilisation, 4),
            "GPU GiB": round(trained.peak_bytes / 2**30, 2),
        }
    ]


def losses(trained: Trained) -> list[dict[str, float]]:
    """Return the loss per step, for at most SHOWN_STEPS steps, always with the last one."""
    every = max(1, math.ceil(len(trained.log) / SHOWN_STEPS))
    return [dict(line) for line in reversed(trained.log[::-1][::every])]


def refuse_unsound(spec: TrainSpec, micro_batch: int, attention: str) -> None:
    """Raise BadRecipe for settings that cannot train as they say."""
    if spec.batch % min(micro_batch, spec.batch):
        raise BadRecipe(
            f"train.batch {spec.batch} is not a multiple of "
            f"placement.train.micro_batch {micro_batch}"
        )
    if spec.packing and attention != "flash_attention_2":
        raise BadRecipe(
            f"train.packing with attention {attention}: packed rows would see each other; "
            "install flash-attn on a GPU, or set packing: false"
        )


def flops_per_token(tensors: dict[str, weights.Tensor]) -> float:
    """Return the model FLOP per token in LoRA training: 4 per frozen weight (forward, and backward
    to the activations), 6 per trained weight.

    The products of attention itself and the look-up of embeddings are left out, so this is a lower
    bound. After Kaplan et al. 2020, section 2.1.
    """
    looked_up = ("embed_tokens.weight",)
    counted = [one for one in tensors.values() if not one.name.endswith(looked_up)]
    return float(sum((6 if one.part == "adapter" else 4) * one.elements for one in counted))
