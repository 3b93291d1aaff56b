"""A stretch of LoRA training: from examples to an adapter, with nothing else moved."""

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from pydantic import Field

from tasks.errors import BadRecipe
from tasks.spec import Placement, Spec
from tasks.train import student as weights
from tasks.train.apart import Tell
from tasks.train.examples import EncodeSpec, StudentSpec

SHOWN_STEPS = 50


class LoraSpec(Spec):
    """The adapter (Hu et al. 2021)."""

    rank: int = Field(16, ge=1, le=512)
    """Rank of the two factors."""
    alpha: int = Field(32, ge=1)
    """Scale: the product of the factors counts alpha / rank."""
    dropout: float = Field(0.05, ge=0, lt=1)
    """Share of the adapter's inputs dropped in training."""
    targets: tuple[str, ...] = ("q_proj", "k_proj", "v_proj", "o_proj")
    """Projections that get an adapter, by the last part of their names; nothing else learns."""


class TrainSpec(Spec):
    """How the student learns."""

    student: StudentSpec = StudentSpec()
    """The model before training."""
    encode: EncodeSpec = EncodeSpec()
    """How rows become token ids."""
    lora: LoraSpec = LoraSpec()
    """The adapter."""
    learning_rate: float = Field(1e-4, gt=0)
    """Peak learning rate of the cosine schedule."""
    warmup: float = Field(0.05, ge=0, lt=1)
    """Share of the steps in which the rate rises."""
    epochs: float = Field(2, gt=0, le=20)
    """Passes over the training rows. With more than two, the student learns the rows by heart."""
    batch: int = Field(16, ge=1)
    """Rows per training step; with packing, sequences of max_length."""
    precision: Literal["bf16", "fp32"] = "bf16"
    """Arithmetic of the base and its activations; the adapter and its optimizer are always fp32."""
    packing: bool = False
    """Several rows in one sequence, without seeing each other; needs attention: flash_attention_2,
    which alone keeps them apart.
    """
    weight_decay: float = Field(0.0, ge=0)
    """Weight decay of the AdamW optimizer."""
    max_grad_norm: float = Field(1.0, gt=0)
    """Gradients are scaled down to this norm."""
    probe_every: int = Field(0, ge=0)
    """Steps between the checkpoints that are probed; the earliest that passes wins. 0 probes only
    the last one.
    """
    seed: int = Field(0, ge=0)
    """Seed of the adapter's first weights, of dropout and of the rows' order."""


class TrainPlacement(Placement):
    """Where the student is trained; a CPU run repeats itself bit by bit as long as this stays the
    same.
    """

    micro_batch: int = Field(4, ge=1)
    """Rows in memory at once; gradients of the rest of the batch are accumulated. It must divide
    the batch.
    """
    activation_checkpointing: bool = True
    """Compute activations twice instead of keeping them: less memory, about a fifth slower."""
    attention: Literal["auto", "sdpa", "flash_attention_2", "eager"] = "auto"
    """auto uses flash_attention_2 if it is installed, and sdpa otherwise."""
    save_every: int = Field(25, ge=1)
    """Steps between the checkpoints from which a killed training continues."""
    peak_tflops: float = Field(0, ge=0)
    """The device's bfloat16 peak for the utilisation (H200: 989); 0 measures a matrix product
    instead.
    """


@dataclass(frozen=True)
class Job:
    """A stretch of a training. train, validation: Parquet of EXAMPLES. begin: state of the stretch
    before. until: last step, None: the end.
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
    """What a stretch came to. log: loss and rate by step, from the first. speed belongs to the run:
    it is no part of what was made.

    tokens_per_second: tokens read, padding left out. utilisation: model FLOP, recomputation left
    out, over the peak. peak_bytes: GPU memory.
    """

    step: int
    steps: int
    tensors: list[dict[str, object]]
    log: list[dict[str, float]]
    validation_loss: float | None
    tokens_per_second: float
    utilisation: float
    peak_bytes: int


def total_steps(spec: TrainSpec, rows: int) -> int:
    """Return the steps of a whole training without packing."""
    return math.ceil(spec.epochs * math.ceil(rows / spec.batch))


def train(job: Job, tell: Tell) -> Trained:
    """Train up to the job's last step, going on from its last checkpoint; the adapter and what a
    later stretch begins with lie in job.work.

    Raises BaseMoved when anything but the adapter learnt.
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
        weights.lay_over(trainer.model, Path(str(begin)))
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
    """Return the line that says how a training went."""
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
    """Return the loss by step, at most SHOWN_STEPS of them, the last one always."""
    every = max(1, math.ceil(len(trained.log) / SHOWN_STEPS))
    return [dict(line) for line in reversed(trained.log[::-1][::every])]


def refuse_unsound(spec: TrainSpec, micro_batch: int, attention: str) -> None:
    """Raise BadRecipe for settings that would not train what they say."""
    if spec.batch % min(micro_batch, spec.batch):
        raise BadRecipe(
            f"train.batch {spec.batch} is no multiple of placement.train.micro_batch {micro_batch}"
        )
    if spec.packing and attention != "flash_attention_2":
        raise BadRecipe(
            f"train.packing with attention {attention}: packed rows would see each other; install flash-attn on a GPU, or set packing: false"
        )


def flops_per_token(tensors: dict[str, weights.Tensor]) -> float:
    """Return the model FLOP of a token in LoRA training: 4 a frozen weight (forward, and backward
    to the activations), 6 a learnt one.

    Attention's own products and the look-up of embeddings are left out, so this is a lower bound.
    After Kaplan et al. 2020, section 2.1.
    """
    looked_up = ("embed_tokens.weight",)
    counted = [one for one in tensors.values() if not one.name.endswith(looked_up)]
    return float(sum((6 if one.part == "adapter" else 4) * one.elements for one in counted))
