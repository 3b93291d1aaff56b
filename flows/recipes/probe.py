"""The probe section of a recipe: what base model and student are asked, and what must hold."""

from pydantic import Field

from tasks.critique.coherence import CoherenceSpec
from tasks.inference.engine import TeacherSpec
from tasks.probe.weigh import GateSpec
from tasks.prompts.plan import Family, PromptSpec
from tasks.sources.spec import QuestionSpec
from tasks.spec import Spec
from tasks.verdicts.structure import StructureSpec


class ProbeQuestions(QuestionSpec):
    """The probe's questions; the built-in ones are of the pocket teacher's domain."""

    problems: dict[str, int] = Field(
        default={"addition": 10, "equation": 10, "date": 10, "irac": 20, "rulebook": 30}
    )
    """Procedural problems to draw: family → how many."""
    held_out_share: float = Field(0, ge=0, lt=1)
    """Share of the problems kept back; the probe asks them all, and the corpus is cleaned of all.
    """
    seed: int = Field(7_000_001, ge=0)
    """Seed of the problems, another than the corpus'."""


class ProbePrompts(PromptSpec):
    """How the probe's questions are asked; each family is a kind of question, with a verdict of its
    own.
    """

    rows: int = Field(60, ge=1)
    """Number of questions that both models are asked."""
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
    """Families of the probe's questions. Those marked general show whether the student forgot how
    to reason.
    """
    control: float = Field(0, ge=0, le=0)
    """A probe has no control arm: the base model is its baseline."""
    saturation: float = Field(1, gt=0, le=1)
    """Share of the questions that may be asked."""


class ProbeAsking(TeacherSpec):
    """How base model and student are asked; the model is the one that is trained, whatever stands
    here.
    """

    temperature: float = Field(0.6, ge=0, le=2)
    """Sampling temperature; 0 is greedy."""


class ProbeSpec(Spec):
    """What student and base model are asked beside one another, and what the student must keep."""

    questions: ProbeQuestions = ProbeQuestions()
    """What is asked; rows that hold these questions are removed from the corpus."""
    prompts: ProbePrompts = ProbePrompts()
    """How the questions become prompts."""
    samples: int = Field(1, ge=1, le=64)
    """Number of answers that each model gives to each question."""
    asked: ProbeAsking = ProbeAsking()
    """How both models are asked. A model named here is ignored: the trained one is asked."""
    structure: StructureSpec | None = None
    """Lengths that the probe's answers may have, where the corpus' band is too narrow for the base
    model; the corpus' band when left out.
    """
    gates: GateSpec = GateSpec()
    """Thresholds of the probe, for the form and for the content of answers."""
    coherence: CoherenceSpec = CoherenceSpec()
    """Who reads the answers of both, with the recipe's rubric."""
    checkpoint_rows: int = Field(20, ge=1)
    """Number of questions that a checkpoint is asked during training."""
    wins_from: float = Field(0.5, ge=0, le=1)
    """Share of the training before which no checkpoint may win: an earlier one passes only because
    it has learnt nothing.
    """
    floor: float = Field(0.5, ge=0)
    """A checkpoint whose metric falls below this ratio to the baseline ends the training at once.
    """
    seed: int = Field(0, ge=0)
    """Seed of the draws."""
