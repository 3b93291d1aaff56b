"""Whether a stretch was put into texts: taken out, it leaves texts like the others.

Where a stretch opens its rows, what follows it should open as the other rows open, and not as a sentence in the middle begins; where it closes
them, what stands before it should close as the others close; where it stands inside, the sentences around it should follow one another in other
rows too. All three are a likelihood or a rate between two known ends: that of texts which nothing was put into, and that of texts which lack a
sentence. A share of 1 is the first, of 0 the second.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from tasks.verdicts.audit.stretches import Stretch
from tasks.verdicts.audit.tokens import Flags, Hashes, Places
from tasks.verdicts.audit.units import Block

Reals = NDArray[np.float64]

NEAR_EDGE = 3
"""Tokens that may stand between a stretch and the edge of its text."""
WEIGHTS = (0.2, 0.3, 0.4)
"""How much the first token, the first two and the first three of a sentence say of it; the rest is for what nobody wrote."""
RARITY = 50.0
"""By how much a longer n-gram is rarer than a shorter one, roughly."""
MOST_NATS = 5.0
LEAST_OTHERS = 8
"""Rows without the stretch below which nothing is left to compare with."""
LEAST_SUBSET, LEAST_SUBSET_ROWS = 0.1, 2
"""Share of a stretch's rows that must stand at an edge, or inside, for that question to be asked."""
LEAST_ERRORS = 4.0
"""Standard errors that must lie between texts with and without a sentence, for an answer to tell."""
FOLLOWS = 0.7
"""How near to a sentence's beginning what follows a note must come: 1 is as near as other sentences, 0 as any place in a text."""
LEAST_APART = 0.2
"""By how much more often neighbours of a text follow one another elsewhere than sentences two apart, for that to tell."""
ENOUGH = 1500
"""Places that are asked how their kind looks."""
MOST_COMMON_OPENING, LONGEST_SLOT = 5, 2
"""Tokens that may belong to the next sentence at the end of a stretch, and tokens of a slot that may follow it."""


class Removal(NamedTuple):
    """How a text looks without a stretch. share: 1 like the others, 0 like texts that lack a sentence. errors: how many standard errors lie between the two."""

    share: float
    errors: float
    cut: int


