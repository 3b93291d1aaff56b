"""The rules by which a recurring stretch counts as a stamp: its words, its place, its shape, the
features of its rows, and how these rows read without it.
"""

from dataclasses import replace
from typing import Literal, NamedTuple

import numpy as np

from tasks.audit.blocks import Block
from tasks.audit.contrast import MIN_OTHERS, Removal
from tasks.audit.insertion import NEAR_EDGE, RemovalTest
from tasks.audit.rarity import Rarity
from tasks.audit.row_features import RowFeatures
from tasks.audit.stretches import Form, Stretch
from tasks.audit.thresholds import (
    BITS,
    BRANCH_TOKENS,
    BRANCHES,
    CLOSED,
    FIXED_BITS,
    LIKE_OTHERS,
    LIKE_OTHERS_INSIDE,
    LONGEST_TAIL,
    MAX_LIKE_IT,
    MIN_INSIDE,
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


class StampCandidate(NamedTuple):
    """A stretch with rare words.

    removal: how its rows read without it. rows: weighted number of rows. bits: rarity of its words.
    uncleared: rarity of the words that no cleared phrase holds.
    """

    stretch: Stretch
    removal: Removal | None
    rows: float
    bits: float
    uncleared: float


Position = Literal["start", "end", "anywhere"]


class StampRules:
    """The rules, applied to one block. cleared: (tokens,) which tokens belong to a cleared
    phrase.
    """

    def __init__(self, block: Block, cleared: Flags) -> None:
        self.block, self._removal_test, self._rarity = (
            block,
            RemovalTest(block),
            Rarity(block, cleared),
        )
        self._features: RowFeatures | None = None
        self._recurring: dict[bytes, StampCandidate] = {}
        self._all = float(block.weights.sum())

    def candidate(self, stretch: Stretch) -> StampCandidate | None:
        """Return a stretch, cut where the text proper begins; None if its words are not rare
        enough.
        """
        if not self._is_worth_testing(stretch):
            return None
        rarity = self._rarity.bits(stretch)
        if rarity.all < BITS:
            return None
        removal = self._removal_test.removal(stretch)
        kept = stretch.cut(removal.cut) if removal and removal.cut else stretch
        if kept is not stretch:
            rarity = self._rarity.bits(kept)
        if rarity.all < BITS or rarity.fixed < FIXED_BITS:
            return None
        rows = float(self.block.weights[stretch.texts].sum())
        return StampCandidate(kept, removal, rows, rarity.all, rarity.uncleared)

    def _is_worth_testing(self, stretch: Stretch) -> bool:
        """Return whether to test a stretch: any stretch that is at least sometimes at the start,
        elsewhere only whole sentences.
        """
        near = stretch.starts - self.block.heads[stretch.texts] <= NEAR_EDGE
        return bool(near.mean() >= 1 - SAME_PLACE) or self._is_whole(stretch)

    def is_stamp(self, one: StampCandidate) -> bool:
        """Return whether a stretch was inserted."""
        inside = self.position(one.stretch) == "anywhere"
        like = LIKE_OTHERS_INSIDE if inside else LIKE_OTHERS
        if one.removal is not None and one.removal.share < like:
            return False
        if self._all - one.rows < MIN_OTHERS:
            return False
        if self._is_branch(one) or self._continues_with_the_prompt(one):
            return False
        if (inside or one.removal is None) and not self._has_stamp_shape(one):
            return False
        if inside and (one.stretch.times > ONCE_INSIDE or self._has_many_like_it(one)):
            return False
        if inside and one.removal is None and self._is_always_the_same_sentence(one.stretch):
            return False
        return not self.explained(one.stretch)

    def is_suspect(self, one: StampCandidate) -> bool:
        """Return whether a stretch leaves too few other rows for a comparison and has very rare
        words.
        """
        return self.leaves_nothing(one.rows) and one.bits >= SUSPECT_BITS

    def leaves_nothing(self, rows: float) -> bool:
        """Return whether so many rows are nearly all, so that too few others are left for a
        comparison.
        """
        return self._all - rows < MIN_OTHERS and rows >= NEARLY_ALL * self._all

    def is_opener(self, one: StampCandidate) -> bool:
        """Return whether a stretch is one of the openers that together may leave too few other
        rows.
        """
        return self.position(one.stretch) == "start" and self._has_stamp_shape(one)

    def position(self, stretch: Stretch) -> Position:
        """Return the edge of its texts at which a stretch stands, or "anywhere"."""
        heads, bounds = self.block.heads, self.block.tokens.bounds
        if (stretch.starts - heads[stretch.texts] <= NEAR_EDGE).mean() >= SAME_PLACE:
            return "start"
        if (bounds[stretch.texts + 1] - stretch.ends <= NEAR_EDGE).mean() >= SAME_PLACE:
            return "end"
        return "anywhere"

    def form_of(self, one: StampCandidate) -> Form:
        """Return the form of a stretch with the rarity of each of its tokens, in bits."""
        return replace(one.stretch.form, bits=self._rarity.bits_of_tokens(one.stretch))

    def _is_always_the_same_sentence(self, stretch: Stretch) -> bool:
        """Return whether a stretch nearly always has the same sentence number in its text, counted
        from the start or from the end.
        """
        sentences, bounds = self.block.sentences, self.block.tokens.bounds
        here = np.searchsorted(sentences, stretch.starts)
        before = here - np.searchsorted(sentences, bounds[stretch.texts])
        after = np.searchsorted(sentences, bounds[stretch.texts + 1]) - here
        most = max(int(np.bincount(before).max()), int(np.bincount(after).max()))
        return most > SAME_TURN * len(here)

    def _is_branch(self, one: StampCandidate) -> bool:
        """Return whether sentences in many more rows begin with the same words and go on
        differently: a usual expression of the teacher.

        A stretch that opens with a slot begins in several ways. Its commonest beginnings are
        counted together.
        """
        begun = self.block.grams_at(one.stretch.starts, BRANCH_TOKENS)
        kinds, rows = np.unique(begun, return_counts=True)
        commonest = np.argsort(-rows, kind="stable")
        reached = np.searchsorted(np.cumsum(rows[commonest]), SAME_PLACE * len(begun))
        same = np.isin(self.block.starts[BRANCH_TOKENS - 1], kinds[commonest[: reached + 1]])
        texts = np.unique(self.block.tokens.texts[self.block.sentences[same]])
        return float(self.block.weights[texts].sum()) > BRANCHES * one.rows

    def _continues_with_the_prompt(self, one: StampCandidate) -> bool:
        """Return whether words of the row's own prompt or answer follow a stretch before the text
        proper begins.
        """
        stretch = one.stretch
        if one.removal is None or one.removal.cut <= stretch.form.length:
            return False
        known = np.append(0, np.cumsum(self.block.known))
        ends = np.minimum(self.block.next_sentence(stretch.ends), stretch.ends + LONGEST_TAIL)
        tokens = float((ends - stretch.ends).sum())
        held = float((known[ends] - known[stretch.ends]).sum())
        return held >= OF_THE_PROMPT * max(tokens, 1.0)

    def note_recurring(self, candidates: list[StampCandidate]) -> None:
        """Note the sentences that recur inside the texts. If there are many, one more proves
        nothing.
        """
        inside = [one for one in candidates if self._stands_inside(one)]
        self._recurring = {one.stretch.texts.tobytes(): one for one in inside}

    def _stands_inside(self, one: StampCandidate) -> bool:
        return self.position(one.stretch) == "anywhere" and self._is_whole(one.stretch)

    def _has_many_like_it(self, one: StampCandidate) -> bool:
        held = np.zeros(self.block.size, bool)
        held[one.stretch.texts] = True
        others = [
            other
            for other in self._recurring.values()
            if other.rows >= one.rows / 2 and held[other.stretch.texts].mean() < 0.5
        ]
        return len(others) > MAX_LIKE_IT

    def _is_whole(self, stretch: Stretch) -> bool:
        """Return whether a stretch is a complete sentence or note."""
        ends = float(self.block.whole[stretch.ends].mean()) >= WHOLE
        return stretch.closed >= CLOSED and (ends or self._removal_test.sentence_follows(stretch))

    def _has_stamp_shape(self, one: StampCandidate) -> bool:
        """Return whether a stretch is a complete sentence or note with rare words, in enough
        rows.
        """
        rare = one.rows >= MIN_INSIDE and one.bits >= SHAPE_BITS
        return rare and self._is_whole(one.stretch)

    def explained(self, stretch: Stretch) -> bool:
        """Return whether another feature that its rows share explains a stretch."""
        self._features = self._features or RowFeatures(self.block)
        return self._features.explain(stretch)
