"""The models of a recipe: which one a section names, and where it runs."""

from flows.recipes.corpus import Recipe
from flows.recipes.walk import walk
from tasks.critique.coherence import CoherenceSpec
from tasks.inference.engine import EnginePlacement, NamedModel, TeacherSpec
from tasks.inference.memory import roomy
from tasks.inference.models import identity
from tasks.train.examples import StudentSpec


def named(recipe: Recipe, name: str) -> NamedModel:
    """Return the model of this name with its placement."""
    placement = recipe.placement.models.get(name, EnginePlacement())
    return NamedModel(name, recipe.models[name], placement)


def teachers(recipe: Recipe) -> tuple[NamedModel, ...]:
    """Return the models that answer the prompts."""
    return tuple(named(recipe, name) for name in recipe.traces.models)


def judge(recipe: Recipe, spec: CoherenceSpec) -> NamedModel:
    """Return the model that reads: the named one, else the first teacher at temperature 0."""
    if spec.model:
        return named(recipe, spec.model)
    teacher = teachers(recipe)[0]
    return teacher._replace(model=teacher.model.model_copy(update={"temperature": 0.0}))


def judges(recipe: Recipe) -> dict[str, CoherenceSpec]:
    """Return path → every judge that reads a share of the traces."""
    return {path: one for path, one in walk(recipe) if isinstance(one, CoherenceSpec) and one.share}


def asked_models(recipe: Recipe) -> dict[str, TeacherSpec]:
    """Return path → every model of the recipe, and how the trained model is asked."""
    return {path: one for path, one in walk(recipe) if isinstance(one, TeacherSpec)}


def unused_models(recipe: Recipe) -> list[str]:
    """Return the names of models that no section of the recipe uses."""
    used = {*recipe.traces.models, *recipe.measure.candidates}
    used |= {one.model for one in judges(recipe).values() if one.model}
    return [name for name in recipe.models if name not in used]


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
    teacher, student = teachers(recipe)[0], recipe.train.student
    weights = identity(teacher.model.model, teacher.model.revision)
    same = weights == identity(student.model, student.revision)
    if teacher.model.engine != "vllm" or not same or not roomy():
        return recipe
    roomier = teacher.placement.model_copy(update={"adapter_rank": recipe.train.lora.rank})
    models = recipe.placement.models | {teacher.name: roomier}
    placement = recipe.placement.model_copy(update={"models": models})
    return recipe.model_copy(update={"placement": placement})
