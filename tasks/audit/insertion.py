"""Whether a stretch was inserted into texts: without it, the texts read like the others.

If the stretch opens its rows, the text after it should open as other rows open, and not as a
sentence in the middle begins. If it closes them, the text before it should close as other rows
close. If it stands inside, the sentences around it should follow one another in other rows too.
Each of these three measures lies on a scale between two known ends: texts into which nothing was
inserted (share 1), and texts that lack a sentence (share 0).
"""

from collections.abc import Iterator
from functools import cached_property

import numpy as np

from tasks.audit.blocks import Block
from tasks.audit.contrast import (
    MIN_OTHERS,
    Contrast,
    Ends,
    Kind,
    Removal,
    Tally,
    TwoKinds,
    every_few_columns,
)
from tasks.audit.stretches import Stretch
from tasks.audit.tokens import Flags, Hashes, Places

NEAR_EDGE = 3
"""Most tokens between a stretch at the edge of a text and that edge."""
MIN_SUBSET = 0.1
"""Smallest share of a stretch's rows in one position (opening, closing, inside) for which the
position is tested.
"""
MIN_SUBSET_ROWS = 2
"""Smallest number of such rows."""
MIN_ERRORS = 4.0
"""Smallest distance between the ends of a scale, in standard errors, for a usable result."""
FOLLOWS = 0.7
"""How closely the text after a stretch must resemble the beginning of a sentence: 1 like other
sentences, 0 like any place in a text.
"""
MIN_APART = 0.2
"""Smallest difference between two rates for a usable result: how often neighbouring sentences
follow one another in other rows, and how often sentences two apart do.
"""
MAX_COMMON_OPENING = 5
"""Most tokens at the end of a stretch that may belong to the next sentence."""
LONGEST_SLOT = 2
"""Most tokens of a slot that may follow a stretch."""


class RemovalTest:
    """Tests what a block's rows read like without a stretch, by comparison with the sentences of
    other rows. There is one object per block. Every test leaves out the rows of the stretch itself.
    """

    def __init__(self, block: Block) -> None:
        self.block = block
        self._texts = block.tokens.texts[block.sentences]
        last = np.append(np.diff(self._texts) > 0, True)
        self._opens, self._closes = block.sentences == block.heads[self._texts], last

    def removal(self, stretch: Stretch) -> Removal | None:
        """Return how the rows read without the stretch; None if too little is left for a
        comparison.

        The result is the worst of the positions at which the stretch stands.
        """
        others = np.ones(self.block.size, bool)
        others[stretch.texts] = False
        if self.block.weights[others].sum() < MIN_OTHERS:
            return None
        tried = [one for one in self._by_position(stretch, others) if one is not None]
        usable = [one for one in tried if abs(one.errors) >= MIN_ERRORS]
        return min(usable, key=lambda one: one.share) if usable else None

    def _by_position(self, stretch: Stretch, others: Flags) -> Iterator[Removal | None]:
        bounds = self.block.tokens.bounds
        opens = stretch.starts - self.block.heads[stretch.texts] <= NEAR_EDGE
        closes = ~opens & (bounds[stretch.texts + 1] - stretch.ends <= NEAR_EDGE)
        inside = ~opens & ~closes
        if opens.mean() >= MIN_SUBSET and opens.sum() >= MIN_SUBSET_ROWS:
            yield self._opening(stretch, others, opens)
        if closes.mean() >= MIN_SUBSET and closes.sum() >= MIN_SUBSET_ROWS:
            yield self._closing(stretch, others, closes)
        if inside.mean() >= MIN_SUBSET and inside.sum() >= MIN_SUBSET_ROWS:
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
        """Yield how the texts read if they begin at each of the cuts. cuts: (cuts, rows)."""
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
        """Return whether the text after a stretch begins like a sentence."""
        if self._beginning is None:
            return False
        found = self._beginning.removal(self.block.openings(stretch.ends, stretch.texts))
        return found is not None and found.errors >= MIN_ERRORS and found.share >= FOLLOWS

    @cached_property
    def _beginning(self) -> Contrast | None:
        """Return the contrast of sentence beginnings with about as many other places."""
        tokens, sentences = self.block.tokens, self.block.sentences
        step = max(len(tokens.hashes) // max(len(sentences), 1), 1)
        other = np.setdiff1d(np.arange(step // 2, len(tokens.hashes), step), sentences)
        kinds = TwoKinds(self._kind_at(sentences), self._kind_at(other))
        return kinds.among(np.ones(self.block.size, bool))

    def _kind_at(self, places: Places) -> Kind:
        known = np.stack([self.block.grams_at(places, order) for order in range(1, 4)])
        return Kind(known, self.block.tokens.texts[places])

    @cached_property
    def _neighbours(self) -> tuple[Tally, Ends] | None:
        """Return the pairs of neighbouring sentences, and the rates at which neighbours and
        sentences two apart follow one another in other rows.

        None if neighbours do so hardly more often.
        """
        kinds = self.block.starts[1]
        pairs, apart = (_pairs(kinds, self._texts, step=step) for step in (1, 2))
        if not len(apart):
            return None
        tally = Tally(pairs)
        near, far = tally.of(every_few_columns(pairs)) >= 2, tally.of(every_few_columns(apart)) >= 1
        ends = Ends.of(near.astype(float), far.astype(float))
        return (tally, ends) if ends.like - ends.unlike >= MIN_APART else None

    def _between(self, stretch: Stretch, rows: Flags) -> Removal | None:
        """Return how often the sentences around the stretch follow one another in other rows."""
        if self._neighbours is None:
            return None
        pairs, ends = self._neighbours
        before = np.searchsorted(self.block.sentences, stretch.starts[rows], "left") - 1
        same_text = self._texts[before] == stretch.texts[rows]
        kinds = np.where(same_text, self.block.starts[1][before], 0)
        found = []
        for cut in (stretch.ends[rows], self.block.next_sentence(stretch.ends[rows])):
            after = self.block.openings(cut, stretch.texts[rows])[1]
            there = (kinds != 0) & (after != 0)
            here = pairs.of(_pair(kinds[there], after[there])) >= 1
            found.append(ends.removal(here.astype(float)))
        return max((one for one in found if one), key=lambda one: one.share, default=None)


def _cuts(block: Block, stretch: Stretch) -> Iterator[Places]:
    """Yield the places at which the text proper may begin: near the end of the stretch, or after
    one of the next sentences.
    """
    for behind in range(-min(MAX_COMMON_OPENING, stretch.form.length - 1), LONGEST_SLOT + 1):
        yield stretch.starts + stretch.form.length + behind
    cut = stretch.starts + 1
    for _ in range(3):
        cut = block.next_sentence(cut + 1)
        yield cut


def _pair(first: Hashes, second: Hashes) -> Hashes:
    return first * np.uint64(0x9E3779B97F4A7C15) + second


def _pairs(kinds: Hashes, texts: Places, *, step: int) -> Hashes:
    """Return the pairs of sentences that are `step` apart in one text."""
    same = texts[step:] == texts[:-step]
    return _pair(kinds[:-step][same], kinds[step:][same])
