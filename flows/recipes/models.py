"""The models of a recipe: teachers, judges, and where they run."""

from flows.recipes.chains import models_in
from flows.recipes.corpus import Recipe
from flows.recipes.walk import walk
from tasks.critique.coherence import CoherenceSpec
from tasks.inference.engine import EnginePlacement, NamedModel, TeacherSpec
from tasks.inference.memory import room_for_training
from tasks.inference.models import identity
from tasks.train.examples import StudentSpec


def named(recipe: Recipe, name: str) -> NamedModel:
    """Return the model of a name with its placement."""
    placement = recipe.placement.models.get(name, EnginePlacement())
    return NamedModel(name, recipe.models[name], placement)


def teachers(recipe: Recipe) -> tuple[NamedModel, ...]:
    """Return the models that answer the prompts."""
    return tuple(named(recipe, name) for name in recipe.traces.models)


def judge(recipe: Recipe, spec: CoherenceSpec) -> NamedModel:
    """Return the model of a judge: the named one, or else the first teacher at temperature 0."""
    if spec.model:
        return named(recipe, spec.model)
    teacher = teachers(recipe)[0]
    return teacher._replace(model=teacher.model.model_copy(update={"temperature": 0.0}))


def judges(recipe: Recipe) -> dict[str, CoherenceSpec]:
    """Return all judges that read traces, by the path of their settings."""
    return {path: one for path, one in walk(recipe) if isinstance(one, CoherenceSpec) and one.share}


def asked_models(recipe: Recipe) -> dict[str, TeacherSpec]:
    """Return all models of the recipe, and the probe's sampling, by the path of their settings."""
    return {path: one for path, one in walk(recipe) if isinstance(one, TeacherSpec)}


def unused_models(recipe: Recipe) -> list[str]:
    """Return the names of models that no section of the recipe uses."""
    used = {*recipe.traces.models, *recipe.measure.candidates}
    used |= models_in(recipe)
    used |= {one.model for one in judges(recipe).values() if one.model}
    return [name for name in recipe.models if name not in used]


def trusting(recipe: Recipe) -> list[str]:
    """Return the models with trust_remote_code, whose repositories may run code here."""
    return [
        f"{path} ({one.model})"
        for path, one in walk(recipe)
        if isinstance(one, TeacherSpec | StudentSpec) and one.trust_remote_code
    ]


def with_room_for_adapter(recipe: Recipe) -> Recipe:
    """Return the recipe with room for the student's adapter in the engine of the first teacher.

    One engine start then serves teacher, judge, base model and student. The recipe is unchanged if
    teacher and student have different weights, or if the engine must be closed for the training.
    """
    teacher, student = teachers(recipe)[0], recipe.train.student
    weights = identity(teacher.model.model, teacher.model.revision)
    same = weights == identity(student.model, student.revision)
    if teacher.model.engine != "vllm" or not same or not room_for_training():
        return recipe
    roomier = teacher.placement.model_copy(update={"adapter_rank": recipe.train.lora.rank})
    models = recipe.placement.models | {teacher.name: roomier}
    placement = recipe.placement.model_copy(update={"models": models})
    return recipe.model_copy(update={"placement": placement})
