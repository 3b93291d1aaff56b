"""Faults of chains: what their steps may see, what they give, and who asks their questions."""

from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

from flows.plan.fault import Fault, unknown
from flows.plan.shares import planned
from flows.plan.supply import Supply
from flows.recipes.chains import chains_of
from flows.recipes.corpus import Recipe
from flows.recipes.models import teachers
from tasks.chains.bound import Bound, bound
from tasks.chains.chain import Ask, Chain, placed
from tasks.chains.check import faults
from tasks.chains.library import built_in, chain_of
from tasks.chains.roots import ROOTS_OF_NOTHING
from tasks.errors import MillError, UnknownName
from tasks.prompts.family import Family


def readable(recipe: Recipe) -> Iterator[Fault]:
    """Yield a fault for a chain that cannot be read, and all faults of the static check."""
    chains: list[Chain] = []
    for number, written in enumerate(recipe.chains):
        try:
            chains.append(chain_of(written))
        except UnknownName:
            name = written if isinstance(written, str) else getattr(written, "use", "")
            yield Fault(f"chains.{number}", unknown("chain", name, built_in()))
        except MillError as exc:
            yield Fault(f"chains.{number}", str(exc))
    if len(chains) < len(recipe.chains):
        return
    for number, fault in faults(chains):
        says = f"chain {chains[number].name!r}: {fault.says}"
        yield Fault(f"chains.{number}.{fault.where}", says)
    for number, chain in enumerate(chains):
        yield from _models(f"chains.{number}", chain, recipe)


def drawn_from(recipe: Recipe) -> Iterator[Fault]:
    """Yield a fault for a family without its chain, and a warning for a chain without a family."""
    chains = _chains(recipe)
    names = {chain.name: chain for chain in chains}
    for where, spec in planned(recipe):
        for number, family in enumerate(spec.families):
            if family.ground == "chain":
                yield from _of_family(f"{where}.families.{number}", family, names)
    used = {family.chain for family in recipe.prompts.families} | {one.begins for one in chains}
    for number, chain in enumerate(chains):
        if chain.name not in used:
            says = f"no family asks the questions of chain {chain.name!r}; add one with ground: "
            yield Fault(f"chains.{number}", f"{says}chain and chain: {chain.name}", stops=False)


def begun_with(recipe: Recipe, known: Iterable[str]) -> set[str]:
    """Return the categories of ready questions with which chains begin. known: all categories."""
    several = [chain for chain in _chains(recipe) if chain.begins == "questions"]
    return {name for one in several for name in one.where.categories or known}


def too_few(recipe: Recipe, supply: Supply) -> Iterator[Fault]:
    """Yield a fault for a family that wants more questions than its chain can give."""
    spec = recipe.prompts
    bounds = bounds_of(recipe, supply)
    total = sum(family.share for family in spec.families)
    for number, family in enumerate(spec.families):
        most = bounds[family.chain].items if family.chain in bounds else None
        wanted = round(spec.rows * family.share / total)
        if most is not None and wanted > spec.saturation * most:
            yield Fault(
                f"prompts.families.{number}",
                f"family {family.name!r} wants {wanted:,} questions; chain {family.chain!r} gives "
                f"at most {most:,}, of which {int(spec.saturation * most):,} may be used "
                f"(saturation {spec.saturation:g}); give more documents, or ask for fewer rows",
            )


class ChainCost(NamedTuple):
    """Upper bounds of a chain: calls, completion tokens, and questions that it can give."""

    calls: int
    tokens: int
    questions: int


def costs_of(recipe: Recipe, supply: Supply) -> dict[str, ChainCost]:
    """Return name of a chain → what it costs at most."""
    first = teachers(recipe)[0].name
    return {
        name: ChainCost(
            found.calls,
            sum(
                calls * recipe.models[model or first].max_tokens
                for model, calls in found.by_model.items()
            ),
            found.items,
        )
        for name, found in bounds_of(recipe, supply).items()
    }


def bounds_of(recipe: Recipe, supply: Supply) -> dict[str, Bound]:
    """Return name of a chain → its largest number of calls and of questions."""
    chains = {chain.name: chain for chain in _chains(recipe)}
    found: dict[str, Bound] = {}

    def of(chain: Chain) -> Bound:
        if chain.name not in found:
            found[chain.name] = bound(chain, _roots(chain, supply, chains, of))
        return found[chain.name]

    return {name: of(chain) for name, chain in chains.items()}


def _roots(
    chain: Chain, supply: Supply, chains: dict[str, Chain], of: Callable[[Chain], Bound]
) -> int:
    if chain.begins in chains:
        return of(chains[chain.begins]).items
    if chain.begins == "nothing":
        return chain.where.most or ROOTS_OF_NOTHING
    several = supply.passages if chain.begins == "passages" else supply.questions
    wanted = chain.where.categories
    return sum(not wanted or one.category in wanted for one in several)


def _chains(recipe: Recipe) -> list[Chain]:
    """Return the chains; none if one cannot be read, which another check says."""
    try:
        return chains_of(recipe)
    except MillError:
        return []


def _models(where: str, chain: Chain, recipe: Recipe) -> Iterator[Fault]:
    for place in placed(chain):
        step = place.step
        asked = step.model if isinstance(step, Ask) and place.level <= 1 else None
        if asked and asked not in recipe.models:
            says = unknown("model", asked, recipe.models)
            yield Fault(f"{where}.steps.{step.name}.model", f"chain {chain.name!r}: {says}")
    if chain.model and chain.model not in recipe.models:
        says = unknown("model", chain.model, recipe.models)
        yield Fault(f"{where}.model", f"chain {chain.name!r}: {says}")


def _of_family(where: str, family: Family, chains: dict[str, Chain]) -> Iterator[Fault]:
    if family.chain not in chains:
        yield Fault(f"{where}.chain", unknown("chain", family.chain, chains))
        return
    chain = chains[family.chain]
    shows = chain.gives.shown == "passages"
    if not shows and {"teacher_sees", "shown"} & family.model_fields_set:
        hidden = family.teacher_sees == family.shown == "nothing"
        if not hidden:
            yield Fault(
                where,
                f"family {family.name!r} shows passages, but chain {chain.name!r} gives questions "
                "without any; set its gives.shown: passages, or leave the two settings out",
            )
    unseen = family.teacher_sees == "nothing" and family.shown == "passages" and shows
    if unseen and "teacher_sees" in family.model_fields_set:
        yield Fault(
            f"{where}.teacher_sees",
            f"family {family.name!r} would show passages that the teacher did not see; "
            "set shown: nothing too",
        )
