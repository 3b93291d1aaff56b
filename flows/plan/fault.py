"""What is wrong with a recipe, as sentences that name the setting."""

import difflib
from collections.abc import Iterable
from typing import NamedTuple

from tasks.errors import BadRecipe


class Fault(NamedTuple):
    """One thing that is wrong with a recipe.

    where: the setting, its path joined by dots. says: what is wrong and what to do.
    stops: a recipe with it is refused; otherwise it is a warning.
    """

    where: str
    says: str
    stops: bool = True

    def __str__(self) -> str:
        return f"{self.where}: {self.says}"


class RecipeFaults(BadRecipe):
    """A recipe that is refused. lines: a headline, then a line for every fault; one fault is one
    line.
    """

    def __init__(self, what: str, sentences: Iterable[str]) -> None:
        several = tuple(sentences)
        self.lines = (
            (f"{what}: {several[0]}",)
            if len(several) == 1
            else (f"{what} has {len(several)} faults:", *several)
        )
        super().__init__("\n  ".join(self.lines))


def refuse(name: str, faults: Iterable[Fault]) -> None:
    """Raise RecipeFaults with every fault that stops a build; warnings raise nothing."""
    if stopping := [str(fault) for fault in faults if fault.stops]:
        raise RecipeFaults(f"recipe {name!r}", stopping)


def unknown(kind: str, name: str, known: Iterable[str]) -> str:
    """Return the sentence for a name that nothing carries, with the nearest known one first."""
    names = sorted(set(known))
    if not names:
        return f"unknown {kind} {name!r}; none is defined"
    return f"unknown {kind} {name!r}{did_you_mean(name, names)}; known: {', '.join(names)}"


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Return "; did you mean X?" for the nearest known name, "" where none is near."""
    by_fold = {one.casefold(): one for one in known}
    near = difflib.get_close_matches(name.casefold(), by_fold, n=1, cutoff=0.6)
    return f"; did you mean {by_fold[near[0]]}?" if near else ""


def percent(share: float) -> str:
    """Return a share as percent, with a digit behind the point only where it says something."""
    return f"{100 * share:.1f}".removesuffix(".0") + " %"
