"""A recipe: one Spec a stage, and where the work runs. YAML is its only written form."""

from pathlib import Path

import yaml
from pydantic import Field, ValidationError

from tasks.corpus.assemble import CorpusSpec
from tasks.errors import BadRecipe
from tasks.grounding.ground import GroundingSpec
from tasks.inference.engine import EnginePlacement
from tasks.prompts.plan import PromptSpec
from tasks.sources.collect import DocumentSpec, QuestionSpec
from tasks.spec import Placement, Spec
from tasks.traces.generate import TraceSpec
from tasks.verdicts.audit.traces import TraceAuditSpec
from tasks.verdicts.coherence import CoherenceSpec
from tasks.verdicts.gates import VerdictSpec


class Placements(Placement):
    """Where and how fast the work runs; no row depends on it."""

    teacher: EnginePlacement = EnginePlacement()
    """Engines of the teacher."""
    judge: EnginePlacement = EnginePlacement()
    """Engines of the judge of coherence."""


class Recipe(Spec):
    """Everything that makes a corpus what it is."""

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9_\-]{0,63}$")
    """Name of the corpus: lower-case letters, digits, dashes."""
    documents: DocumentSpec = DocumentSpec()
    """What the prompts are grounded in."""
    questions: QuestionSpec = QuestionSpec()
    """Ready questions and procedural problems."""
    grounding: GroundingSpec = GroundingSpec()
    """Passages and their index."""
    prompts: PromptSpec = PromptSpec()
    """The plan."""
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
    placement: Placements = Placements()
    """Where it runs; not part of what it makes."""


def load_recipe(path: Path, settings: list[str] | None = None) -> Recipe:
    """Return the recipe of a YAML file with `key.path=value` settings laid over it; BadRecipe says what is wrong and where."""
    try:
        tree = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as exc:
        raise BadRecipe(f"recipe {str(path)!r} cannot be read: {exc.strerror or exc}") from exc
    except (yaml.YAMLError, UnicodeDecodeError) as exc:
        raise BadRecipe(f"recipe {str(path)!r} is not YAML: {exc}") from exc
    if not isinstance(tree, dict):
        raise BadRecipe(f"recipe {str(path)!r} holds a {type(tree).__name__}, due a mapping; see deployments/recipes/pocket.yaml")
    for setting in settings or []:
        _lay_over(tree, setting)
    try:
        return Recipe.model_validate(tree)
    except ValidationError as exc:
        raise BadRecipe(f"recipe {str(path)!r}: {'; '.join(map(_sentence, exc.errors()))}") from exc


def _lay_over(tree: dict[str, object], setting: str) -> None:
    name, separator, value = setting.partition("=")
    if not separator or not name:
        raise BadRecipe(f"setting {setting!r} is not of the form key.path=value, for example prompts.rows=50")
    *path, last = name.split(".")
    for part in path:
        below = tree.setdefault(part, {})
        if not isinstance(below, dict):
            raise BadRecipe(f"setting {setting!r}: {part!r} is not a mapping")
        tree = below
    tree[last] = yaml.safe_load(value)


def _sentence(error: object) -> str:
    found: dict[str, object] = dict(error)  # type: ignore[call-overload]
    place = ".".join(str(part) for part in found["loc"])  # type: ignore[attr-defined]
    return f"{place or 'recipe'}: {str(found['msg']).removeprefix('Value error, ')} (got {str(found.get('input'))[:80]})"
