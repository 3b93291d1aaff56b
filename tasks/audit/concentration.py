"""n-grams that recur in a corpus far beyond their rate in a baseline of the same teacher.

For an n-gram held by c of n rows and b of n_b baseline rows, c given c + b is binomial(n / (n +
n_b)) if both are drawn alike: the exact conditional test (Przyborowski and Wilenski 1940), with
Benjamini and Hochberg (1995) over the n-grams that could reach significance at all (Tarone 1990).
Patterns are then taken one at a time, each accounting for rows no earlier pattern holds; what only
rode along stops being significant.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from tasks.audit.batch import Rows, batches_of
from tasks.audit.counts import VIEWS, Counts, Grams, cell_of
from tasks.audit.discovery import false_discovery
from tasks.audit.sightings import Sightings
from tasks.audit.tokens import Flags, Hashes, Places

Reals = NDArray[np.float64]

LEVEL = 0.01
"""False discovery rate among n-grams."""
LEAST_ROWS = 3
SURE = (0.99, 0.95)
"""Share of a pattern's rows that its rate in the baseline must leave unexplained; the surest
patterns are taken first.
"""
MOST_PATTERNS = 200
LARGEST_TOTAL = 1000


@dataclass(frozen=True)
class Tail:
    """The conditional test for given sizes of corpus and baseline, in rows."""

    rows: float
    baseline_rows: float

    def p(self, count: Reals, base: Reals) -> Reals:
        """Return P(at least count of count + base fall into the corpus), continuous in both."""
        from scipy.special import betainc

        share = self.rows / (self.rows + self.baseline_rows)
        return np.where(count > 0, betainc(np.maximum(count, 1e-9), base + 1.0, share), 1.0)

    def unexplained(self, count: Reals, base: Reals) -> Reals:
        """Return the share of the count that the baseline's rate does not explain, at least."""
        share: Reals = 1.0 - self.rows * (base + 0.5) / (self.baseline_rows + 1.0) / np.maximum(
            count, 1e-9
        )
        return share


class Screen:
    """The cells worth a second look: enough rows, and far more than the baseline has.

    tested: of every view, how many n-grams could have been significant; the few words are not to
    pay for the many 4-grams.
    """

    def __init__(self, corpus: Counts, baseline: Counts) -> None:
        self.tail = Tail(corpus.rows, baseline.rows)
        bounds = [
            self._least_total(np.cumsum(_totals(corpus, baseline, view)[::-1])[::-1])
            for view in VIEWS
        ]
        self.tested = [tested for _, tested in bounds]
        self._wanted = {
            view: self._promising(corpus, baseline, view, least)
            for view, (least, _) in zip(VIEWS, bounds, strict=True)
        }

    def _least_total(self, at_least: NDArray[np.int64]) -> tuple[int, int]:
        """Return the smallest c + b at which one test could be significant among those that remain,
        and how many remain.
        """
        share = self.tail.rows / (self.tail.rows + self.tail.baseline_rows)
        for total in range(LEAST_ROWS, LARGEST_TOTAL):
            if share**total <= LEVEL * MOST_PATTERNS / max(int(at_least[total]), 1):
                break
        return total, max(int(at_least[total]), 1)

    def _promising(self, corpus: Counts, baseline: Counts, view: str, least: int) -> Flags:
        count, base = corpus.cells[view], baseline.cells[view]
        wanted = np.zeros(len(count), bool)
        likely = np.flatnonzero(
            (count >= LEAST_ROWS) & (count + base >= min(least, 2 * LEAST_ROWS))
        )
        wanted[
            likely[self.tail.p(count[likely].astype(float), base[likely].astype(float)) <= LEVEL]
        ] = True
        return wanted

    def select(self, grams: Grams) -> Places:
        """Return which of the n-grams lie in a cell worth it."""
        chosen: Places = np.flatnonzero(self._wanted[grams.view][cell_of(grams.hashes, grams.view)])
        return chosen


def _totals(corpus: Counts, baseline: Counts, view: str) -> NDArray[np.int64]:
    count = corpus.cells[view]
    held = np.flatnonzero(count)
    return np.bincount(
        np.minimum(count[held] + baseline.cells[view][held], LARGEST_TOTAL),
        minlength=LARGEST_TOTAL + 1,
    )


