"""LoRA training, as a whole or in parts: it makes an adapter and changes nothing else."""

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from pydantic import Field

from tasks.errors import BadRecipe
from tasks.spec import Placement, Spec
from tasks.train import student as weights
from tasks.train.child import Tell
from tasks.train.examples import EncodeSpec, StudentSpec

SHOWN_STEPS = 50
"""Most steps in the table of losses."""


class LoraSpec(Spec):
    """The adapter (Hu et al. 2021)."""

    rank: int = Field(16, ge=1, le=512)
    """Rank of the two factors."""
    alpha: int = Field(32, ge=1)
    """Scale: the product of the factors is multiplied by alpha / rank."""
    dropout: float = Field(0.05, ge=0, lt=1)
    """Share of the adapter's inputs that are dropped during training."""
    targets: tuple[str, ...] = ("q_proj", "k_proj", "v_proj", "o_proj")
    """Projections that get an adapter, by the last part of their names. Nothing else is trained."""


class TrainSpec(Spec):
    """How the student is trained."""

    student: StudentSpec = StudentSpec()
    """The model before training."""
    encode: EncodeSpec = EncodeSpec()
    """How rows become token ids."""
    lora: LoraSpec = LoraSpec()
    """The adapter."""
    learning_rate: float = Field(1e-4, gt=0)
    """Peak learning rate of the cosine schedule."""
    warmup: float = Field(0.05, ge=0, lt=1)
    """Share of the steps in which the learning rate rises."""
    epochs: float = Field(2, gt=0, le=20)
    """Passes over the training rows. With more than two, the student memorises the rows."""
    batch: int = Field(16, ge=1)
    """Rows per training step; with packing, sequences of max_length."""
    precision: Literal["bf16", "fp32"] = "bf16"
    """Number format of the base model and its activations. The adapter and its optimizer are always
    fp32.
    """
    packing: bool = False
    """Put several rows into one sequence. They stay separate only with attention:
    flash_attention_2, which is therefore required.
    """
    weight_decay: float = Field(0.0, ge=0)
    """Weight decay of the AdamW optimizer."""
    max_grad_norm: float = Field(1.0, gt=0)
    """Gradients with a larger norm are scaled down to it."""
    probe_every: int = Field(0, ge=0)
    """Steps between the checkpoints that are probed. The earliest one that passes is published. 0
    probes only the last one.
    """
    seed: int = Field(0, ge=0)
    """Seed of the adapter's first weights, of dropout and of the order of rows."""


class TrainPlacement(Placement):
    """Where the student is trained. With the same placement, a training on a CPU gives the same
    bits.
    """

    micro_batch: int = Field(4, ge=1)
    """Rows in memory at once. The gradients of a batch are accumulated. It must divide the
    batch.
    """
    activation_checkpointing: bool = True
    """Compute activations twice and do not store them: less memory, about a fifth slower."""
    attention: Literal["auto", "sdpa", "flash_attention_2", "eager"] = "auto"
    """auto uses flash_attention_2 if it is installed, and sdpa otherwise."""
    save_every: int = Field(25, ge=1)
    """Steps between the checkpoints from which an interrupted training continues."""
    peak_tflops: float = Field(0, ge=0)
    """The device's bfloat16 peak for the utilisation (H200: 989). With 0, a matrix product is
    measured.
    """


@dataclass(frozen=True)
class Job:
    """A part of a training. train, validation: Parquet files of EXAMPLES. work: folder of its
    checkpoints. begin: state of the part before, None at first. until: its last step, None for the
    end.
    """

    spec: TrainSpec
    placement: TrainPlacement
    train: Path
    validation: Path | None
    work: Path
    begin: Path | None
    until: int | None


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
    from tasks.train.trainer import Watch, keep_state, start, trained_to, trainer_of

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


def speed(trained: Trained) -> list[dict[str, object]]:
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


def losses(trained: Trained) -> list[dict[str, object]]:
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
