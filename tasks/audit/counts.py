"""The number of prompts under which each n-gram occurs, in hashed cells: bounded memory for any
number of texts.
"""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from tasks.audit.tokens import (
    EDGE_TOKENS,
    ORDERS,
    Flags,
    Hashes,
    Places,
    Tokens,
    hashes_at,
    ngram_hashes,
)

Cells = NDArray[np.int32]

ORDER_VIEWS = tuple(map(str, ORDERS))
VIEWS = (*ORDER_VIEWS, "opening", "closing")
"""The views of a text: all its n-grams by order, and the n-grams of any order within its first
tokens and within its last tokens.
"""
BITS = {"1": 21, "2": 23, "3": 24, "4": 24, "opening": 21, "closing": 21}
"""Number of cells per view, as a power of two. If n-grams share a cell by chance, the screening
only becomes coarser. All reported counts are exact.
"""
_OPENING, _CLOSING = np.uint64(0x94D049BB133111EB), np.uint64(0xBF58476D1CE4E5B9)


class Grams(NamedTuple):
    """n-grams of one view.

    hashes: (n,) uint64; different views give different hashes. places: (n,) index of the first
    token. order: number of tokens.
    """

    view: str
    hashes: Hashes
    places: Places
    order: int


def grams_of(tokens: Tokens, views: Sequence[str] = VIEWS) -> Iterator[Grams]:
    """Yield the n-grams of the views, one order at a time."""
    for order in ORDERS:
        if str(order) in views:
            yield Grams(str(order), *ngram_hashes(tokens, order), order)
        if "opening" in views:
            opens = np.flatnonzero(tokens.from_start < EDGE_TOKENS)
            yield _edge_grams("opening", _OPENING, tokens, opens, order)
        if "closing" in views:
            closes = np.flatnonzero(tokens.to_end < EDGE_TOKENS)
            yield _edge_grams("closing", _CLOSING, tokens, closes, order)


def _edge_grams(view: str, mark: np.uint64, tokens: Tokens, edge: Places, order: int) -> Grams:
    """Return the n-grams within the edge tokens of a text. mark: separates the hashes of the
    views.
    """
    inside = tokens.texts[edge[: len(edge) - order + 1]] == tokens.texts[edge[order - 1 :]]
    first = edge[: len(edge) - order + 1][inside]
    return Grams(view, hashes_at(tokens, first, order) ^ mark, first, order)


def covered(tokens: Tokens, hashes: Hashes) -> Flags:
    """Return (tokens,) whether each token belongs to one of the n-grams with these hashes."""
    found = np.zeros(len(tokens.hashes), bool)
    for grams in grams_of(tokens) if len(hashes) else ():
        hit = grams.places[np.isin(grams.hashes, hashes)]
        for ahead in range(grams.order):
            found[hit + ahead] = True
    return found


class Counts:
    """Number of samples per n-gram in the chosen views.

    All texts that answer one prompt are one sample, because they are not independent evidence.
    Texts of one prompt must come in one batch. rows: samples counted so far.
    """

    def __init__(self, views: Sequence[str] = VIEWS) -> None:
        self.rows = 0
        self.cells: dict[str, Cells] = {view: np.zeros(1 << BITS[view], np.int32) for view in views}

    def add(self, tokens: Tokens, samples_of: Places) -> None:
        """Count every n-gram once per sample. samples_of: (texts,) the sample that each text
        belongs to.
        """
        self.rows += len(np.unique(samples_of))
        for grams in grams_of(tokens, tuple(self.cells)):
            samples = samples_of[tokens.texts[grams.places]].astype(np.uint64)
            of_cell = cell_of(grams.hashes, grams.view).astype(np.uint64)
            pairs = np.sort((of_cell << np.uint64(32)) | samples)
            once = pairs[np.flatnonzero(np.diff(pairs, prepend=~pairs[:1]))] >> np.uint64(32)
            cells, rows = _run_lengths(once.astype(np.int64))
            self.cells[grams.view][cells] += rows

    def of(self, grams: Grams) -> Cells:
        """Return (n,) the samples counted in the cell of each n-gram. This is never less than the
        true count.
        """
        counts: Cells = self.cells[grams.view][cell_of(grams.hashes, grams.view)]
        return counts


def _run_lengths(ordered: Places) -> tuple[Places, Cells]:
    """Return each value of a sorted array once, and how often it occurs."""
    first = np.flatnonzero(np.diff(ordered, prepend=-1))
    return ordered[first], np.diff(first, append=len(ordered)).astype(np.int32)


def cell_of(hashes: Hashes, view: str) -> Places:
    """Return (n,) int64 the cell of each hash."""
    return (hashes >> np.uint64(64 - BITS[view])).astype(np.int64)
