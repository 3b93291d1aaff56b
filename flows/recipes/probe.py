"""The section probe of a recipe: the questions for base model and student, and the gates."""

from pydantic import Field

from tasks.critique.coherence import CoherenceSpec
from tasks.inference.engine import TeacherSpec
from tasks.probe.weigh import GateSpec
from tasks.prompts.family import Family, PromptSpec
from tasks.sources.spec import QuestionSpec
from tasks.spec import Spec
from tasks.verdicts.structure import StructureSpec


class ProbeQuestions(QuestionSpec):
    """The questions of the probe; the built-in ones suit the pocket teacher."""

    problems: dict[str, int] = Field(
        default={"addition": 10, "equation": 10, "date": 10, "irac": 20, "rulebook": 30}
    )
    """Number of procedural problems, by family."""
    held_out_share: float = Field(0, ge=0, lt=1)
    """Share of the problems that is held out. The probe asks all; the corpus has none of them."""
    seed: int = Field(7_000_001, ge=0)
    """Seed of the problems. Use another seed than for the problems of the corpus."""


class ProbePrompts(PromptSpec):
    """How the probe's questions become prompts. Every family has its own verdict."""

    rows: int = Field(60, ge=1)
    """Number of questions; both models answer all of them."""
    families: tuple[Family, ...] = (
        Family(
            name="general_reasoning",
            share=30,
            ground="questions",
            template="plain",
            categories=("addition", "equation", "date"),
            general=True,
        ),
        Family(
            name="rule_application",
            share=20,
            ground="questions",
            template="plain",
            categories=("irac",),
        ),
        Family(
            name="strategy",
            share=30,
            ground="questions",
            template="plain",
            categories=("rulebook",),
        ),
    )
    """Families of the probe's questions. General ones show whether the student can still reason."""
    control: float = Field(0, ge=0, le=0)
    """Always 0: a probe needs no control prompts, because the base model is its baseline."""
    saturation: float = Field(1, gt=0, le=1)
    """Share of the possible questions that may be used."""


class ProbeAsking(TeacherSpec):
    """Sampling of base model and student. A model named here is ignored."""

    temperature: float = Field(0.6, ge=0, le=2)
    """Sampling temperature; 0 is greedy."""


class ProbeSpec(Spec):
    """The comparison of student and base model, and what the student must still be able to do."""

    questions: ProbeQuestions = ProbeQuestions()
    """The questions. Corpus rows that contain one of them are removed."""
    prompts: ProbePrompts = ProbePrompts()
    """How the questions become prompts."""
    samples: int = Field(1, ge=1, le=64)
    """Answers per question and model."""
    asked: ProbeAsking = ProbeAsking()
    """Sampling of both models. A model named here is ignored; the trained model answers."""
    structure: StructureSpec | None = None
    """Allowed lengths of the probe's answers, if those of the corpus do not suit the base model.
    Default: those of the corpus.
    """
    gates: GateSpec = GateSpec()
    """Thresholds of the probe, for the form and for the content of answers."""
    coherence: CoherenceSpec = CoherenceSpec()
    """The judge that reads the answers of both models."""
    checkpoint_rows: int = Field(20, ge=1)
    """Number of questions for the probe of a checkpoint during training."""
    wins_from: float = Field(0.5, ge=0, le=1)
    """Share of the training before which no checkpoint can win: an earlier one has learnt so little
    that it always passes.
    """
    floor: float = Field(0.5, ge=0)
    """The training ends if a metric of a checkpoint is below this ratio to the baseline."""
    seed: int = Field(0, ge=0)
    """Seed of the sampling."""
