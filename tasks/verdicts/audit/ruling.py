"""What is to be said of a stretch that recurs: a stamp, one that a person must look at, or nothing.

A stretch is a stamp when all of this holds. Its words are foreign to the prompts and to the rest of the think blocks. Nothing else that its rows have in
common explains it. A row holds it once. And taken out, it leaves texts like the others; where the texts are too free to tell, it must be a whole sentence
or note that reads alike everywhere. A stretch in nearly all rows leaves nothing to compare with: a person must look.
"""

from collections.abc import Iterator
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from tasks.verdicts.audit.insertion import LEAST_OTHERS, NEAR_EDGE, Others, Removal
from tasks.verdicts.audit.kinds import Kinds
from tasks.verdicts.audit.stretches import Form, Stretch, stretches
from tasks.verdicts.audit.tokens import Flags, Places
from tasks.verdicts.audit.units import Block

Reals = NDArray[np.float64]
Position = Literal["start", "end", "anywhere"]

LEAST_ROWS = 8
"""Rows below which a stretch at the edge of its texts is not looked at."""
LEAST_INSIDE = 10
"""Rows below which one that only its shape speaks for is not."""
BITS, SHAPE_BITS, SUSPECT_BITS = 8.0, 15.0, 16.0
"""How foreign the words must be, in bits: where its removal tells, where only its shape does, where nothing is left to compare with."""
ONCE, ONCE_INSIDE = 1.1, 1.04
"""Times that a row may hold the beginning of a stretch, on average, at the edge of its texts and inside."""
LIKE_OTHERS = 0.75
"""How near to the other texts a text must come without the stretch: 1 is as near as they are to one another."""
CLOSED, WHOLE = 0.9, 0.85
"""How far the rows must agree from its first token to its last, and in how many of them a sentence begins behind it."""
NEARLY_ALL = 0.9
"""Share of the rows from which on a stretch may leave nothing to compare with."""
SAME_PLACE = 0.9
"""Share of the rows in which a stretch stands at one edge, for that to be its place."""


class Ruling(NamedTuple):
    """A stretch that something is to be said of. rows: (rows,) texts of the block. cleared: a person has cleared its words."""

    form: Form
    position: Position
    texts: Places
    suspect: bool
    cleared: bool


class _Weighed(NamedTuple):
    """A stretch whose words are foreign. removal: how its rows look without it. uncleared: bits that no cleared phrase accounts for."""

    stretch: Stretch
    removal: Removal | None
    rows: float
    bits: float
    uncleared: float


def rulings(block: Block, cleared: Flags) -> list[Ruling]:
    """Return the stamps of a block, and the stretches to look at. cleared: (tokens,) which tokens a cleared phrase accounts for."""
    if block.weights.sum() < LEAST_ROWS:
        return []
    judge, ruled, openers = _Judge(block, cleared), list[Ruling](), list[_Weighed]()
    for stretch in stretches(block, least=LEAST_ROWS):
        one = judge.weighed(stretch)
        if one is None:
            continue
        if judge.is_stamp(one):
            ruled.append(judge.ruling(one, suspect=False))
        elif judge.is_suspect(one):
            ruled.append(judge.ruling(one, suspect=True))
        elif judge.is_opener(one):
            openers.append(one)
    return [*ruled, *judge.together(openers, ruled)]


