"""The largest number of model calls of a chain, before anything is asked."""

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from tasks.chains.chain import Ask, Chain, Draw, Gather, Placed, placed
from tasks.chains.check import ROOTS
from tasks.chains.returns.json_objects import Json
from tasks.chains.returns.lines import Lines
from tasks.chains.returns.sections import Fields

GUESSED_MOST = 8
"""Items of an answer whose form sets no limit."""


class Bound(NamedTuple):
    """Upper bounds. calls: requests, all attempts included. items: items of the last step."""

    calls: int
    items: int
    by_model: Mapping[str | None, int]


def bound(chain: Chain, roots: int) -> Bound:
    """Return the largest number of calls of a chain with so many roots.

    by_model: calls of each named model; None stands for the first model of the traces.
    """
    items = min(roots, chain.where.most or roots)
    calls: dict[str | None, int] = {}
    places = list(placed(chain))
    levels: list[int] = []
    block = 0
    for number, place in enumerate(places):
        if place.block != block:
            items = _of_levels(levels, chain, places, block) if block else items
            block = place.block
            # The roots themselves are no items of a chain.
            levels = [items] if number or chain.begins not in ROOTS else []
        step = place.step
        if isinstance(step, Ask):
            name = step.model or chain.model
            calls[name] = calls.get(name, 0) + items * step.samples * step.attempts
        items = _after(items, place)
        levels += [items] if place.ends else []
    items = _of_levels(levels, chain, places, block) if block else items
    return Bound(sum(calls.values()), items, calls)


def _after(items: int, place: Placed) -> int:
    """Return the largest number of items that a step makes of so many."""
    match place.step:
        case Draw() as step:
            items *= step.times
            for one in step.draw.values():
                items *= getattr(one, "most", 1)
            return items
        case Ask() as step:
            return items * step.samples * _most(step)
        case Gather() as step if _is_cap(place):
            return min(items, step.most)
        case _:
            return items


def _of_levels(levels: Sequence[int], chain: Chain, places: Iterable[Placed], block: int) -> int:
    """Return the largest number of items after a repeated block.

    An item stays until newer items are made of it. So without a cap the block has no more items
    than its largest level.
    """
    capped = any(_is_cap(place) for place in places if place.block == block)
    return sum(levels) if capped or chain.gives.levels == "all" else max(levels)


def _is_cap(place: Placed) -> bool:
    step = place.step
    return isinstance(step, Gather) and step.by == "all" and step.gather in ("cap", "best")


def _most(step: Ask) -> int:
    """Return the largest number of items of one answer."""
    match step.returns:
        case Lines() as lines:
            return lines.lines
        case Json() | Fields():
            return GUESSED_MOST
        case _:
            return 1
