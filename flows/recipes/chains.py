"""The chains of a recipe, with their files read and their changes made."""

from flows.recipes.corpus import Recipe
from tasks.chains.chain import Chain
from tasks.chains.library import chain_of


def chains_of(recipe: Recipe) -> list[Chain]:
    """Return the chains of a recipe. Raises BadRecipe for a chain that cannot be read."""
    return [chain_of(one) for one in recipe.chains]
