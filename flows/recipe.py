"""A recipe: one Spec a stage, and where the work runs. YAML is its only written form."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, NamedTuple
from zoneinfo import available_timezones

from pydantic import Field, ValidationError, field_validator

from flows.plan.fault import RecipeFaults
from flows.recipe_errors import faults_of
from flows.recipe_lines import Origin, lay_over, origin
from tasks.audit.traces import TraceAuditSpec
from tasks.corpus.assemble import CorpusSpec
from tasks.errors import BadRecipe
from tasks.grounding.ground import GroundingSpec
from tasks.inference.engine import EnginePlacement, TeacherSpec
from tasks.measure.budget import MeasurePlacement
from tasks.probe.weigh import GateSpec
from tasks.prompts.plan import Family, PromptSpec
from tasks.sources.spec import DocumentSpec, QuestionSpec
from tasks.spec import Placement, Spec, plain_yaml
from tasks.traces.generate import TraceSpec
from tasks.train.lora import TrainPlacement, TrainSpec
from tasks.train.publish import PublishSpec
from tasks.verdicts.coherence import CoherenceSpec
from tasks.verdicts.gates import VerdictSpec
from tasks.verdicts.structure import StructureSpec


class Nightly(Placement):
    """When the recipe is made anew by itself, once it is deployed."""

    active: bool = True
    """Run on the schedule. If false, the deployment runs only when somebody starts it."""
    corpus: str = Field("0 1 * * *", pattern=r"^\S+( \S+){4}$")
    """When the corpus is built: minute, hour, day, month, weekday."""
    factory: str = Field("0 3 * * *", pattern=r"^\S+( \S+){4}$")
    """When the whole factory runs; it reuses what the corpus build has made by then."""
    timezone: str = "UTC"
    """Time zone of the schedule, for example Europe/Berlin."""

    @field_validator("timezone")
    @classmethod
    def _known(cls, name: str) -> str:
        if name not in available_timezones():
            raise ValueError(f"unknown time zone {name!r}; the form is Europe/Berlin")
        return name


class Keep(Placement):
    """What the store remembers of a recipe."""

    builds: int = Field(14, ge=1)
    """Number of latest builds whose tables are kept, with everything they were made of. A promoted
    student is always kept.
    """
    days: float = Field(14, ge=0)
    """Days without use after which a table is removed, if no kept build was made of it. The same
    holds for a teacher's answer that no kept table holds.
    """


class Placements(Placement):
    """Where and how fast the work runs; no row depends on it."""

    teacher: EnginePlacement = EnginePlacement()
    """Engines of the teacher."""
    judge: EnginePlacement = EnginePlacement()
    """Engines of the judge of coherence."""
    train: TrainPlacement = TrainPlacement()
    """Memory and speed of the training."""
    probe: EnginePlacement = EnginePlacement()
    """Engines of base model and student while they are probed."""
    nightly: Nightly = Nightly()
    """Schedule of a deployment."""
    keep: Keep = Keep()
    """How long what was made stays in the store."""


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


class Recipe(Spec):
    """Everything that makes a corpus, and the student trained on it, what they are."""

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9_\-]{0,63}$")
    """Name of the corpus: lower-case letters, digits, dashes."""
    documents: DocumentSpec = DocumentSpec()
    """What the prompts are grounded in."""
    questions: QuestionSpec = QuestionSpec()
    """Ready questions and procedural problems."""
    grounding: GroundingSpec = GroundingSpec()
    """Passages and their index."""
    prompts: PromptSpec = PromptSpec()
    """How many prompts are written, and of which families."""
    traces: TraceSpec = TraceSpec()
    """The teacher and how it is asked."""
    audit: TraceAuditSpec = TraceAuditSpec()
    """What is looked for in all traces together, and what a person has cleared."""
    verdicts: VerdictSpec = VerdictSpec()
    """The gates."""
    coherence: CoherenceSpec = CoherenceSpec()
    """Who reads a sample of the passing traces, and how good a judge must be."""
    corpus: CorpusSpec = CorpusSpec()
    """What of the passing traces is kept."""
    train: TrainSpec = TrainSpec()
    """The student and how it learns."""
    probe: ProbeSpec = ProbeSpec()
    """What the student must still be able to do."""
    publish: PublishSpec = PublishSpec()
    """What a student must fulfil to be published."""
    measure: MeasurePlacement = MeasurePlacement()
    """Candidate teachers, the hours they may take, and prices. The chosen one replaces
    traces.teacher.
    """
    placement: Placements = Placements()
    """Where and how fast the work runs; no part of what is made."""


Root = Annotated[Path, Field(description="Folder of the store; everything made lies below it.")]
Overlay = Annotated[
    Sequence[str],
    Field(
        description="Settings laid over the recipe, each key.path=value, for example prompts.rows=60."
    ),
]


class Written(NamedTuple):
    """A recipe as it was read, and where each of its settings stands."""

    recipe: Recipe
    origin: Origin


def load_recipe(path: Path, settings: Sequence[str] = ()) -> Recipe:
    """Return the recipe of a YAML file with `key.path=value` settings laid over it.

    BadRecipe says what is wrong and in which line.
    """
    return read_recipe(path, settings).recipe


def read_recipe(path: Path, settings: Sequence[str] = ()) -> Written:
    """Return the recipe of a YAML file with settings laid over it, and the lines of its keys."""
    what = f"recipe {str(path)!r}"
    try:
        text = path.read_text(encoding="utf-8")
        tree = plain_yaml(text)
    except OSError as exc:
        raise BadRecipe(f"{what} cannot be read: {exc.strerror or exc}") from exc
    except ValueError as exc:
        raise BadRecipe(f"{what} is not YAML: {exc}") from exc
    if not isinstance(tree, dict):
        raise BadRecipe(
            f"{what} holds a {type(tree).__name__}, due a mapping; "
            "see deployments/recipes/pocket.yaml"
        )
    written = origin(what, text, settings)
    return Written(_recipe(tree, settings, written), written)


def laid_over(recipe: Recipe, settings: Sequence[str]) -> Recipe:
    """Return the recipe with `key.path=value` settings laid over it; BadRecipe says what is wrong
    and where.
    """
    if not settings:
        return recipe
    tree = recipe.model_dump(mode="json", exclude_unset=True)
    return _recipe(tree, settings, origin(f"recipe {recipe.name!r}", "", settings))


def _recipe(tree: dict[str, object], settings: Sequence[str], written: Origin) -> Recipe:
    for setting in settings:
        lay_over(tree, setting)
    try:
        return Recipe.model_validate(tree)
    except ValidationError as exc:
        faults = faults_of(exc, Recipe)
        placed = [written.placed(fault.where, fault.says) for fault in faults]
        raise RecipeFaults(written.what, placed) from exc
