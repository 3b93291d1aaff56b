"""The chains of a recipe, with their files read and their changes made."""

from contextlib import suppress

from flows.recipes.corpus import Recipe
from tasks.chains.chain import Ask, Chain, placed
from tasks.chains.library import chain_of
from tasks.errors import MillError


def models_in(recipe: Recipe) -> set[str]:
    """Return the names of the models that the chains ask by name; of a chain that cannot be read,
    none, because another check says so.
    """
    found: set[str] = set()
    for written in recipe.chains:
        with suppress(MillError):
            chain = chain_of(written)
            steps = (place.step for place in placed(chain))
            found |= {step.model for step in steps if isinstance(step, Ask) and step.model}
            found |= {chain.model} if chain.model else set()
    return found


def chains_of(recipe: Recipe) -> list[Chain]:
    """Return the chains of a recipe. Raises BadRecipe for a chain that cannot be read."""
    return [chain_of(one) for one in recipe.chains]