class Others:
    """The sentences of a block, for comparison. One for a block; rows under suspicion are left out for each question."""

    def __init__(self, block: Block) -> None:
        self.block = block
        self._texts = block.tokens.texts[block.sentences]
        last = np.append(np.diff(self._texts) > 0, True)
        self._opens, self._closes = block.sentences == block.heads[self._texts], last

    def removal(self, stretch: Stretch) -> Removal | None:
        """Return how the rows look without the stretch; None where there is nothing to compare with."""
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
        model = self._middle.beside(
            self.block.starts[:3, self._opens & others[self._texts]], others
        )
        if model is None:
            return None
        found = [
            model.removal(
                self.block.openings(cut[rows], stretch.texts[rows]),
                cut=cut[rows] - stretch.starts[rows],
            )
            for cut in _cuts(self.block, stretch)
        ]
        return max((one for one in found if one), key=lambda one: one.share, default=None)

    def _closing(self, stretch: Stretch, others: Flags, rows: Flags) -> Removal | None:
        before = np.searchsorted(self.block.sentences, stretch.starts[rows], "left") - 1
        there = (before >= 0) & (self._texts[before] == stretch.texts[rows])
        known = np.concatenate([self.block.starts[:3], self.block.lasts[1:4]])
        model = self._before_last.beside(known[:, self._closes & others[self._texts]], others)
        return model.removal(known[:, before[there]]) if model is not None and there.any() else None

    @cached_property
    def _middle(self) -> "_Ordinary":
        return _Ordinary.of(self.block.starts[:3, ~self._opens], self._texts[~self._opens])

    @cached_property
    def _before_last(self) -> "_Ordinary":
        known = np.concatenate([self.block.starts[:3], self.block.lasts[1:4]])
        return _Ordinary.of(known[:, ~self._closes], self._texts[~self._closes])

    def sentence_follows(self, stretch: Stretch) -> bool:
        """Say whether what stands behind a stretch begins as sentences do."""
        if self._beginning is None:
            return False
        found = self._beginning.removal(self.block.openings(stretch.ends, stretch.texts))
        return found is not None and found.errors >= LEAST_ERRORS and found.share >= FOLLOWS

    @cached_property
    def _beginning(self) -> "_Contrast | None":
        """Return the contrast of sentences with as many other places."""
        tokens, sentences = self.block.tokens, self.block.sentences
        step = max(len(tokens.hashes) // max(len(sentences), 1), 1)
        other = np.setdiff1d(np.arange(step // 2, len(tokens.hashes), step), sentences)
        places = np.concatenate([sentences, other])
        known = np.stack([self.block.grams_at(places, order) for order in range(1, 4)])
        special = np.arange(len(places)) < len(sentences)
        return _Ordinary.of(known[:, ~special], tokens.texts[places[~special]]).beside(
            known[:, special], np.ones(self.block.size, bool)
        )

    @cached_property
    def _neighbours(self) -> tuple[Hashes, Reals, Reals]:
        """Return the pairs of sentences that follow one another, and how often some pairs do elsewhere: neighbours, and two apart."""
        kinds = self.block.starts[1]
        pairs, apart = (_pairs(kinds, self._texts, step=step) for step in (1, 2))
        ordered = np.sort(pairs)
        near = _held(ordered, _some(pairs)) >= 2
        far = _held(ordered, _some(apart)) >= 1
        return ordered, near.astype(float), far.astype(float)

    def _between(self, stretch: Stretch, rows: Flags) -> Removal | None:
        """Return how often the sentences around the stretch follow one another elsewhere."""
        pairs, near, far = self._neighbours
        if not len(far) or near.mean() - far.mean() < LEAST_APART:
            return None
        before = np.searchsorted(self.block.sentences, stretch.starts[rows], "left") - 1
        kinds = np.where(
            self._texts[before] == stretch.texts[rows], self.block.starts[1][before], 0
        )
        found = []
        for cut in (stretch.ends[rows], self.block.next_sentence(stretch.ends[rows])):
            after = self.block.openings(cut, stretch.texts[rows])[1]
            there = (kinds != 0) & (after != 0)
            here = _held(pairs, _pair(kinds[there], after[there])) >= 1
            found.append(_removal(here.astype(float), near, far))
        return max((one for one in found if one), key=lambda one: one.share, default=None)


def _cuts(block: Block, stretch: Stretch) -> Iterator[Places]:
    """Yield where the text proper may begin: about the end of the stretch, or behind a sentence or two."""
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


def _some(found: Any) -> Any:
    """Return every so many columns: enough to know how they look."""
    return found[..., :: max(found.shape[-1] // ENOUGH, 1)]


def _removal(here: Reals, like: Reals, unlike: Reals, cut: int = 0) -> Removal | None:
    if not len(here) or not len(like) or not len(unlike):
        return None
    apart = like.mean() - unlike.mean()
    spread = np.sqrt((like.var() + unlike.var()) / 2 / len(here)) + 1e-9
    if apart <= 0:
        return Removal(0.0, 0.0, cut)
    return Removal(float((here.mean() - unlike.mean()) / apart), float(apart / spread), cut)


@dataclass(frozen=True)
class _Ordinary:
    """Places in texts that are nothing special. known: (orders, places) n-gram hashes. ordered: the same, each order sorted. texts: (places,)."""

    known: Hashes
    ordered: Hashes
    texts: Places

    @classmethod
    def of(cls, known: Hashes, texts: Places) -> "_Ordinary":
        """Return places by their n-grams: (orders, places)."""
        return cls(known, np.sort(known, axis=1), texts)

    def beside(self, special: Hashes, others: Flags) -> "_Contrast | None":
        """Return the contrast with special places, in the other texts alone; None where a side has too few."""
        kept = others[self.texts]
        if min(special.shape[1], int(kept.sum())) < LEAST_OTHERS:
            return None
        sample = _some(np.flatnonzero(kept))
        return _Contrast(
            np.sort(special, axis=1), _some(special), self.ordered,
            np.sort(self.known[:, ~kept], axis=1), self.known[:, sample],
        )  # fmt: skip


@dataclass(frozen=True)
class _Contrast:
    """Special places against ordinary ones. without: what is not to count among the ordinary. some, rest: samples of both kinds."""

    special: Hashes
    some: Hashes
    ordinary: Hashes
    without: Hashes
    rest: Hashes

    @cached_property
    def _ends(self) -> tuple[Reals, Reals]:
        """Return how the two kinds look themselves, each place without its own count."""
        return self._nats(self.some, (1, 0)), self._nats(self.rest, (0, 1))

    def removal(self, asked: Hashes, cut: Places | None = None) -> Removal | None:
        """Return how places look between the two kinds. asked: (orders, places); 0 in the first order where there is none."""
        asked = asked[:, asked[0] != 0]
        if not asked.shape[1]:
            return None
        middle = int(np.median(cut)) if cut is not None else 0
        return _removal(self._nats(asked, (0, 0)), *self._ends, middle)

    def _nats(self, asked: Hashes, own: tuple[int, int]) -> Reals:
        """Return the log-likelihood ratio of every place; its own count is taken out of the kind it belongs to."""
        total = np.zeros(asked.shape[1])
        for low in range(0, len(asked), len(WEIGHTS)):
            part = slice(low, low + len(WEIGHTS))
            ratio = _log_rate(asked[part], self.special[part], self.without[part, :0], own[0])
            ratio -= _log_rate(asked[part], self.ordinary[part], self.without[part], own[1])
            total += np.clip(ratio, -MOST_NATS, MOST_NATS)
        return total


def _log_rate(asked: Hashes, known: Hashes, without: Hashes, own: int) -> Reals:
    """Return the logarithm of how often each place's n-grams stand among the known, some left out. Each order is sorted."""
    orders, places = len(WEIGHTS), known.shape[1] - without.shape[1]
    rate = np.full(asked.shape[1], 0.1 * RARITY**-orders)
    for order, weight in enumerate(WEIGHTS):
        held = _held(known[order], asked[order]) - _held(without[order], asked[order]) - own
        rate += weight * np.maximum(held, 0) / places * RARITY ** (order + 1 - orders)
    logs: Reals = np.log(rate)
    return logs


def _held(ordered: Hashes, asked: Hashes) -> Places:
    """Return how often each hash stands in a sorted array."""
    return np.searchsorted(ordered, asked, "right") - np.searchsorted(ordered, asked, "left")
