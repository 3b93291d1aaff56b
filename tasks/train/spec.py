"""The settings of a training, and one part of it as work to do."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from pydantic import Field

from tasks.spec import Placement, Spec
from tasks.train.examples import EncodeSpec, StudentSpec


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
