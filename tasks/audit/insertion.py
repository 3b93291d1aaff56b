"""Whether a stretch was put into texts: taken out, it leaves texts like the others.

Where a stretch opens its rows, what follows it should open as the other rows open, and not as a
sentence in the middle begins; where it closes them, what stands before it should close as the
others close; where it stands inside, the sentences around it should follow one another in other
rows too. All three are a likelihood or a rate between two known ends: that of texts which nothing
was put into, and that of texts which lack a sentence. A share of 1 is the first, of 0 the second.
"""

from collections.abc import Iterator
from functools import cached_property

import numpy as np

from tasks.audit.contrast import (
    LEAST_OTHERS,
    Contrast,
    Ends,
    Kind,
    Removal,
    Tally,
    TwoKinds,
    some,
)
from tasks.audit.stretches import Stretch
from tasks.audit.tokens import Flags, Hashes, Places
from tasks.audit.units import Block

NEAR_EDGE = 3
"""Tokens that may stand between a stretch and the edge of its text."""
LEAST_SUBSET, LEAST_SUBSET_ROWS = 0.1, 2
"""Share of a stretch's rows that must stand at an edge, or inside, for that question to be asked.
"""
LEAST_ERRORS = 4.0
"""Standard errors that must lie between texts with and without a sentence, for an answer to tell.
"""
FOLLOWS = 0.7
"""How near to a sentence's beginning what follows a note must come: 1 is as near as other
sentences, 0 as any place in a text.
"""
LEAST_APART = 0.2
"""By how much more often neighbours of a text follow one another elsewhere than sentences two
apart, for that to tell.
"""
MOST_COMMON_OPENING, LONGEST_SLOT = 5, 2
"""Tokens that may belong to the next sentence at the end of a stretch, and tokens of a slot that
may follow it.
"""


