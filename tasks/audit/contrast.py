"""How places in texts look: like the special ones of a block (where texts open, say), or like its
ordinary ones.

A place is known by the n-grams that begin there. Its likelihood ratio says which kind it resembles.
The mean ratio of some places lies between two known ends: the mean of the special places, and the
mean of the ordinary ones.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from tasks.audit.tokens import Flags, Hashes, Places

Reals = NDArray[np.float64]

WEIGHTS = (0.2, 0.3, 0.4)
"""How much the first token, the first two and the first three of a sentence say of it. The rest is
for n-grams that stand nowhere else.
"""
RARITY = 50.0
"""By how much a longer n-gram is rarer than a shorter one, roughly."""
MOST_NATS = 5.0
LEAST_OTHERS = 8
"""Rows without the stretch below which nothing is left to compare with."""
ENOUGH = 1500
"""Places that are asked how their kind looks."""


class Removal(NamedTuple):
    """How a text looks without a stretch.

    share: 1 is like the others, 0 is like texts that lack a sentence. errors: standard errors
    between these two. cut: tokens taken out.
    """

    share: float
    errors: float
    cut: int


class Ends(NamedTuple):
    """The two known ends of a measure: its mean for places of either kind, and the mean of the two
    variances.
    """

    like: float
    unlike: float
    variance: float

    @classmethod
    def of(cls, like: Reals, unlike: Reals) -> "Ends":
        """Return the ends of measured places. Both kinds have at least one."""
        variance = (like.var() + unlike.var()) / 2
        return cls(float(like.mean()), float(unlike.mean()), float(variance))

    def removal(self, here: Reals, cut: int = 0) -> Removal | None:
        """Return where the places asked about lie between the ends; None where there are none."""
        if not len(here):
            return None
        apart = self.like - self.unlike
        if apart <= 0:
            return Removal(0.0, 0.0, cut)
        spread = float(np.sqrt(self.variance / len(here))) + 1e-9
        return Removal((float(here.mean()) - self.unlike) / apart, apart / spread, cut)


class Tally:
    """How often every hash stands among some hashes."""

    def __init__(self, hashes: Hashes) -> None:
        self._hashes, self._counts = np.unique(hashes, return_counts=True)

    def of(self, asked: Hashes) -> Places:
        """Return how often each of the hashes asked about stands there."""
        if not len(self._hashes):
            return np.zeros(len(asked), np.int64)
        place = np.minimum(np.searchsorted(self._hashes, asked), len(self._hashes) - 1)
        return np.where(self._hashes[place] == asked, self._counts[place], 0)


class Kind:
    """Places of one kind. known: (orders, places) hashes of the n-grams there. texts: (places,)."""

    def __init__(self, known: Hashes, texts: Places) -> None:
        self.known, self.texts = known, texts
        self._tallies = [Tally(hashes) for hashes in known]

    def held(self, asked: Hashes) -> Places:
        """Return (orders, asked) how often each n-gram stands at places of this kind."""
        pairs = zip(self._tallies, asked, strict=True)
        return np.stack([tally.of(hashes) for tally, hashes in pairs])


class TwoKinds:
    """The special and the ordinary places of a block, counted once."""

    def __init__(self, special: Kind, ordinary: Kind) -> None:
        self._special, self._ordinary = special, ordinary

    def among(self, others: Flags) -> "Contrast | None":
        """Return the contrast of the two kinds in these texts alone; None where a kind has too few
        places. others: (texts,).
        """
        special = _Part.of(self._special, others, self._counts[0])
        ordinary = _Part.of(self._ordinary, others, self._counts[1])
        if min(special.size, ordinary.size) < LEAST_OTHERS:
            return None
        return Contrast(special, ordinary)

    @cached_property
    def _counts(self) -> tuple[tuple[Places, Places], tuple[Places, Places]]:
        """Return for the places of either kind how often their n-grams stand in the special and in
        the ordinary kind.
        """
        kinds = (self._special, self._ordinary)
        special, ordinary = ((kinds[0].held(one.known), kinds[1].held(one.known)) for one in kinds)
        return special, ordinary


class _Part(NamedTuple):
    """A kind's places in some of the texts. without: the kind's places in the other texts. sample:
    some of the places.

    counts: (orders, places) for the special and the ordinary kind, how often the n-grams stand in
    the whole of it.
    """

    kind: Kind
    without: Kind
    size: int
    sample: Places
    counts: tuple[Places, Places]

    @classmethod
    def of(cls, kind: Kind, others: Flags, counts: tuple[Places, Places]) -> "_Part":
        """Return the places of a kind that lie in these texts."""
        kept = others[kind.texts]
        inside = np.flatnonzero(kept)
        without = Kind(kind.known[:, ~kept], kind.texts[~kept])
        return cls(kind, without, len(inside), some(inside), counts)

    def held(self, asked: Hashes) -> Places:
        """Return (orders, asked) how often each n-gram stands at these places."""
        return self.kind.held(asked) - self.without.held(asked)


@dataclass(frozen=True)
class Contrast:
    """Special places against ordinary ones."""

    special: _Part
    ordinary: _Part

    @cached_property
    def ends(self) -> Ends:
        """Return how the two kinds look themselves, each place without its own count."""
        return Ends.of(self._sampled(self.special, (1, 0)), self._sampled(self.ordinary, (0, 1)))

    def nats(self, asked: Hashes) -> Reals:
        """Return the log-likelihood ratio of every place. asked: (orders, places)."""
        return self._ratio(self.special.held(asked), self.ordinary.held(asked))

    def removal(self, asked: Hashes) -> Removal | None:
        """Return how places look between the two kinds. asked: (orders, places); 0 in the first
        order where there is none.
        """
        return self.ends.removal(self.nats(asked[:, asked[0] != 0]))

    def _sampled(self, part: _Part, own: tuple[int, int]) -> Reals:
        """Return the ratios of a sample of a kind; its own count is taken out of the kind that it
        belongs to.
        """
        asked = part.kind.known[:, part.sample]
        special, ordinary = (
            whole[:, part.sample] - side.without.held(asked) - one
            for whole, side, one in zip(
                part.counts, (self.special, self.ordinary), own, strict=True
            )
        )
        return self._ratio(special, ordinary)

    def _ratio(self, special: Places, ordinary: Places) -> Reals:
        total = np.zeros(special.shape[1])
        for low in range(0, len(special), len(WEIGHTS)):
            part = slice(low, low + len(WEIGHTS))
            ratio = _log_rate(special[part], self.special.size)
            ratio -= _log_rate(ordinary[part], self.ordinary.size)
            total += np.clip(ratio, -MOST_NATS, MOST_NATS)
        return total


def _log_rate(held: Places, places: int) -> Reals:
    """Return the logarithm of how often n-grams stand at places of a kind. held: (orders, asked)
    their counts.
    """
    orders = len(WEIGHTS)
    rate = np.full(held.shape[1], 0.1 * RARITY**-orders)
    for order, weight in enumerate(WEIGHTS):
        rate += weight * np.maximum(held[order], 0) / places * RARITY ** (order + 1 - orders)
    logs: Reals = np.log(rate)
    return logs


def some(found: Any) -> Any:
    """Return every so many columns: enough to know how they look."""
    return found[..., :: max(found.shape[-1] // ENOUGH, 1)]
