"""The rows in which the candidate n-grams occur: exact rows and exact counts."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tasks.audit.counts import VIEWS, Grams
from tasks.audit.tokens import Hashes, Places, Tokens

Reals = NDArray[np.float64]

MAX_PAIRS = 8_000_000
"""Most (n-gram, row) pairs that are held in memory."""


class OccurrenceCollector:
    """Collects (n-gram, row) pairs batch by batch.

    step: if there are too many pairs, only every step-th row is kept as a sample.
    """

    def __init__(self) -> None:
        self._hashes: list[Hashes] = []
        self._rows: list[NDArray[np.int32]] = []
        self._shapes: dict[int, Hashes] = {}
        self._held, self.step = 0, 1

    def note(self, grams: Grams, chosen: Places, tokens: Tokens, *, first_row: int) -> None:
        """Add the chosen n-grams of a batch, once per row. first_row: number of the batch's first
        row.
        """
        rows = tokens.texts[grams.places[chosen]] + first_row
        kept = rows % self.step == 0
        columns = [grams.hashes[chosen][kept], rows[kept].astype(np.uint64)]
        pairs = np.unique(np.stack(columns), axis=1)
        self._hashes.append(pairs[0])
        self._rows.append(pairs[1].astype(np.int32))
        shape = VIEWS.index(grams.view) * 8 + grams.order
        self._shapes[shape] = np.union1d(self._shapes.get(shape, np.zeros(0, np.uint64)), pairs[0])
        self._held += len(pairs[0])
        while self._held > MAX_PAIRS:
            self._thin()

    def _thin(self) -> None:
        self.step *= 2
        hashes, rows = self._pairs()
        kept = rows % self.step == 0
        self._hashes, self._rows = [hashes[kept]], [rows[kept]]
        self._held = int(np.count_nonzero(kept))

    def _pairs(self) -> tuple[Hashes, NDArray[np.int32]]:
        hashes = self._hashes or [np.zeros(0, np.uint64)]
        rows = self._rows or [np.zeros(0, np.int32)]
        return np.concatenate(hashes), np.concatenate(rows)

    def seal(self, weights: Reals, *, min_rows: int) -> "Occurrences":
        """Return all pairs of the n-grams in at least `min_rows` rows.

        weights: of the kept rows. Row i of the result is row i * step of the corpus.
        """
        hashes, rows = self._pairs()
        rows //= self.step
        known, gram, held = np.unique(hashes, return_inverse=True, return_counts=True)
        keep = held >= min_rows
        pairs = keep[gram]
        shapes = np.zeros(len(known), np.int16)
        for shape, some in self._shapes.items():
            shapes[np.isin(known, some)] = shape
        grams = (np.cumsum(keep) - 1)[gram[pairs]]
        return Occurrences(known[keep], shapes[keep], grams, rows[pairs], weights)


@dataclass(frozen=True)
class Occurrences:
    """(n-gram, row) pairs.

    hashes: (n-grams,) sorted. shapes: (n-grams,) 8 * view + order. grams, rows: (pairs,). weights:
    (rows,) the weight of each row; rows that answer one prompt share a weight of 1, because samples
    of one prompt are not independent evidence.
    """

    hashes: Hashes
    shapes: NDArray[np.int16]
    grams: Places
    rows: NDArray[np.int32]
    weights: Reals

    @cached_property
    def held(self) -> Any:
        """Return the sparse (n-grams, rows) incidence matrix."""
        from scipy.sparse import csr_array

        ones = np.ones(len(self.rows), np.float32)
        return csr_array(
            (ones, (self.grams, self.rows)), shape=(len(self.hashes), len(self.weights))
        )

    @cached_property
    def _by_row(self) -> Any:
        return self.held.T.tocsr()

    @property
    def orders(self) -> NDArray[np.int16]:
        """Return (n-grams,) the number of tokens of each n-gram."""
        return self.shapes % 8

    @property
    def views(self) -> NDArray[np.int16]:
        """Return (n-grams,) the view of each n-gram, as an index into VIEWS."""
        return self.shapes // 8

    def counts(self) -> Reals:
        """Return (n-grams,) the weighted number of rows of each n-gram."""
        counted: Reals = self.held @ self.weights
        return counted

    def counts_of(self, rows: Places) -> Reals:
        """Return (n-grams,) the part of each n-gram's count that the given rows contribute."""
        counted: Reals = self._by_row[rows].T @ self.weights[rows]
        return counted

    def rows_of(self, gram: int) -> Places:
        """Return the rows that hold an n-gram, in order."""
        low, high = self.held.indptr[gram : gram + 2]
        return np.sort(self.held.indices[low:high]).astype(np.int64)


def base_counts(occurrences: Occurrences, hashes: Hashes, weights: Reals) -> Reals:
    """Return (n-grams,) the weighted baseline rows of each n-gram.

    hashes, weights: (pairs,) the n-grams of the baseline's rows and the weights of these rows.
    """
    if not len(occurrences.hashes):
        return np.zeros(0)
    last = len(occurrences.hashes) - 1
    where = np.minimum(np.searchsorted(occurrences.hashes, hashes), last)
    hit = occurrences.hashes[where] == hashes
    counted = np.bincount(where[hit], weights=weights[hit], minlength=last + 1)
    return counted.astype(np.float64)
