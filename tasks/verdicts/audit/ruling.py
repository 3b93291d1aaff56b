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
from tasks.verdicts.audit.thresholds import (
    BITS,
    BRANCH_TOKENS,
    BRANCHES,
    CLOSED,
    LEAST_INSIDE,
    LEAST_ROWS,
    LIKE_OTHERS,
    LIKE_OTHERS_INSIDE,
    LONGEST_TAIL,
    MOST_LAYERS,
    MOST_LIKE_IT,
    MOST_VALUES,
    NEARLY_ALL,
    OF_THE_PROMPT,
    ONCE,
    ONCE_INSIDE,
    SAME_PLACE,
    SAME_TURN,
    SHAPE_BITS,
    SUSPECT_BITS,
    WHOLE,
)
from tasks.verdicts.audit.tokens import Flags, Places
from tasks.verdicts.audit.units import Block

Reals = NDArray[np.float64]
Position = Literal["start", "end", "anywhere"]


class Ruling(NamedTuple):
    """A stretch that something is to be said of. texts, starts, ends: (rows,) where the block holds it.

    cleared: a person has cleared its words. leads: its rows begin with it, or with what was taken off before.
    """

    form: Form
    position: Position
    texts: Places
    starts: Places
    ends: Places
    suspect: bool
    cleared: bool
    leads: bool


class _Weighed(NamedTuple):
    """A stretch whose words are foreign. removal: how its rows look without it. uncleared: bits that no cleared phrase accounts for."""

    stretch: Stretch
    removal: Removal | None
    rows: float
    bits: float
    uncleared: float


def rulings(block: Block, cleared: Flags) -> list[Ruling]:
    """Return the stamps of a block, and the stretches to look at. cleared: (tokens,) which tokens a cleared phrase accounts for.

    What stands at the start is taken off before the rest is judged: how a text opens shows behind it.
    """
    if block.weights.sum() < LEAST_ROWS:
        return []
    kept = list[Ruling]()
    for _ in range(MOST_LAYERS):
        ruled = _ruled(_Judge(block, cleared))
        ruled = [one for one in ruled if _lies_behind(one, block.heads)]
        first = [one for one in ruled if one.leads]
        kept += first
        if not first:
            return _telling(kept + ruled)
        heads = block.heads.copy()
        for one in first:
            heads[one.texts] = np.maximum(heads[one.texts], one.ends)
        block = block.behind(heads)
    return _telling(kept + [one for one in ruled if not one.leads])


def _telling(ruled: list[Ruling]) -> list[Ruling]:
    """Return the stretches without short ones whose rows longer ones account for: a word that two forms share names neither."""
    return [one for one in ruled if not _is_piece(one, ruled)]


def _is_piece(one: Ruling, ruled: list[Ruling]) -> bool:
    longer = [
        other.texts
        for other in ruled
        if len(other.form.offsets) >= 2 * len(one.form.offsets)
        and (one.cleared, one.suspect) == (other.cleared, other.suspect)
        and np.isin(other.texts, one.texts).mean() >= SAME_PLACE
    ]
    held = np.isin(one.texts, np.concatenate(longer)) if longer else np.zeros(1, bool)
    return float(held.mean()) >= SAME_PLACE


def _lies_behind(one: Ruling, heads: Places) -> bool:
    """Say whether a stretch lies in the texts proper."""
    return float((one.starts >= heads[one.texts]).mean()) >= SAME_PLACE