class _Judge:
    """One block's texts, put up for comparison once. cleared: (tokens,) which tokens a cleared phrase accounts for."""

    def __init__(self, block: Block, cleared: Flags) -> None:
        self.block, self._others, self._cleared = block, Others(block), cleared
        self._kinds: Kinds | None = None
        self._all = float(block.weights.sum())

    def weighed(self, stretch: Stretch) -> _Weighed | None:
        """Return a stretch cut where the text proper begins; None where its words are no foreign ones."""
        if stretch.times > ONCE or self._bits(stretch)[0] < BITS:
            return None
        removal = self._others.removal(stretch)
        kept = stretch.cut(removal.cut) if removal and removal.cut else stretch
        bits, uncleared = self._bits(kept)
        rows = float(self.block.weights[stretch.texts].sum())
        return _Weighed(kept, removal, rows, bits, uncleared) if bits >= BITS else None

    def _bits(self, stretch: Stretch) -> tuple[float, float]:
        """Return how rare the words of a stretch are elsewhere, in bits: all of them, and those no phrase clears.

        Words that prompt or answer hold beside it count nothing.
        """
        low, high = np.full(self.block.size, -1), np.full(self.block.size, -1)
        low[stretch.texts], high[stretch.texts] = stretch.starts, stretch.ends
        total = uncleared = 0.0
        for offset, token in stretch.form.distinct():
            held = np.minimum(stretch.starts + offset, stretch.ends - 1)
            if self.block.beside[held].mean() > 0.5:
                continue
            places = self.block.places_of(token)
            texts = self.block.tokens.texts[places]
            outside = np.unique(texts[(places < low[texts]) | (places >= high[texts])])
            bits = -float(np.log2((self.block.weights[outside].sum() + 0.5) / (self._all + 1)))
            total += bits
            uncleared += 0.0 if self._cleared[held].mean() > 0.5 else bits
        return total, uncleared

    def is_stamp(self, one: _Weighed) -> bool:
        """Say whether a stretch was put in."""
        if one.removal is not None and one.removal.share < LIKE_OTHERS:
            return False
        if self._all - one.rows < LEAST_OTHERS:
            return False
        inside = self.position(one.stretch) == "anywhere"
        if (inside or one.removal is None) and not self._speaks_for_itself(one):
            return False
        if inside and one.stretch.times > ONCE_INSIDE:
            return False
        return not self._explained(one.stretch)

    def is_suspect(self, one: _Weighed) -> bool:
        """Say whether a stretch leaves nothing to compare with."""
        few = self._all - one.rows < LEAST_OTHERS and one.rows >= NEARLY_ALL * self._all
        return few and one.bits >= SUSPECT_BITS

    def is_opener(self, one: _Weighed) -> bool:
        """Say whether a stretch is one of those that, all together, may leave nothing to compare with."""
        return self.position(one.stretch) == "start" and self._speaks_for_itself(one)

    def together(self, openers: list[_Weighed], ruled: list[Ruling]) -> Iterator[Ruling]:
        """Yield openers that a person must look at: with what was ruled already they open nearly all rows."""
        held = np.zeros(self.block.size, bool)
        for texts in [one.texts for one in ruled] + [one.stretch.texts for one in openers]:
            held[texts] = True
        rows = float(self.block.weights[held].sum())
        if self._all - rows < LEAST_OTHERS and rows >= NEARLY_ALL * self._all:
            for one in openers:
                if not self._explained(one.stretch):
                    yield self.ruling(one, suspect=True)

    def ruling(self, one: _Weighed, *, suspect: bool) -> Ruling:
        """Return what is said of a stretch."""
        stretch = one.stretch
        return Ruling(
            stretch.form, self.position(stretch), stretch.texts, suspect, one.uncleared < BITS
        )

    def position(self, stretch: Stretch) -> Position:
        """Return the edge of its texts at which a stretch stands."""
        bounds = self.block.tokens.bounds
        if (stretch.starts - bounds[stretch.texts] <= NEAR_EDGE).mean() >= SAME_PLACE:
            return "start"
        if (bounds[stretch.texts + 1] - stretch.ends <= NEAR_EDGE).mean() >= SAME_PLACE:
            return "end"
        return "anywhere"

    def _speaks_for_itself(self, one: _Weighed) -> bool:
        """Say whether a stretch is a foreign sentence or note from beginning to end, in enough rows."""
        stretch = one.stretch
        whole = float(self.block.whole[stretch.ends].mean()) >= WHOLE
        foreign = one.rows >= LEAST_INSIDE and one.bits >= SHAPE_BITS
        return whole and foreign and stretch.closed >= CLOSED

    def _explained(self, stretch: Stretch) -> bool:
        self._kinds = self._kinds or Kinds(self.block)
        return self._kinds.explain(stretch)
