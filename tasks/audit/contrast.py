"""Whether places in texts resemble the special places of a block (for example, where texts open) or
its ordinary places.

A place is described by the n-grams that begin there. Its log-likelihood ratio says which kind it
resembles. The mean ratio of some places is put on a scale between two known ends: the mean of the
special places and the mean of the ordinary places.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from tasks.audit.tokens import Flags, Hashes, Places

Reals = NDArray[np.float64]

WEIGHTS = (0.2, 0.3, 0.4)
"""Interpolation weights of the first token, the first two and the first three tokens of a sentence.
The remaining weight is for n-grams that occur nowhere else.
"""
RARITY = 50.0
"""Assumed factor by which a longer n-gram is rarer than one that is one token shorter."""
MAX_NATS = 5.0
"""Limit of one log-likelihood ratio in either direction, in nats."""
MIN_OTHERS = 8
"""Fewest rows without the stretch that a comparison needs."""
SAMPLE_PLACES = 1500
"""About as many places of a kind are measured to describe it."""


class Removal(NamedTuple):
    """How texts look after a stretch is removed from them.

    share: 1 means like the other texts, 0 means like texts that lack a sentence. errors: distance
    between these two ends, in standard errors. cut: number of tokens removed.
    """

    share: float
    errors: float
    cut: int


class Ends(NamedTuple):
    """The two known ends of a scale: the mean of a measure for places of either kind, and the mean
    of the two variances.
    """

    like: float
    unlike: float
    variance: float

    @classmethod
    def of(cls, like: Reals, unlike: Reals) -> "Ends":
        """Return the ends for measured places. Both arrays need at least one value."""
        variance = (like.var() + unlike.var()) / 2
        return cls(float(like.mean()), float(unlike.mean()), float(variance))

    def removal(self, here: Reals, cut: int = 0) -> Removal | None:
        """Return where the measured places lie between the ends; None without any place."""
        if not len(here):
            return None
        apart = self.like - self.unlike
        if apart <= 0:
            return Removal(0.0, 0.0, cut)
        spread = float(np.sqrt(self.variance / len(here))) + 1e-9
        return Removal((float(here.mean()) - self.unlike) / apart, apart / spread, cut)


class Tally:
    """How often each hash occurs in an array of hashes."""

    def __init__(self, hashes: Hashes) -> None:
        self._hashes, self._counts = np.unique(hashes, return_counts=True)

    def of(self, asked: Hashes) -> Places:
        """Return (asked,) int64: how often each of the given hashes occurs."""
        if not len(self._hashes):
            return np.zeros(len(asked), np.int64)
        place = np.minimum(np.searchsorted(self._hashes, asked), len(self._hashes) - 1)
        return np.where(self._hashes[place] == asked, self._counts[place], 0)


class Kind:
    """Places of one kind. known: (orders, places) hashes of the n-grams that begin there. texts:
    (places,) the text of each place.
    """

    def __init__(self, known: Hashes, texts: Places) -> None:
        self.known, self.texts = known, texts
        self._tallies = [Tally(hashes) for hashes in known]

    def held(self, asked: Hashes) -> Places:
        """Return (orders, asked): how often each n-gram begins at places of this kind."""
        pairs = zip(self._tallies, asked, strict=True)
        return np.stack([tally.of(hashes) for tally, hashes in pairs])


class TwoKinds:
    """The special and the ordinary places of a block, with n-gram counts that are made once."""

    def __init__(self, special: Kind, ordinary: Kind) -> None:
        self._special, self._ordinary = special, ordinary

    def among(self, others: Flags) -> "Contrast | None":
        """Return the contrast of the two kinds within some texts; None if a kind has too few places
        there.

        others: (texts,) which texts to use.
        """
        special = _Part.of(self._special, others, self._counts[0])
        ordinary = _Part.of(self._ordinary, others, self._counts[1])
        if min(special.size, ordinary.size) < MIN_OTHERS:
            return None
        return Contrast(special, ordinary)

    @cached_property
    def _counts(self) -> tuple[tuple[Places, Places], tuple[Places, Places]]:
        """Return, for the special and for the ordinary places, how often their n-grams begin at
        special and at ordinary places.
        """
        kinds = (self._special, self._ordinary)
        special = (kinds[0].held(kinds[0].known), kinds[1].held(kinds[0].known))
        ordinary = (kinds[0].held(kinds[1].known), kinds[1].held(kinds[1].known))
        return special, ordinary


class _Part(NamedTuple):
    """The places of a kind that lie in some of the texts.

    without: the places of this kind in the other texts. size: number of places in this part.
    sample: indices of some of these places. counts: (orders, places) arrays for the special and the
    ordinary kind: how often the n-grams begin in all texts.
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
        return cls(kind, without, len(inside), every_few_columns(inside), counts)

    def held(self, asked: Hashes) -> Places:
        """Return (orders, asked): how often each n-gram begins at the places of this part."""
        return self.kind.held(asked) - self.without.held(asked)


@dataclass(frozen=True)
class Contrast:
    """A comparison of special and ordinary places."""

    special: _Part
    ordinary: _Part

    @cached_property
    def ends(self) -> Ends:
        """Return the ends of the scale: the ratios of both kinds. Each place is left out of its own
        count.
        """
        return Ends.of(self._sampled(self.special, (1, 0)), self._sampled(self.ordinary, (0, 1)))

    def nats(self, asked: Hashes) -> Reals:
        """Return (places,) the log-likelihood ratio of each place, in nats. asked: (orders,
        places).
        """
        return self._ratio(self.special.held(asked), self.ordinary.held(asked))

    def removal(self, asked: Hashes) -> Removal | None:
        """Return how places look on the scale between the two kinds.

        asked: (orders, places) hashes; 0 in the first order marks a missing place.
        """
        return self.ends.removal(self.nats(asked[:, asked[0] != 0]))

    def _sampled(self, part: _Part, own: tuple[int, int]) -> Reals:
        """Return the ratios of a sample of a kind. own: 1 for the kind of the sample, whose own
        count is subtracted, and 0 for the other kind.
        """
        asked = part.kind.known[:, part.sample]
        in_special, in_ordinary = part.counts
        special = in_special[:, part.sample] - self.special.without.held(asked) - own[0]
        ordinary = in_ordinary[:, part.sample] - self.ordinary.without.held(asked) - own[1]
        return self._ratio(special, ordinary)

    def _ratio(self, special: Places, ordinary: Places) -> Reals:
        total = np.zeros(special.shape[1])
        for low in range(0, len(special), len(WEIGHTS)):
            part = slice(low, low + len(WEIGHTS))
            ratio = _log_rate(special[part], self.special.size)
            ratio -= _log_rate(ordinary[part], self.ordinary.size)
            total += np.clip(ratio, -MAX_NATS, MAX_NATS)
        return total


def _log_rate(held: Places, places: int) -> Reals:
    """Return (asked,) the logarithm of the rate at which n-grams begin at places of a kind.

    held: (orders, asked) their counts. places: number of places of this kind.
    """
    orders = len(WEIGHTS)
    rate = np.full(held.shape[1], 0.1 * RARITY**-orders)
    for order, weight in enumerate(WEIGHTS):
        rate += weight * np.maximum(held[order], 0) / places * RARITY ** (order + 1 - orders)
    logs: Reals = np.log(rate)
    return logs


def every_few_columns(found: Any) -> Any:
    """Return a regular sample of about SAMPLE_PLACES columns (the last axis)."""
    return found[..., :: max(found.shape[-1] // SAMPLE_PLACES, 1)]
