"""Tests of what a model said of an item: verdicts, scores, and whether two answers agree."""

from typing import Literal

from tasks.chains.item import Item
from tasks.chains.world import World
from tasks.ngrams import words
from tasks.spec import Spec


class SaidYes(Spec):
    """A verdict says yes to everything that it was asked."""

    test: Literal["verdict"]
    """All criteria of a verdict are answered with yes."""
    of: str
    """The step that returned the verdict."""

    def fails(self, item: Item, world: World) -> str:
        """Return what is wrong, "" if nothing is."""
        said = {name: one.text for name, one in item.values.items() if _of(name, self.of)}
        no = [name.partition(".")[2] for name, text in said.items() if text != "yes"]
        if not said:
            return f"step {self.of!r} said nothing"
        return f"not {', '.join(no)}" if no else ""


class Scored(Spec):
    """A score is within bounds."""

    test: Literal["score"]
    """A score is within bounds."""
    of: str
    """The score."""
    least: float
    """Smallest score."""
    most: float = float("inf")
    """Largest score."""

    def fails(self, item: Item, world: World) -> str:
        """Return what is wrong, "" if nothing is."""
        text = item.text(self.of)
        try:
            score = float(text)
        except ValueError:
            return f"{text!r} is no score"
        return "" if self.least <= score <= self.most else f"the score is {text}"


class OneOf(Spec):
    """A value is one of some texts."""

    test: Literal["one_of"]
    """A value has the same words as one of some texts."""
    of: str
    """The value."""
    texts: tuple[str, ...]
    """The texts that it may be."""

    def fails(self, item: Item, world: World) -> str:
        """Return what is wrong, "" if nothing is."""
        said = item.text(self.of)
        allowed = [words(text) for text in self.texts]
        return "" if words(said) in allowed else f"it says {said!r}"


class Equal(Spec):
    """Two values are the same."""

    test: Literal["equal"]
    """Two values have the same words."""
    of: str
    """The first value."""
    other: str
    """The second value."""

    def fails(self, item: Item, world: World) -> str:
        """Return what is wrong, "" if nothing is."""
        one, two = item.text(self.of), item.text(self.other)
        return "" if words(one) == words(two) else f"{one!r} is not {two!r}"


def _of(name: str, step: str) -> bool:
    return name.partition(".")[0] == step
