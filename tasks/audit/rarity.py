"""How foreign the words of a stretch are: how few of the other texts hold them, in bits."""

from typing import NamedTuple

import numpy as np

from tasks.audit.stretches import Reals, Stretch
from tasks.audit.thresholds import MOST_VALUES
from tasks.audit.tokens import Flags
from tasks.audit.units import Block


class Foreignness(NamedTuple):
    """How rare the words of a stretch are elsewhere, in bits.

    all: all of them. uncleared: those no phrase clears. fixed: those that all rows share; the
    others fill slots.
    """

    all: float
    uncleared: float
    fixed: float


class Rarity:
    """Weighs the words of stretches against one block. cleared: (tokens,) which tokens a cleared
    phrase accounts for.
    """

    def __init__(self, block: Block, cleared: Flags) -> None:
        self._block, self._cleared = block, cleared
        self._all = float(block.weights.sum())

    def bits(self, stretch: Stretch) -> Foreignness:
        """Return how rare the words of a stretch are elsewhere.

        Words that prompt or answer hold beside it count nothing.
        """
        total = uncleared = 0.0
        for offset, token in stretch.form.distinct():
            if self._is_beside(stretch, offset):
                continue
            held = np.minimum(stretch.starts + offset, stretch.ends - 1)
            bits = self._rarity(token, stretch)
            total += bits
            uncleared += 0.0 if self._cleared[held].mean() > 0.5 else bits
        slots = self._bits_of_slots(stretch)
        return Foreignness(total + slots, uncleared + (slots if uncleared else 0.0), fixed=total)

    def bits_of_tokens(self, stretch: Stretch) -> Reals:
        """Return (tokens,) how rare each token of the form is elsewhere, in bits; 0 for those of
        prompt or answer.
        """
        known = {
            token: 0.0 if self._is_beside(stretch, offset) else self._rarity(token, stretch)
            for offset, token in stretch.form.distinct()
        }
        return np.array([known[token] for token in stretch.form.hashes])

    def _is_beside(self, stretch: Stretch, offset: int) -> bool:
        """Say whether prompt or answer hold a token in most of the rows."""
        held = np.minimum(stretch.starts + offset, stretch.ends - 1)
        return float(self._block.beside[held].mean()) > 0.5

    def _bits_of_slots(self, stretch: Stretch) -> float:
        """Return how rare the words of slots with few values are elsewhere, on average over the
        rows.
        """
        total = 0.0
        for offset in np.setdiff1d(np.arange(stretch.form.length), stretch.form.offsets):
            places = np.minimum(stretch.starts + offset, stretch.ends - 1)
            places = places[~self._block.beside[places]]
            tokens, rows = np.unique(self._block.tokens.hashes[places], return_counts=True)
            if len(tokens) <= MOST_VALUES and rows.sum() > len(tokens):
                bits = [self._rarity(token, stretch) for token in tokens]
                total += float(np.dot(bits, rows)) / len(stretch.starts)
        return total

    def _rarity(self, token: np.uint64, stretch: Stretch) -> float:
        """Return how rare a token is outside of a stretch, in bits of the share of rows that hold
        it.
        """
        places = self._block.places_of(token)
        texts = self._block.tokens.texts[places]
        elsewhere = places >= self._block.heads[texts]
        inside = np.searchsorted(stretch.starts, places, "right") - 1
        elsewhere &= (inside < 0) | (places >= stretch.ends[inside])
        held = np.zeros(self._block.size, bool)
        held[texts[elsewhere]] = True
        return -float(np.log2((self._block.weights[held].sum() + 0.5) / (self._all + 1)))
