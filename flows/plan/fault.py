"""Faults of a recipe, as sentences that name the setting."""

import difflib
from collections.abc import Iterable
from typing import NamedTuple

from tasks.errors import BadRecipe


class Fault(NamedTuple):
    """One fault of a recipe.

    where: dotted path of the setting. says: what is wrong and what to do. stops: whether it stops
    a build; else it is a warning.
    """

    where: str
    says: str
    stops: bool = True

    def __str__(self) -> str:
        return f"{self.where}: {self.says}"


class RecipeFaults(BadRecipe):
    """A recipe is refused.

    lines: a headline and a line per fault; a single line for a single fault.
    """

    def __init__(self, what: str, sentences: Iterable[str]) -> None:
        faults = tuple(sentences)
        self.lines = (f"{what} has {len(faults)} faults:", *faults)
        if len(faults) == 1:
            self.lines = (f"{what}: {faults[0]}",)
        super().__init__("\n  ".join(self.lines))


def refuse(name: str, faults: Iterable[Fault]) -> None:
    """Raise RecipeFaults with all faults that stop a build; do nothing if there are none."""
    if stopping := [str(fault) for fault in faults if fault.stops]:
        raise RecipeFaults(f"recipe {name!r}", stopping)


def unknown(kind: str, name: str, known: Iterable[str]) -> str:
    """Return the sentence for an unknown name, with the nearest known name and all known names."""
    names = sorted(set(known))
    if not names:
        return f"unknown {kind} {name!r}; none is defined"
    return f"unknown {kind} {name!r}{did_you_mean(name, names)}; known: {', '.join(names)}"


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Return "; did you mean X?" for the nearest known name, "" if none is near.

    >>> did_you_mean("sampels", ["samples", "seed"])
    '; did you mean samples?'
    """
    by_fold = {one.casefold(): one for one in known}
    near = difflib.get_close_matches(name.casefold(), by_fold, n=1, cutoff=0.6)
    return f"; did you mean {by_fold[near[0]]}?" if near else ""


def percent(share: float) -> str:
    """Return a share as percent, with one decimal digit if it is not 0.

    >>> percent(0.125), percent(0.5)
    ('12.5 %', '50 %')
    """
    return f"{100 * share:.1f}".removesuffix(".0") + " %"
