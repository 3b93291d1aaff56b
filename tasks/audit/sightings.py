"""Where the n-grams under suspicion were seen: exact rows and exact counts."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tasks.audit.counts import VIEWS, Grams
from tasks.audit.tokens import Hashes, Places, Tokens

Reals = NDArray[np.float64]


MOST_PAIRS = 8_000_000


class Gathering:
    """Takes (n-gram, row) pairs batch by batch. step: where pairs grow too many, only every step-th
    row is kept, and stands for those between.
    """

    def __init__(self) -> None:
        self._hashes: list[Hashes] = []
        self._rows: list[NDArray[np.int32]] = []
        self._shapes: dict[int, Hashes] = {}
        self._held, self.step = 0, 1

    def note(self, grams: Grams, chosen: Places, tokens: Tokens, *, first_row: int) -> None:
        """Keep the chosen n-grams of a batch whose first text is row first_row, once a row."""
        rows = tokens.texts[grams.places[chosen]] + first_row
        kept = rows % self.step == 0
        pairs = np.unique(
            np.stack([grams.hashes[chosen][kept], rows[kept].astype(np.uint64)]), axis=1
        )
        self._hashes.append(pairs[0])
        self._rows.append(pairs[1].astype(np.int32))
        shape = VIEWS.index(grams.view) * 8 + grams.order
        self._shapes[shape] = np.union1d(self._shapes.get(shape, np.zeros(0, np.uint64)), pairs[0])
        self._held += len(pairs[0])
        while self._held > MOST_PAIRS:
            self._thin()

    def _thin(self) -> None:
        self.step *= 2
        hashes, rows = self._pairs()
        kept = rows % self.step == 0
        self._hashes, self._rows, self._held = (
            [hashes[kept]],
            [rows[kept]],
            int(np.count_nonzero(kept)),
        )

    def _pairs(self) -> tuple[Hashes, NDArray[np.int32]]:
        return np.concatenate(self._hashes or [np.zeros(0, np.uint64)]), np.concatenate(
            self._rows or [np.zeros(0, np.int32)]
        )

    def seal(self, weights: Reals, *, least_rows: int) -> "Sightings":
        """Return all pairs whose n-gram has the least number of rows. weights: of the kept rows;
        row i of the sightings is row i * step.
        """
        hashes, rows = self._pairs()
        rows //= self.step
        known, gram, held = np.unique(hashes, return_inverse=True, return_counts=True)
        keep = held >= least_rows
        pairs = keep[gram]
        shapes = np.zeros(len(known), np.int16)
        for shape, some in self._shapes.items():
            shapes[np.isin(known, some)] = shape
        return Sightings(
            known[keep], shapes[keep], (np.cumsum(keep) - 1)[gram[pairs]], rows[pairs], weights
        )


@dataclass(frozen=True)
class Sightings:
    """Pairs (n-gram, row). hashes: (n-grams,) sorted. shapes: (n-grams,) view and order in one.
    grams, rows: (pairs,).

    weights: (rows of the corpus,) what a row counts; rows that answer one prompt share one count,
    so that samples are not taken for evidence.
    """

    hashes: Hashes
    shapes: NDArray[np.int16]
    grams: Places
    rows: NDArray[np.int32]
    weights: Reals

    @cached_property
    def held(self) -> Any:
        """Return the (n-grams, rows) incidence."""
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
        """Return n of every n-gram."""
        return self.shapes % 8

    @property
    def views(self) -> NDArray[np.int16]:
        """Return the view of every n-gram, by its place in VIEWS."""
        return self.shapes // 8

    def counts(self) -> Reals:
        """Return the weighted rows of every n-gram."""
        counted: Reals = self.held @ self.weights
        return counted

    def counts_of(self, rows: Places) -> Reals:
        """Return what the given rows contribute to every n-gram's count."""
        counted: Reals = self._by_row[rows].T @ self.weights[rows]
        return counted

    def rows_of(self, gram: int) -> Places:
        """Return the rows that hold an n-gram, in order."""
        low, high = self.held.indptr[gram : gram + 2]
        return np.sort(self.held.indices[low:high]).astype(np.int64)


def base_counts(sightings: Sightings, hashes: Hashes, weights: Reals) -> Reals:
    """Return the weighted count of each of the sightings' n-grams among (hash, weight) pairs of the
    baseline.
    """
    where = np.minimum(np.searchsorted(sightings.hashes, hashes), max(len(sightings.hashes) - 1, 0))
    hit = (
        sightings.hashes[where] == hashes if len(sightings.hashes) else np.zeros(len(hashes), bool)
    )
    counted: Reals = np.bincount(
        where[hit], weights=weights[hit], minlength=len(sightings.hashes)
    ).astype(float)
    return counted
