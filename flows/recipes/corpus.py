"""A corpus recipe: one Spec per stage, and where the work runs."""

from typing import Literal, Self

from pydantic import Field, model_validator

from flows.plan.fault import unknown
from flows.recipes.placement import Placements
from flows.recipes.probe import ProbeSpec
from flows.recipes.walk import named_models
from tasks.audit.traces import TraceAuditSpec
from tasks.corpus.assemble import CorpusSpec
from tasks.critique.coherence import CoherenceSpec
from tasks.grounding.ground import GroundingSpec
from tasks.inference.engine import ModelName, TeacherSpec
from tasks.measure.budget import MeasurePlacement
from tasks.prompts.plan import PromptSpec
from tasks.sources.spec import DocumentSpec, QuestionSpec
from tasks.spec import Spec
from tasks.traces.generate import TraceSpec
from tasks.train.lora import TrainSpec
from tasks.train.publish import PublishSpec
from tasks.verdicts.gates import VerdictSpec


class UnknownModel(ValueError):
    """A setting names a model that the recipe does not have. where: the setting's path."""

    def __init__(self, where: str, says: str) -> None:
        super().__init__(f"{where}: {says}")
        self.where, self.says = where, says


class Recipe(Spec):
    """Everything that makes a corpus, and the student trained on it, what they are."""

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9_\-]{0,63}$")
    """Name of the corpus: lower-case letters, digits, dashes."""
    kind: Literal["corpus"] = "corpus"
    """Kind of recipe: a corpus, and the student that is trained on it."""
    models: dict[ModelName, TeacherSpec] = Field(default={"teacher": TeacherSpec()})
    """The models that other sections name: name → model and how it is asked."""
    documents: DocumentSpec = DocumentSpec()
    """What the prompts are grounded in."""
    questions: QuestionSpec = QuestionSpec()
    """Ready questions and procedural problems."""
    grounding: GroundingSpec = GroundingSpec()
    """Passages and their index."""
    prompts: PromptSpec = PromptSpec()
    """How many prompts are written, and of which families."""
    traces: TraceSpec = TraceSpec()
    """Which models answer the prompts, and how often."""
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
    traces.models.
    """
    placement: Placements = Placements()
    """Where and how fast the work runs; no part of what is made."""

    @model_validator(mode="after")
    def _names_known_models(self) -> Self:
        for where, name in named_models(self):
            if name not in self.models:
                raise UnknownModel(where, unknown("model", name, self.models))
        return self