def _ruled(judge: "_Judge") -> list[Ruling]:
    ruled, openers = list[Ruling](), list[_Weighed]()
    known = [judge.weighed(one) for one in stretches(judge.block, least=LEAST_ROWS)]
    weighed = [one for one in known if one is not None]
    judge.meet(weighed)
    for one in weighed:
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
        self._recurring: dict[bytes, _Weighed] = {}
        self._all = float(block.weights.sum())

    def weighed(self, stretch: Stretch) -> _Weighed | None:
        """Return a stretch cut where the text proper begins; None where its words are no foreign ones."""
        if stretch.times > ONCE or not self._may_tell(stretch) or self._bits(stretch)[0] < BITS:
            return None
        removal = self._others.removal(stretch)
        kept = stretch.cut(removal.cut) if removal and removal.cut else stretch
        bits, uncleared = self._bits(kept)
        rows = float(self.block.weights[stretch.texts].sum())
        return _Weighed(kept, removal, rows, bits, uncleared) if bits >= BITS else None

    def _may_tell(self, stretch: Stretch) -> bool:
        """Say whether a stretch is worth a closer look: at the start nearly all are, elsewhere whole sentences alone."""
        near = stretch.starts - self.block.heads[stretch.texts] <= NEAR_EDGE
        return bool(near.mean() >= 1 - SAME_PLACE) or self._is_whole(stretch)

    def _bits(self, stretch: Stretch) -> tuple[float, float]:
        """Return how rare the words of a stretch are elsewhere, in bits: all of them, and those no phrase clears.

        Words that prompt or answer hold beside it count nothing.
        """
        total = uncleared = 0.0
        for offset, token in stretch.form.distinct():
            held = np.minimum(stretch.starts + offset, stretch.ends - 1)
            if self.block.beside[held].mean() > 0.5:
                continue
            bits = self._rarity(token, stretch)
            total += bits
            uncleared += 0.0 if self._cleared[held].mean() > 0.5 else bits
        slots = self._bits_of_slots(stretch)
        return total + slots, uncleared + (slots if uncleared else 0.0)

    def _bits_of_slots(self, stretch: Stretch) -> float:
        """Return how rare the words of slots with few values are elsewhere, on average over the rows."""
        total = 0.0
        for offset in np.setdiff1d(np.arange(stretch.form.length), stretch.form.offsets):
            places = np.minimum(stretch.starts + offset, stretch.ends - 1)
            places = places[~self.block.beside[places]]
            tokens, rows = np.unique(self.block.tokens.hashes[places], return_counts=True)
            if len(tokens) <= MOST_VALUES and rows.sum() > len(tokens):
                bits = [self._rarity(token, stretch) for token in tokens]
                total += float(np.dot(bits, rows)) / len(stretch.starts)
        return total

    def _rarity(self, token: np.uint64, stretch: Stretch) -> float:
        """Return how rare a token is outside of a stretch, in bits of the share of rows that hold it."""
        places = self.block.places_of(token)
        texts = self.block.tokens.texts[places]
        elsewhere = places >= self.block.heads[texts]
        inside = np.searchsorted(stretch.starts, places, "right") - 1
        elsewhere &= (inside < 0) | (places >= stretch.ends[inside])
        held = np.zeros(self.block.size, bool)
        held[texts[elsewhere]] = True
        return -float(np.log2((self.block.weights[held].sum() + 0.5) / (self._all + 1)))

    def is_stamp(self, one: _Weighed) -> bool:
        """Say whether a stretch was put in."""
        inside = self.position(one.stretch) == "anywhere"
        like = LIKE_OTHERS_INSIDE if inside else LIKE_OTHERS
        if one.removal is not None and one.removal.share < like:
            return False
        if self._all - one.rows < LEAST_OTHERS:
            return False
        if self._is_branch(one) or self._speaks_of_its_prompt(one):
            return False
        if (inside or one.removal is None) and not self._speaks_for_itself(one):
            return False
        if inside and (one.stretch.times > ONCE_INSIDE or self._has_many_like_it(one)):
            return False
        if inside and one.removal is None and self._keeps_its_turn(one.stretch):
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
            stretch.form, self._place(stretch), stretch.texts, stretch.starts, stretch.ends,
            suspect=suspect, cleared=one.uncleared < BITS, leads=self.position(stretch) == "start",
        )  # fmt: skip

    def position(self, stretch: Stretch) -> Position:
        """Return the edge of its texts at which a stretch stands."""
        heads, bounds = self.block.heads, self.block.tokens.bounds
        if (stretch.starts - heads[stretch.texts] <= NEAR_EDGE).mean() >= SAME_PLACE:
            return "start"
        if (bounds[stretch.texts + 1] - stretch.ends <= NEAR_EDGE).mean() >= SAME_PLACE:
            return "end"
        return "anywhere"

    def _keeps_its_turn(self, stretch: Stretch) -> bool:
        """Say whether a stretch is nearly always the same sentence of its text, counted from the start or from the end."""
        sentences, bounds = self.block.sentences, self.block.tokens.bounds
        here = np.searchsorted(sentences, stretch.starts)
        before = here - np.searchsorted(sentences, bounds[stretch.texts])
        after = np.searchsorted(sentences, bounds[stretch.texts + 1]) - here
        most = max(int(np.bincount(turn).max()) for turn in (before, after))
        return most > SAME_TURN * len(here)

    def _is_branch(self, one: _Weighed) -> bool:
        """Say whether sentences in many more rows begin with the same words and go on otherwise: a way of speaking."""
        starts = one.stretch.starts
        begun = self.block.grams_at(starts, BRANCH_TOKENS)
        kind, rows = np.unique(begun, return_counts=True)
        if rows.max() < SAME_PLACE * len(starts):
            return False
        same = self.block.starts[BRANCH_TOKENS - 1] == kind[np.argmax(rows)]
        texts = np.unique(self.block.tokens.texts[self.block.sentences[same]])
        return float(self.block.weights[texts].sum()) > BRANCHES * one.rows

    def _speaks_of_its_prompt(self, one: _Weighed) -> bool:
        """Say whether a stretch goes on, before the text proper begins, with words of the row's own prompt or answer."""
        stretch = one.stretch
        if one.removal is None or one.removal.cut <= stretch.form.length:
            return False
        known = np.append(0, np.cumsum(self.block.beside))
        ends = np.minimum(self.block.next_sentence(stretch.ends), stretch.ends + LONGEST_TAIL)
        tokens = float((ends - stretch.ends).sum())
        return float((known[ends] - known[stretch.ends]).sum()) >= OF_THE_PROMPT * max(tokens, 1.0)

    def _place(self, stretch: Stretch) -> Position:
        """Return where a row must hold the form, counted from the first token of its text."""
        behind = self.block.heads[stretch.texts] > self.block.tokens.bounds[stretch.texts]
        place = self.position(stretch)
        return "anywhere" if place == "start" and behind.mean() > 1 - SAME_PLACE else place

    def meet(self, all_weighed: list[_Weighed]) -> None:
        """Note the sentences that recur inside of the texts: where there are many, one more proves nothing."""
        inside = [one for one in all_weighed if self._stands_inside(one)]
        self._recurring = {one.stretch.texts.tobytes(): one for one in inside}

    def _stands_inside(self, one: _Weighed) -> bool:
        return self.position(one.stretch) == "anywhere" and self._is_whole(one.stretch)

    def _has_many_like_it(self, one: _Weighed) -> bool:
        held = np.zeros(self.block.size, bool)
        held[one.stretch.texts] = True
        others = [
            other
            for other in self._recurring.values()
            if other.rows >= one.rows / 2 and held[other.stretch.texts].mean() < 0.5
        ]
        return len(others) > MOST_LIKE_IT

    def _is_whole(self, stretch: Stretch) -> bool:
        """Say whether a stretch is a sentence or a note from beginning to end."""
        ends = float(self.block.whole[stretch.ends].mean()) >= WHOLE
        return stretch.closed >= CLOSED and (ends or self._others.sentence_follows(stretch))

    def _speaks_for_itself(self, one: _Weighed) -> bool:
        """Say whether a stretch is a foreign sentence or note from beginning to end, in enough rows."""
        foreign = one.rows >= LEAST_INSIDE and one.bits >= SHAPE_BITS
        return foreign and self._is_whole(one.stretch)

    def _explained(self, stretch: Stretch) -> bool:
        self._kinds = self._kinds or Kinds(self.block)
        return self._kinds.explain(stretch)
