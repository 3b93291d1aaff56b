"""Every model that a recipe names, found by walking the recipe: no list of them is kept."""

from collections.abc import Iterator

from pydantic import BaseModel

from flows.recipes.corpus import Recipe
from tasks.inference.engine import TeacherSpec
from tasks.inference.memory import roomy
from tasks.inference.models import identity
from tasks.train.examples import StudentSpec
from tasks.verdicts.coherence import CoherenceSpec


def walk(value: object, above: str = "") -> Iterator[tuple[str, BaseModel]]:
    """Yield (path, settings) of all settings below a value, outermost first; the value itself is
    "".
    """
    if isinstance(value, BaseModel):
        yield above, value
        for name in type(value).model_fields:
            yield from walk(getattr(value, name), _below(above, name))
    elif isinstance(value, dict):
        for name, one in value.items():
            yield from walk(one, _below(above, name))
    elif isinstance(value, list | tuple):
        for number, one in enumerate(value):
            yield from walk(one, _below(above, str(number)))


def judges(recipe: Recipe) -> dict[str, CoherenceSpec]:
    """Return path → every judge that reads a share of the traces."""
    return {path: one for path, one in walk(recipe) if isinstance(one, CoherenceSpec) and one.share}


def asked_models(recipe: Recipe) -> dict[str, TeacherSpec]:
    """Return path → every model that is asked; a judge that reads nothing is not."""
    silent = {
        f"{path}.teacher"
        for path, one in walk(recipe)
        if isinstance(one, CoherenceSpec) and not one.share
    }
    return {
        path: one
        for path, one in walk(recipe)
        if isinstance(one, TeacherSpec) and path not in silent
    }


def trusting(recipe: Recipe) -> list[str]:
    """Return the models whose repositories may run code of their own here, because the recipe says
    so.
    """
    return [
        f"{path} ({one.model})"
        for path, one in walk(recipe)
        if isinstance(one, TeacherSpec | StudentSpec) and one.trust_remote_code
    ]


def with_room_for_adapter(recipe: Recipe) -> Recipe:
    """Return the recipe with a teacher's engine that can carry the student's adapter.

    Only where teacher and student have the same weights and the engine stays loaded while the
    student is trained: one start then serves teacher, judge, base model and student.
    """
    teacher, student = recipe.traces.teacher, recipe.train.student
    same = identity(teacher.model, teacher.revision) == identity(student.model, student.revision)
    if teacher.engine != "vllm" or not same or not roomy():
        return recipe
    own = recipe.placement.teacher.model_copy(update={"adapter_rank": recipe.train.lora.rank})
    placement = recipe.placement.model_copy(update={"teacher": own})
    return recipe.model_copy(update={"placement": placement})


def _below(above: str, name: str) -> str:
    return f"{above}.{name}" if above else name
