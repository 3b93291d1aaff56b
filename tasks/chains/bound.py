"""The largest number of model calls of a chain, before anything is asked."""

from collections.abc import Mapping
from typing import NamedTuple

from tasks.chains.chain import Ask, Chain, Draw, Gather, placed
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
    for place in placed(chain):
        match place.step:
            case Draw() as step:
                several = (getattr(one, "most", 1) for one in step.draw.values())
                items *= step.times
                for most in several:
                    items *= most
            case Ask() as step:
                calls[step.model] = calls.get(step.model, 0) + items * step.samples * step.attempts
                items *= step.samples * _most(step)
            case Gather() as step if step.by == "all" and step.gather in ("cap", "best"):
                items = min(items, step.most)
            case _:
                pass
    return Bound(sum(calls.values()), items, calls)


def _most(step: Ask) -> int:
    """Return the largest number of items of one answer."""
    match step.returns:
        case Lines() as lines:
            return lines.lines
        case Json() | Fields():
            return GUESSED_MOST
        case _:
            return 1
