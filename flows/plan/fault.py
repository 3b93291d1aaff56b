"""What is wrong with a recipe, as sentences that name the setting."""

import difflib
from collections.abc import Iterable, Sequence
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
    """A recipe whose settings cannot all be true; carries every fault that was found."""

    def __init__(self, name: str, faults: Sequence[Fault]) -> None:
        self.name, self.faults = name, tuple(faults)
        super().__init__(listed(f"recipe {name!r}", map(str, faults)))


def listed(what: str, sentences: Iterable[str]) -> str:
    """Return one line for one sentence, or a headed list, one sentence per line."""
    several = list(sentences)
    if len(several) == 1:
        return f"{what}: {several[0]}"
    return "\n  ".join([f"{what} has {len(several)} faults:", *several])


def refuse(name: str, faults: Iterable[Fault]) -> None:
    """Raise RecipeFaults with every fault that stops a build; warnings raise nothing."""
    if stopping := [fault for fault in faults if fault.stops]:
        raise RecipeFaults(name, stopping)


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
