"""The recipe of a corpus: one Spec per stage, and the placement of the work."""

from typing import Literal, Self

from pydantic import Field, model_validator

from flows.plan.fault import unknown
from flows.recipes.placement import Placements
from flows.recipes.probe import ProbeSpec
from flows.recipes.walk import named_models
from tasks.audit.traces import TraceAuditSpec
from tasks.chains.library import ChainOrUse
from tasks.corpus.assemble import CorpusSpec
from tasks.critique.coherence import CoherenceSpec
from tasks.grounding.ground import GroundingSpec
from tasks.inference.engine import ModelName, TeacherSpec
from tasks.measure.budget import MeasurePlacement
from tasks.prompts.family import PromptSpec
from tasks.sources.spec import DocumentSpec, QuestionSpec
from tasks.spec import Spec
from tasks.traces.generate import TraceSpec
from tasks.train.publish import PublishSpec
from tasks.train.spec import TrainSpec
from tasks.verdicts.gates import VerdictSpec


class UnknownModel(ValueError):
    """A setting names a model that the recipe lacks. where: path of the setting."""

    def __init__(self, where: str, says: str) -> None:
        super().__init__(f"{where}: {says}")
        self.where, self.says = where, says


class Recipe(Spec):
    """All settings of a corpus and of the student that is trained on it."""

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9_\-]{0,63}$")
    """Name of the corpus: lower-case letters, digits, dashes."""
    kind: Literal["corpus"] = "corpus"
    """Kind of recipe: a corpus, and the student that is trained on it."""
    models: dict[ModelName, TeacherSpec] = Field(default={"teacher": TeacherSpec()})
    """The models of the recipe, by the names that other sections use."""
    documents: DocumentSpec = DocumentSpec()
    """The documents that prompts are about."""
    questions: QuestionSpec = QuestionSpec()
    """Ready questions and procedural problems."""
    grounding: GroundingSpec = GroundingSpec()
    """How documents are cut into passages, and their index."""
    chains: tuple[ChainOrUse, ...] = ()
    """Chains of model calls that write questions: names of built-in chains, files, or steps."""
    prompts: PromptSpec = PromptSpec()
    """Number of prompts, and their families."""
    traces: TraceSpec = TraceSpec()
    """Which models answer the prompts, and how often."""
    audit: TraceAuditSpec = TraceAuditSpec()
    """The search for producer state in all traces, and phrases that a person has accepted."""
    verdicts: VerdictSpec = VerdictSpec()
    """The gates, which judge every trace."""
    coherence: CoherenceSpec = CoherenceSpec()
    """The judge that reads a sample of the traces that passed, and how good it must be."""
    corpus: CorpusSpec = CorpusSpec()
    """Which of the traces that passed are kept."""
    train: TrainSpec = TrainSpec()
    """The student and its training."""
    probe: ProbeSpec = ProbeSpec()
    """What the student must still be able to do."""
    publish: PublishSpec = PublishSpec()
    """Conditions for publishing a student."""
    measure: MeasurePlacement = MeasurePlacement()
    """Candidate teachers, budget of hours, and prices. The choice replaces traces.models."""
    placement: Placements = Placements()
    """Where and how fast the work runs; it does not change the corpus."""

    @model_validator(mode="after")
    def _names_known_models(self) -> Self:
        for where, name in named_models(self):
            if name not in self.models:
                raise UnknownModel(where, unknown("model", name, self.models))
        return self