class Others:
    """The sentences of a block, for comparison. One for a block; rows under suspicion are left out
    for each question.
    """

    def __init__(self, block: Block) -> None:
        self.block = block
        self._texts = block.tokens.texts[block.sentences]
        last = np.append(np.diff(self._texts) > 0, True)
        self._opens, self._closes = block.sentences == block.heads[self._texts], last

    def removal(self, stretch: Stretch) -> Removal | None:
        """Return how the rows look without the stretch; None where there is nothing to compare
        with.
        """
        others = np.ones(self.block.size, bool)
        others[stretch.texts] = False
        if self.block.weights[others].sum() < LEAST_OTHERS:
            return None
        asked = [one for one in self._questions(stretch, others) if one is not None]
        told = [one for one in asked if abs(one.errors) >= LEAST_ERRORS]
        return min(told, key=lambda one: one.share) if told else None

    def _questions(self, stretch: Stretch, others: Flags) -> Iterator[Removal | None]:
        bounds = self.block.tokens.bounds
        opens = stretch.starts - self.block.heads[stretch.texts] <= NEAR_EDGE
        closes = ~opens & (bounds[stretch.texts + 1] - stretch.ends <= NEAR_EDGE)
        inside = ~opens & ~closes
        if opens.mean() >= LEAST_SUBSET and opens.sum() >= LEAST_SUBSET_ROWS:
            yield self._opening(stretch, others, opens)
        if closes.mean() >= LEAST_SUBSET and closes.sum() >= LEAST_SUBSET_ROWS:
            yield self._closing(stretch, others, closes)
        if inside.mean() >= LEAST_SUBSET and inside.sum() >= LEAST_SUBSET_ROWS:
            yield self._between(stretch, inside)

    def _opening(self, stretch: Stretch, others: Flags, rows: Flags) -> Removal | None:
        contrast = self._first.among(others)
        if contrast is None:
            return None
        cuts = np.stack([cut[rows] for cut in _cuts(self.block, stretch)])
        found = self._after(contrast, cuts, stretch.starts[rows], stretch.texts[rows])
        return max((one for one in found if one), key=lambda one: one.share, default=None)

    def _after(
        self, contrast: Contrast, cuts: Places, starts: Places, texts: Places
    ) -> Iterator[Removal | None]:
        """Yield how the texts look from each of the cuts on. cuts: (cuts, rows)."""
        asked = self.block.openings(cuts.ravel(), np.tile(texts, len(cuts)))
        nats = contrast.nats(asked).reshape(cuts.shape)
        there = (asked[0] != 0).reshape(cuts.shape)
        for number, cut in enumerate(cuts):
            here = nats[number][there[number]]
            yield contrast.ends.removal(here, cut=int(np.median(cut - starts)))

    def _closing(self, stretch: Stretch, others: Flags, rows: Flags) -> Removal | None:
        before = np.searchsorted(self.block.sentences, stretch.starts[rows], "left") - 1
        there = (before >= 0) & (self._texts[before] == stretch.texts[rows])
        contrast = self._last.among(others)
        if contrast is None or not there.any():
            return None
        return contrast.removal(self._both_ends[:, before[there]])

    @cached_property
    def _first(self) -> TwoKinds:
        """Return the sentences that open texts, and all others."""
        return self._two_kinds(self.block.starts[:3], self._opens)

    @cached_property
    def _last(self) -> TwoKinds:
        """Return the sentences that close texts, and all others."""
        return self._two_kinds(self._both_ends, self._closes)

    @cached_property
    def _both_ends(self) -> Hashes:
        return np.concatenate([self.block.starts[:3], self.block.lasts[1:4]])

    def _two_kinds(self, known: Hashes, special: Flags) -> TwoKinds:
        return TwoKinds(
            Kind(known[:, special], self._texts[special]),
            Kind(known[:, ~special], self._texts[~special]),
        )

    def sentence_follows(self, stretch: Stretch) -> bool:
        """Say whether what stands behind a stretch begins as sentences do."""
        if self._beginning is None:
            return False
        found = self._beginning.removal(self.block.openings(stretch.ends, stretch.texts))
        return found is not None and found.errors >= LEAST_ERRORS and found.share >= FOLLOWS

    @cached_property
    def _beginning(self) -> Contrast | None:
        """Return the contrast of sentences with as many other places."""
        tokens, sentences = self.block.tokens, self.block.sentences
        step = max(len(tokens.hashes) // max(len(sentences), 1), 1)
        other = np.setdiff1d(np.arange(step // 2, len(tokens.hashes), step), sentences)
        kinds = [
            Kind(
                np.stack([self.block.grams_at(places, order) for order in range(1, 4)]),
                tokens.texts[places],
            )
            for places in (sentences, other)
        ]
        return TwoKinds(*kinds).among(np.ones(self.block.size, bool))

    @cached_property
    def _neighbours(self) -> tuple[Tally, Ends] | None:
        """Return the pairs of sentences that follow one another, and how often some pairs do
        elsewhere: neighbours, and two apart.

        None where neighbours follow one another hardly more often.
        """
        kinds = self.block.starts[1]
        pairs, apart = (_pairs(kinds, self._texts, step=step) for step in (1, 2))
        if not len(apart):
            return None
        tally = Tally(pairs)
        near, far = tally.of(some(pairs)) >= 2, tally.of(some(apart)) >= 1
        ends = Ends.of(near.astype(float), far.astype(float))
        return (tally, ends) if ends.like - ends.unlike >= LEAST_APART else None

    def _between(self, stretch: Stretch, rows: Flags) -> Removal | None:
        """Return how often the sentences around the stretch follow one another elsewhere."""
        if self._neighbours is None:
            return None
        pairs, ends = self._neighbours
        before = np.searchsorted(self.block.sentences, stretch.starts[rows], "left") - 1
        kinds = np.where(
            self._texts[before] == stretch.texts[rows], self.block.starts[1][before], 0
        )
        found = []
        for cut in (stretch.ends[rows], self.block.next_sentence(stretch.ends[rows])):
            after = self.block.openings(cut, stretch.texts[rows])[1]
            there = (kinds != 0) & (after != 0)
            here = pairs.of(_pair(kinds[there], after[there])) >= 1
            found.append(ends.removal(here.astype(float)))
        return max((one for one in found if one), key=lambda one: one.share, default=None)


def _cuts(block: Block, stretch: Stretch) -> Iterator[Places]:
    """Yield where the text proper may begin: about the end of the stretch, or behind a sentence or
    two.
    """
    for behind in range(-min(MOST_COMMON_OPENING, stretch.form.length - 1), LONGEST_SLOT + 1):
        yield stretch.starts + stretch.form.length + behind
    cut = stretch.starts + 1
    for _ in range(3):
        cut = block.next_sentence(cut + 1)
        yield cut


def _pair(first: Hashes, second: Hashes) -> Hashes:
    return first * np.uint64(0x9E3779B97F4A7C15) + second


def _pairs(kinds: Hashes, texts: Places, *, step: int) -> Hashes:
    """Return the pairs of sentences that stand so many apart in one text."""
    same = texts[step:] == texts[:-step]
    return _pair(kinds[:-step][same], kinds[step:][same])