@dataclass(frozen=True)
class Concentrated:
    """A pattern: its n-gram, the rows that hold it, its share of the baseline, and the rows that no
    earlier pattern accounts for.
    """

    gram: np.uint64
    rows: Places
    baseline_share: float
    accounts_for: Places


def concentrations(
    sightings: Sightings, base: Reals, tail: Tail, *, tested: Sequence[int]
) -> list[Concentrated]:
    """Return the patterns that account for what recurs, widest first among the surest. base:
    weighted baseline rows of every n-gram.
    """
    count = sightings.counts()
    alive = np.flatnonzero((count >= LEAST_ROWS) & (tail.p(count, base) <= LEVEL))
    patterns: list[Concentrated] = []
    active = np.ones(len(sightings.weights), bool)
    for sure in SURE:
        while len(patterns) < MOST_PATTERNS:
            left = Tail(float(sightings.weights[active].sum()), tail.baseline_rows)
            alive = alive[count[alive] >= LEAST_ROWS]
            significant = alive[
                _significant(left.p(count[alive], base[alive]), sightings.views[alive], tested)
            ]
            gram = _widest(significant, count, base, left, sure, sightings.orders)
            if gram is None:
                break
            rows = sightings.rows_of(gram)
            new = rows[active[rows]]
            patterns.append(
                Concentrated(
                    sightings.hashes[gram],
                    rows,
                    float(base[gram] / max(tail.baseline_rows, 1)),
                    new,
                )
            )
            active[new] = False
            count = count - sightings.counts_of(new)
    return patterns


def everywhere(corpus: Rows, patterns: list[Concentrated]) -> list[Concentrated]:
    """Return the patterns that were found in a part of the rows with all their rows; one more pass."""
    hashes = np.array([pattern.gram for pattern in patterns], np.uint64)
    order = np.argsort(hashes)
    pairs = [np.zeros((2, 0), np.int64)]
    for batch in batches_of(corpus):
        for grams in batch.grams:
            chosen = batch.unprompted(grams, np.flatnonzero(np.isin(grams.hashes, hashes)))
            pattern = order[np.searchsorted(hashes[order], grams.hashes[chosen])]
            pairs.append(
                np.stack([pattern, batch.tokens.texts[grams.places[chosen]] + batch.first_row])
            )
    held = np.unique(np.concatenate(pairs, axis=1), axis=1)
    taken, whole = np.zeros(0, np.int64), list[Concentrated]()
    for number, one in enumerate(patterns):
        rows = held[1][held[0] == number]
        whole.append(replace(one, rows=rows, accounts_for=np.setdiff1d(rows, taken)))
        taken = np.union1d(taken, rows)
    return whole


def suspicious(sightings: Sightings, base: Reals, tail: Tail, *, tested: Sequence[int]) -> Hashes:
    """Return every n-gram that is significant by itself, whether or not a pattern names it."""
    count = sightings.counts()
    hashes: Hashes = sightings.hashes[
        _significant(tail.p(count, base), sightings.views, tested)
        & (tail.unexplained(count, base) >= SURE[-1])
    ]
    return hashes


def _significant(p: Reals, views: NDArray[np.int16], tested: Sequence[int]) -> Flags:
    """Return the significant ones, false discoveries bounded view by view (Sun, Craiu, Paterson and
    Bull 2006).
    """
    found = np.zeros(len(p), bool)
    for view, tests in enumerate(tested):
        of_view = np.flatnonzero(views == view)
        found[of_view[false_discovery(p[of_view], level=LEVEL, tests=tests)]] = True
    return found


def _widest(
    significant: Places,
    count: Reals,
    base: Reals,
    left: Tail,
    sure: float,
    orders: NDArray[np.int16],
) -> int | None:
    """Return the n-gram with the most rows among those that the baseline's rate leaves unexplained;
    of equals the longest.
    """
    enough = significant[left.unexplained(count[significant], base[significant]) >= sure]
    if not len(enough):
        return None
    return int(enough[np.lexsort((-orders[enough], -count[enough]))[0]])
