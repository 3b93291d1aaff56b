"""n-grams that recur in a corpus far more often than in a baseline of the same teacher.

An n-gram is in c of n corpus rows and b of n_b baseline rows. If both are drawn alike, c given c +
b is binomial with probability n / (n + n_b). This is the exact conditional test (Przyborowski and
Wilenski 1940), with the correction of Benjamini and Hochberg (1995) over all n-grams that could be
significant at all (Tarone 1990). Patterns are taken one at a time. Each must account for rows that
no earlier pattern holds, so an n-gram that only occurs together with an earlier pattern stops being
significant.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from tasks.audit.batch import Rows, batches_of
from tasks.audit.counts import VIEWS, Counts, Grams, cell_of
from tasks.audit.discovery import false_discovery
from tasks.audit.occurrences import Occurrences
from tasks.audit.tokens import Flags, Hashes, Places

Reals = NDArray[np.float64]

LEVEL = 0.01
"""False discovery rate among n-grams."""
MIN_ROWS = 3
"""Fewest rows of a pattern."""
SURE = (0.99, 0.95)
"""Share of a pattern's rows that its rate in the baseline must leave unexplained. Patterns that
pass the first value are taken before the others.
"""
MAX_PATTERNS = 200
LARGEST_TOTAL = 1000
"""Largest c + b that is counted exactly."""


@dataclass(frozen=True)
class Tail:
    """The conditional test for a corpus and a baseline of given sizes, in rows."""

    rows: float
    baseline_rows: float

    def p(self, count: Reals, base: Reals) -> Reals:
        """Return the probability that at least `count` of `count + base` rows lie in the corpus.
        Both may be fractional.
        """
        from scipy.special import betainc

        share = self.rows / (self.rows + self.baseline_rows)
        return np.where(count > 0, betainc(np.maximum(count, 1e-9), base + 1.0, share), 1.0)

    def unexplained(self, count: Reals, base: Reals) -> Reals:
        """Return a lower bound of the share of the count that the baseline's rate does not
        explain.
        """
        expected = self.rows * (base + 0.5) / (self.baseline_rows + 1.0)
        share: Reals = 1.0 - expected / np.maximum(count, 1e-9)
        return share


class Screen:
    """The hashed cells whose n-grams need an exact count: enough rows, and far more than in the
    baseline.

    tested: number of n-grams per view that could be significant. Views are corrected separately, so
    that the many 4-grams do not weaken the test of the few single words.
    """

    def __init__(self, corpus: Counts, baseline: Counts) -> None:
        self.tail = Tail(corpus.rows, baseline.rows)
        bounds = [self._smallest_total(_at_least(corpus, baseline, view)) for view in VIEWS]
        self.tested = [tested for _, tested in bounds]
        self._wanted = {
            view: self._promising(corpus, baseline, view, least)
            for view, (least, _) in zip(VIEWS, bounds, strict=True)
        }

    def _smallest_total(self, at_least: NDArray[np.int64]) -> tuple[int, int]:
        """Return (total, tests): the smallest c + b at which one test can be significant, and the
        number of n-grams with at least this total. at_least: (LARGEST_TOTAL + 1,) number of cells
        by total.
        """
        share = self.tail.rows / (self.tail.rows + self.tail.baseline_rows)
        for total in range(MIN_ROWS, LARGEST_TOTAL):
            if share**total <= LEVEL * MAX_PATTERNS / max(int(at_least[total]), 1):
                break
        return total, max(int(at_least[total]), 1)

    def _promising(self, corpus: Counts, baseline: Counts, view: str, least: int) -> Flags:
        count, base = corpus.cells[view], baseline.cells[view]
        wanted = np.zeros(len(count), bool)
        enough = (count >= MIN_ROWS) & (count + base >= min(least, 2 * MIN_ROWS))
        likely = np.flatnonzero(enough)
        p = self.tail.p(count[likely].astype(float), base[likely].astype(float))
        wanted[likely[p <= LEVEL]] = True
        return wanted

    def select(self, grams: Grams) -> Places:
        """Return the indices of the n-grams that need an exact count."""
        cells = cell_of(grams.hashes, grams.view)
        chosen: Places = np.flatnonzero(self._wanted[grams.view][cells])
        return chosen


def _at_least(corpus: Counts, baseline: Counts, view: str) -> NDArray[np.int64]:
    """Return (LARGEST_TOTAL + 1,) the number of cells whose c + b is at least the index."""
    count = corpus.cells[view]
    held = np.flatnonzero(count)
    total = np.minimum(count[held] + baseline.cells[view][held], LARGEST_TOTAL)
    cells = np.bincount(total, minlength=LARGEST_TOTAL + 1)
    at_least: NDArray[np.int64] = np.cumsum(cells[::-1])[::-1]
    return at_least


@dataclass(frozen=True)
class Concentrated:
    """A pattern: its n-gram, the rows that hold it, its share of the baseline rows, and those of
    its rows that no earlier pattern holds.
    """

    gram: np.uint64
    rows: Places
    baseline_share: float
    accounts_for: Places


def concentrations(
    occurrences: Occurrences, base: Reals, tail: Tail, *, tested: Sequence[int]
) -> list[Concentrated]:
    """Return the patterns that account for the recurring n-grams: the surest first, then by rows.

    base: (n-grams,) weighted baseline rows of every n-gram. tested: number of tests per view.
    """
    count = occurrences.counts()
    alive = np.flatnonzero((count >= MIN_ROWS) & (tail.p(count, base) <= LEVEL))
    patterns: list[Concentrated] = []
    active = np.ones(len(occurrences.weights), bool)
    for sure in SURE:
        while len(patterns) < MAX_PATTERNS:
            left = Tail(float(occurrences.weights[active].sum()), tail.baseline_rows)
            alive = alive[count[alive] >= MIN_ROWS]
            p = left.p(count[alive], base[alive])
            significant = alive[_significant(p, occurrences.views[alive], tested)]
            gram = _widest(significant, count, base, left, sure, occurrences.orders)
            if gram is None:
                break
            rows = occurrences.rows_of(gram)
            new = rows[active[rows]]
            share = float(base[gram] / max(tail.baseline_rows, 1))
            patterns.append(Concentrated(occurrences.hashes[gram], rows, share, new))
            active[new] = False
            count = count - occurrences.counts_of(new)
    return patterns


def in_all_rows(corpus: Rows, patterns: list[Concentrated]) -> list[Concentrated]:
    """Return the patterns with all rows of the corpus that hold them.

    Call this if the patterns were found in a sample of the rows. It reads the corpus once more.
    """
    hashes = np.array([pattern.gram for pattern in patterns], np.uint64)
    order = np.argsort(hashes)
    pairs = [np.zeros((2, 0), np.int64)]
    for batch in batches_of(corpus):
        for grams in batch.grams:
            chosen = batch.with_unknown_tokens(grams, np.flatnonzero(np.isin(grams.hashes, hashes)))
            pattern = order[np.searchsorted(hashes[order], grams.hashes[chosen])]
            rows = batch.tokens.texts[grams.places[chosen]] + batch.first_row
            pairs.append(np.stack([pattern, rows]))
    held = np.unique(np.concatenate(pairs, axis=1), axis=1)
    taken, whole = np.zeros(0, np.int64), list[Concentrated]()
    for number, one in enumerate(patterns):
        rows = held[1][held[0] == number]
        whole.append(replace(one, rows=rows, accounts_for=np.setdiff1d(rows, taken)))
        taken = np.union1d(taken, rows)
    return whole


def significant_grams(
    occurrences: Occurrences, base: Reals, tail: Tail, *, tested: Sequence[int]
) -> Hashes:
    """Return the hashes of all n-grams that are significant by themselves, in a pattern or not."""
    count = occurrences.counts()
    significant = _significant(tail.p(count, base), occurrences.views, tested)
    significant &= tail.unexplained(count, base) >= SURE[-1]
    hashes: Hashes = occurrences.hashes[significant]
    return hashes


def _significant(p: Reals, views: NDArray[np.int16], tested: Sequence[int]) -> Flags:
    """Return (tests,) which tests are significant. The false discovery rate is bounded separately
    for each view (Sun, Craiu, Paterson and Bull 2006).
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
    """Return the index of the n-gram with the most rows among those that the baseline does not
    explain.

    Among equals, the longest n-gram wins. None if no n-gram is left.
    """
    enough = significant[left.unexplained(count[significant], base[significant]) >= sure]
    if not len(enough):
        return None
    return int(enough[np.lexsort((-orders[enough], -count[enough]))[0]])
