"""In how many texts every n-gram occurs, in hashed cells: bounded memory for any number of texts."""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from tasks.verdicts.audit.tokens import EDGE_TOKENS, ORDERS, Hashes, Places, Tokens, ngram_hashes

Cells = NDArray[np.int32]

VIEWS = ("1", "2", "3", "4", "opening", "closing")
"""n-grams anywhere, by order; n-grams of any order within the first and within the last tokens of a text."""
BITS = {"1": 21, "2": 23, "3": 24, "4": 24, "opening": 21, "closing": 21}
"""Cells per view, as a power of two. Texts that share a cell by chance only blur the screening; every reported count is exact."""
_OPENING, _CLOSING = np.uint64(0x94D049BB133111EB), np.uint64(0xBF58476D1CE4E5B9)


class Grams(NamedTuple):
    """n-grams of one view. hashes: (n,) uint64, unlike those of other views. places: (n,) the first token. order: n of the n-gram."""

    view: str
    hashes: Hashes
    places: Places
    order: int


def grams_of(tokens: Tokens) -> Iterator[Grams]:
    """Yield the n-grams of every view and order."""
    for order in ORDERS:
        hashes, places = ngram_hashes(tokens, order)
        yield Grams(str(order), hashes, places, order)
        opens = tokens.from_start[places] <= EDGE_TOKENS - order
        yield Grams("opening", hashes[opens] ^ _OPENING, places[opens], order)
        closes = tokens.to_end[places] < EDGE_TOKENS
        yield Grams("closing", hashes[closes] ^ _CLOSING, places[closes], order)


class Counts:
    """Texts per n-gram. rows: texts counted so far."""

    def __init__(self) -> None:
        self.rows = 0
        self.cells: dict[str, Cells] = {view: np.zeros(1 << BITS[view], np.int32) for view in VIEWS}

    def add(self, tokens: Tokens) -> None:
        """Count every n-gram once a text."""
        self.rows += len(tokens.bounds) - 1
        for grams in grams_of(tokens):
            texts = tokens.texts[grams.places].astype(np.uint64)
            pairs = np.sort((cell_of(grams.hashes, grams.view).astype(np.uint64) << np.uint64(32)) | texts)
            once = pairs[np.flatnonzero(np.diff(pairs, prepend=~pairs[:1]))] >> np.uint64(32)
            np.add.at(self.cells[grams.view], once.astype(np.int64), 1)

    def of(self, grams: Grams) -> Cells:
        """Return the texts counted in the cell of every n-gram: never fewer than held it."""
        counts: Cells = self.cells[grams.view][cell_of(grams.hashes, grams.view)]
        return counts


def cell_of(hashes: Hashes, view: str) -> Places:
    """Return the cell of every hash."""
    return (hashes >> np.uint64(64 - BITS[view])).astype(np.int64)
