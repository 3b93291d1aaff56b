"""Read a recipe from a YAML file, and change settings of a recipe."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, NamedTuple

from pydantic import Field, ValidationError

from flows.plan.fault import RecipeFaults
from flows.recipes.corpus import Recipe
from flows.recipes.errors import faults_of
from flows.recipes.lines import Origin, Tree, lay_over, origin
from tasks.errors import BadRecipe
from tasks.spec import plain_yaml

Root = Annotated[Path, Field(description="Folder of the store, which holds all results.")]
Overlay = Annotated[
    Sequence[str],
    Field(
        description="Settings to change in the recipe, each key.path=value, for example "
        "prompts.rows=60."
    ),
]


class Written(NamedTuple):
    """A recipe, and the places of its settings."""

    recipe: Recipe
    origin: Origin


def load_recipe(path: Path, settings: Sequence[str] = ()) -> Recipe:
    """Return the recipe of a YAML file, with some settings changed.

    settings: lines key.path=value. Raises BadRecipe with the fault and its line.
    """
    return read_recipe(path, settings).recipe


def read_recipe(path: Path, settings: Sequence[str] = ()) -> Written:
    """Return the recipe of a YAML file as `load_recipe` does, and the places of its settings."""
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
            f"{what} is a {type(tree).__name__}, but a mapping is needed; "
            "see deployments/recipes/pocket.yaml"
        )
    written = origin(what, text, settings)
    return Written(_recipe(tree, settings, written), written)


def laid_over(recipe: Recipe, settings: Sequence[str]) -> Recipe:
    """Return the recipe with some settings changed.

    settings: lines key.path=value. Raises BadRecipe with the fault and its setting.
    """
    if not settings:
        return recipe
    tree = recipe.model_dump(mode="json", exclude_unset=True)
    return _recipe(tree, settings, origin(f"recipe {recipe.name!r}", "", settings))


def _recipe(tree: Tree, settings: Sequence[str], written: Origin) -> Recipe:
    for setting in settings:
        lay_over(tree, setting)
    try:
        return Recipe.model_validate(tree)
    except ValidationError as exc:
        faults = faults_of(exc, Recipe)
        placed = [written.placed(fault.where, fault.says) for fault in faults]
        raise RecipeFaults(written.what, placed) from exc
