"""What tells a stamp among the stretches of a block: its words, its place, its shape, its company,
and how its rows look without it.
"""

from dataclasses import replace
from typing import Literal, NamedTuple

import numpy as np

from tasks.audit.contrast import LEAST_OTHERS, Removal
from tasks.audit.insertion import NEAR_EDGE, Others
from tasks.audit.kinds import Kinds
from tasks.audit.rarity import Rarity
from tasks.audit.stretches import Form, Stretch
from tasks.audit.thresholds import (
    BITS,
    BRANCH_TOKENS,
    BRANCHES,
    CLOSED,
    FIXED_BITS,
    LEAST_INSIDE,
    LIKE_OTHERS,
    LIKE_OTHERS_INSIDE,
    LONGEST_TAIL,
    MOST_LIKE_IT,
    NEARLY_ALL,
    OF_THE_PROMPT,
    ONCE_INSIDE,
    SAME_PLACE,
    SAME_TURN,
    SHAPE_BITS,
    SUSPECT_BITS,
    WHOLE,
)
from tasks.audit.tokens import Flags
from tasks.audit.units import Block

Position = Literal["start", "end", "anywhere"]


class Weighed(NamedTuple):
    """A stretch whose words are foreign. removal: how its rows look without it. uncleared: bits
    that no cleared phrase accounts for.
    """

    stretch: Stretch
    removal: Removal | None
    rows: float
    bits: float
    uncleared: float


class Judge:
    """One block's texts, put up for comparison once. cleared: (tokens,) which tokens a cleared
    phrase accounts for.
    """

    def __init__(self, block: Block, cleared: Flags) -> None:
        self.block, self._others, self._rarity = block, Others(block), Rarity(block, cleared)
        self._kinds: Kinds | None = None
        self._recurring: dict[bytes, Weighed] = {}
        self._all = float(block.weights.sum())

    def weighed(self, stretch: Stretch) -> Weighed | None:
        """Return a stretch cut where the text proper begins; None where its words are no foreign
        ones.
        """
        if not self._may_tell(stretch):
            return None
        foreign = self._rarity.bits(stretch)
        if foreign.all < BITS:
            return None
        removal = self._others.removal(stretch)
        kept = stretch.cut(removal.cut) if removal and removal.cut else stretch
        if kept is not stretch:
            foreign = self._rarity.bits(kept)
        if foreign.all < BITS or foreign.fixed < FIXED_BITS:
            return None
        rows = float(self.block.weights[stretch.texts].sum())
        return Weighed(kept, removal, rows, foreign.all, foreign.uncleared)

    def _may_tell(self, stretch: Stretch) -> bool:
        """Say whether a stretch is worth a closer look: at the start nearly all are, elsewhere
        whole sentences alone.
        """
        near = stretch.starts - self.block.heads[stretch.texts] <= NEAR_EDGE
        return bool(near.mean() >= 1 - SAME_PLACE) or self._is_whole(stretch)

    def is_stamp(self, one: Weighed) -> bool:
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
        return not self.explained(one.stretch)

    def is_suspect(self, one: Weighed) -> bool:
        """Say whether a stretch leaves nothing to compare with."""
        return self.leaves_nothing(one.rows) and one.bits >= SUSPECT_BITS

    def leaves_nothing(self, rows: float) -> bool:
        """Say whether so many rows are nearly all, and the others too few to compare with."""
        return self._all - rows < LEAST_OTHERS and rows >= NEARLY_ALL * self._all

    def is_opener(self, one: Weighed) -> bool:
        """Say whether a stretch is one of those that, all together, may leave nothing to compare
        with.
        """
        return self.position(one.stretch) == "start" and self._speaks_for_itself(one)

    def position(self, stretch: Stretch) -> Position:
        """Return the edge of its texts at which a stretch stands."""
        heads, bounds = self.block.heads, self.block.tokens.bounds
        if (stretch.starts - heads[stretch.texts] <= NEAR_EDGE).mean() >= SAME_PLACE:
            return "start"
        if (bounds[stretch.texts + 1] - stretch.ends <= NEAR_EDGE).mean() >= SAME_PLACE:
            return "end"
        return "anywhere"

    def form_of(self, one: Weighed) -> Form:
        """Return the form of a stretch with the foreignness of each of its tokens."""
        return replace(one.stretch.form, bits=self._rarity.bits_of_tokens(one.stretch))

    def _keeps_its_turn(self, stretch: Stretch) -> bool:
        """Say whether a stretch is nearly always the same sentence of its text, counted from the
        start or from the end.
        """
        sentences, bounds = self.block.sentences, self.block.tokens.bounds
        here = np.searchsorted(sentences, stretch.starts)
        before = here - np.searchsorted(sentences, bounds[stretch.texts])
        after = np.searchsorted(sentences, bounds[stretch.texts + 1]) - here
        most = max(int(np.bincount(turn).max()) for turn in (before, after))
        return most > SAME_TURN * len(here)

    def _is_branch(self, one: Weighed) -> bool:
        """Say whether sentences in many more rows begin with the same words and go on otherwise: a
        way of speaking.

        A stretch that opens with a slot begins in several ways; its commonest beginnings are
        counted together.
        """
        begun = self.block.grams_at(one.stretch.starts, BRANCH_TOKENS)
        kinds, rows = np.unique(begun, return_counts=True)
        commonest = np.argsort(-rows, kind="stable")
        reached = np.searchsorted(np.cumsum(rows[commonest]), SAME_PLACE * len(begun))
        same = np.isin(self.block.starts[BRANCH_TOKENS - 1], kinds[commonest[: reached + 1]])
        texts = np.unique(self.block.tokens.texts[self.block.sentences[same]])
        return float(self.block.weights[texts].sum()) > BRANCHES * one.rows

    def _speaks_of_its_prompt(self, one: Weighed) -> bool:
        """Say whether a stretch goes on, before the text proper begins, with words of the row's own
        prompt or answer.
        """
        stretch = one.stretch
        if one.removal is None or one.removal.cut <= stretch.form.length:
            return False
        known = np.append(0, np.cumsum(self.block.beside))
        ends = np.minimum(self.block.next_sentence(stretch.ends), stretch.ends + LONGEST_TAIL)
        tokens = float((ends - stretch.ends).sum())
        return float((known[ends] - known[stretch.ends]).sum()) >= OF_THE_PROMPT * max(tokens, 1.0)

    def meet(self, all_weighed: list[Weighed]) -> None:
        """Note the sentences that recur inside of the texts: where there are many, one more proves
        nothing.
        """
        inside = [one for one in all_weighed if self._stands_inside(one)]
        self._recurring = {one.stretch.texts.tobytes(): one for one in inside}

    def _stands_inside(self, one: Weighed) -> bool:
        return self.position(one.stretch) == "anywhere" and self._is_whole(one.stretch)

    def _has_many_like_it(self, one: Weighed) -> bool:
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

    def _speaks_for_itself(self, one: Weighed) -> bool:
        """Say whether a stretch is a foreign sentence or note from beginning to end, in enough
        rows.
        """
        foreign = one.rows >= LEAST_INSIDE and one.bits >= SHAPE_BITS
        return foreign and self._is_whole(one.stretch)

    def explained(self, stretch: Stretch) -> bool:
        """Say whether something else that its rows have in common explains a stretch."""
        self._kinds = self._kinds or Kinds(self.block)
        return self._kinds.explain(stretch)
