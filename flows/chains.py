"""The chains of a recipe as stages of a flow: step by step, then the questions of all chains."""

from pathlib import Path
from typing import NamedTuple

from flows.clock import Stages
from flows.recipes.chains import chains_of
from flows.recipes.corpus import Recipe
from flows.recipes.models import named, teachers
from tasks.artifacts import leave_table
from tasks.chains.chain import Ask, Chain, Placed, placed
from tasks.chains.check import ROOTS, in_order
from tasks.chains.give import givers
from tasks.chains.step import funnel_of
from tasks.chains.task import Levels, give, run_step
from tasks.corpus.findings import ChainLine
from tasks.inference.engine import NamedModel
from tasks.store import Table


class Sources(NamedTuple):
    """The tables with which chains begin, and the questions that are held out."""

    questions: Table
    probe_questions: Table
    passages: Table


class Asked(NamedTuple):
    """All questions of a recipe. steps: the funnel of its chains."""

    questions: Table
    steps: tuple[ChainLine, ...] = ()


def questions_of(recipe: Recipe, root: Path, clock: Stages, sources: Sources) -> Asked:
    """Return QUESTIONS: the ready ones, and those of the recipe's chains."""
    chains = chains_of(recipe)
    if not chains:
        return Asked(sources.questions)
    done: dict[str, Levels] = {}
    steps: list[ChainLine] = []
    for chain in in_order(chains):
        begin = Levels() if chain.begins in ROOTS else done[chain.begins]
        running = _run(recipe, chain, begin, root, clock, sources, steps)
        done[chain.name] = running
    items = {chain.name: done[chain.name] for chain in chains}
    given = clock.run(
        give,
        sources.questions,
        sources.probe_questions,
        items,
        givers(chains),
        recipe.corpus.decontamination,
        root,
    )
    clock.call_last("chain questions")
    leave_table([one._asdict() for one in steps], key="chains", description="chains, step by step")
    return Asked(given, tuple(steps))


def _run(
    recipe: Recipe,
    chain: Chain,
    begin: Levels,
    root: Path,
    clock: Stages,
    sources: Sources,
    steps: list[ChainLine],
) -> Levels:
    """Return the last items of a chain; add its steps to the funnel.

    begin: the items that it continues, none for roots.
    """
    current, levels, block = begin, begin, 0
    for place in placed(chain):
        if place.block != block:
            # A block has ended, another begins, or both.
            current, block = (levels if block else current), place.block
            levels = Levels(current.tables, chain.gives.levels == "all")
        model = _model(recipe, chain, place)
        table = clock.run(
            run_step, chain, place, current, sources.passages, sources.questions, model, root
        )
        clock.call_last(f"{chain.name}: {place.place}")
        steps.append(_line(chain, place, table))
        current = Levels((table,))
        if place.ends:
            levels = Levels((*levels.tables, table), levels.every_level)
    return levels if block else current


def _line(chain: Chain, place: Placed, table: Table) -> ChainLine:
    found = funnel_of(table)
    return ChainLine(
        chain=chain.name,
        step=place.place,
        offered=found.offered,
        asked=found.asked,
        tokens=found.tokens,
        made=found.made,
        lost=found.largest_losses,
        openings=found.openings,
    )


def _model(recipe: Recipe, chain: Chain, place: Placed) -> NamedModel | None:
    """Return the model of a step that asks, None for any other step."""
    if not isinstance(place.step, Ask):
        return None
    name = place.step.model or chain.model
    return named(recipe, name) if name else teachers(recipe)[0]
