"""The rarity of a stretch's words: how few of the other texts hold them, in bits."""

from typing import NamedTuple

import numpy as np

from tasks.audit.blocks import Block
from tasks.audit.stretches import Reals, Stretch
from tasks.audit.thresholds import MAX_VALUES
from tasks.audit.tokens import Flags


class WordRarity(NamedTuple):
    """The rarity of a stretch's words in the other texts, in bits.

    all: all its words. uncleared: those that no cleared phrase holds. fixed: those that all its
    rows share; the others fill slots.
    """

    all: float
    uncleared: float
    fixed: float


class Rarity:
    """Measures the rarity of words in one block. cleared: (tokens,) which tokens belong to a
    cleared phrase.
    """

    def __init__(self, block: Block, cleared: Flags) -> None:
        self._block, self._cleared = block, cleared
        self._all = float(block.weights.sum())

    def bits(self, stretch: Stretch) -> WordRarity:
        """Return the rarity of a stretch's words. Words of the row's own prompt or answer add
        nothing.
        """
        total = uncleared = 0.0
        for offset, token in stretch.form.distinct():
            if self._is_known(stretch, offset):
                continue
            held = np.minimum(stretch.starts + offset, stretch.ends - 1)
            bits = self._rarity(token, stretch)
            total += bits
            uncleared += 0.0 if self._cleared[held].mean() > 0.5 else bits
        slots = self._bits_of_slots(stretch)
        return WordRarity(total + slots, uncleared + (slots if uncleared else 0.0), fixed=total)

    def bits_of_tokens(self, stretch: Stretch) -> Reals:
        """Return (tokens,) the rarity of each token of the form, in bits; 0 for words of prompt or
        answer.
        """
        known = {
            token: 0.0 if self._is_known(stretch, offset) else self._rarity(token, stretch)
            for offset, token in stretch.form.distinct()
        }
        return np.array([known[token] for token in stretch.form.hashes])

    def _is_known(self, stretch: Stretch, offset: int) -> bool:
        """Return whether the row's own prompt or answer holds a token, in most of the rows."""
        held = np.minimum(stretch.starts + offset, stretch.ends - 1)
        return float(self._block.known[held].mean()) > 0.5

    def _bits_of_slots(self, stretch: Stretch) -> float:
        """Return the mean rarity over the rows of the words in slots that have few values."""
        total = 0.0
        for offset in np.setdiff1d(np.arange(stretch.form.length), stretch.form.offsets):
            places = np.minimum(stretch.starts + offset, stretch.ends - 1)
            places = places[~self._block.known[places]]
            tokens, rows = np.unique(self._block.tokens.hashes[places], return_counts=True)
            if len(tokens) <= MAX_VALUES and rows.sum() > len(tokens):
                bits = [self._rarity(token, stretch) for token in tokens]
                total += float(np.dot(bits, rows)) / len(stretch.starts)
        return total

    def _rarity(self, token: np.uint64, stretch: Stretch) -> float:
        """Return the rarity of a token outside of a stretch: −log2 of the share of rows that hold
        it there.
        """
        places = self._block.places_of(token)
        texts = self._block.tokens.texts[places]
        elsewhere = places >= self._block.heads[texts]
        inside = np.searchsorted(stretch.starts, places, "right") - 1
        elsewhere &= (inside < 0) | (places >= stretch.ends[inside])
        held = np.zeros(self._block.size, bool)
        held[texts[elsewhere]] = True
        share = (self._block.weights[held].sum() + 0.5) / (self._all + 1)
        return -float(np.log2(share))
