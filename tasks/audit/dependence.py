"""n-grams of the trace that depend on a producer value.

A producer draws its values without a look at the prompt, so the reasoning of a teacher that does
not see them is independent of them. This test needs no baseline, and the teacher's style does not
matter.

An n-gram is in C rows. c of these rows are among the share s of all rows that carry a value. The
p-value is P(X >= c) for X binomial(C, s), with the correction of Benjamini and Hochberg over all
pairs. If the prompts themselves depend on a column (a family that decides the question also decides
the reasoning), or if there are no prompts to check this, only n-grams from the words of the value
count.
"""

from collections.abc import Iterator
from functools import cached_property
from itertools import chain
from typing import NamedTuple

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from tasks.audit.batch import PRODUCER, Batch, also_in
from tasks.audit.counts import Grams, grams_of
from tasks.audit.discovery import false_discovery
from tasks.audit.finding import Example, Finding, quote_tokens
from tasks.audit.occurrences import OccurrenceCollector
from tasks.audit.tokens import Flags, Hashes, Places, Tokens, exact_tokens

Reals = NDArray[np.float64]

MAX_VALUES = 60
"""Most different values that a column may have to be tested."""
SAMPLE_ROWS = 20_000
"""First rows that the test uses."""
MIN_ROWS = 6
"""Fewest rows that must hold both the n-gram and the value."""
MAX_SHARE = 0.9
"""An n-gram in a larger share of the rows is not tested."""
LIFT = 4.0
"""Factor by which the value must be more frequent among the rows with the n-gram."""
LEVEL = 0.01
"""False discovery rate among pairs of n-gram and value."""
CONFOUNDED = 1e-6
"""p-value up to which the prompts themselves depend on a column."""
LONGEST = {"opening": 4, "closing": 4, "1": 1, "2": 2}
"""The tested views, and the longest n-gram of each."""
MAX_PATTERNS = 50


class Dependent(NamedTuple):
    """An n-gram that depends on a value of a column."""

    column: str
    value: str
    gram: np.uint64
    p: float


class _TextColumn:
    """The n-grams of one text column in the first rows."""

    def __init__(self) -> None:
        self._collector = OccurrenceCollector()
        self.rows, self.empty = 0, True

    def add(self, tokens: Tokens, known: Flags) -> None:
        """Add a batch. known: (tokens,) tokens that the row was given. n-grams of known tokens only
        are left out.
        """
        for grams in _looked_at(tokens):
            self._collector.note(grams, _new(grams, known), tokens, first_row=self.rows)
        self.rows += len(tokens.bounds) - 1
        self.empty = self.empty and not len(tokens.hashes)

    def dependents(self, column: str, values: list[str]) -> Iterator[Dependent]:
        """Yield the n-grams that depend on the column. values: the column's value in every row."""
        names, carried = np.unique(values[:: self._collector.step], return_inverse=True)
        if not 1 < len(names) <= MAX_VALUES:
            return
        held, hashes = self._held
        one_hot = np.zeros((len(carried), len(names)))
        one_hot[np.arange(len(carried)), carried] = 1
        together = held @ one_hot
        total = np.asarray(held.sum(axis=1), float).ravel()
        share = one_hot.mean(axis=0)
        rare = total < MAX_SHARE * len(carried)
        grams, of_value = np.nonzero((together >= MIN_ROWS) & rare[:, None])
        count = together[grams, of_value]
        p = _binomial_tail(count, total[grams], share[of_value])
        lift = np.minimum(LIFT, 0.9 / share[of_value])
        lifted = count / total[grams] >= lift * share[of_value]
        for place in np.flatnonzero(false_discovery(p, level=LEVEL) & lifted):
            value = str(names[of_value[place]])
            yield Dependent(column, value, hashes[grams[place]], float(p[place]))

    @cached_property
    def _held(self) -> "tuple[NDArray[np.float64], Hashes]":
        weights = np.ones(-(-self.rows // self._collector.step))
        occurrences = self._collector.seal(weights, min_rows=MIN_ROWS)
        return occurrences.held, occurrences.hashes


def _looked_at(tokens: Tokens) -> Iterator[Grams]:
    return (grams for grams in grams_of(tokens) if grams.order <= LONGEST.get(grams.view, 0))


def _binomial_tail(count: Reals, total: Reals, share: Reals) -> Reals:
    from scipy.special import betainc

    tail: Reals = betainc(count, total - count + 1, share)
    return tail


class DependenceDetector:
    """Finds n-grams in traces that depend on a producer value."""

    def __init__(self, columns: tuple[str, ...]) -> None:
        self._columns = columns
        self._thinks, self._prompts = _TextColumn(), _TextColumn()
        self._values: list[list[str]] = [[] for _ in columns]
        self._dependents: list[Dependent] | None = None
        self._rows: dict[Dependent, list[Places]] = {}

    def learn(self, batch: Batch) -> None:
        """Add the first rows."""
        if self._thinks.rows >= SAMPLE_ROWS:
            return
        thinks, prompts = (exact_tokens(batch.rows.column(name)) for name in ("think", "prompt"))
        self._thinks.add(thinks, also_in(thinks, prompts))
        self._prompts.add(prompts, np.zeros(len(prompts.hashes), bool))
        for name, values in zip(self._columns, self._values, strict=True):
            values.extend(batch.texts(PRODUCER + name))

    def look(self, batch: Batch) -> None:
        """Note the rows that hold both a value and an n-gram that depends on it."""
        if self._dependents is None:
            columns = zip(self._columns, self._values, strict=True)
            found = [self._of(name, values) for name, values in columns]
            self._dependents = list(chain.from_iterable(found))
        if not self._dependents:
            return
        tokens, prompts = (exact_tokens(batch.rows.column(name)) for name in ("think", "prompt"))
        known = also_in(tokens, prompts)
        held = {
            (int(value), int(row))
            for grams in _looked_at(tokens)
            for value, row in self._hits(grams, tokens, known)
        }
        values = {name: batch.texts(PRODUCER + name) for name in self._columns}
        for one in self._dependents:
            rows = [
                row
                for row, value in enumerate(values[one.column])
                if value == one.value and (int(one.gram), row) in held
            ]
            self._rows.setdefault(one, []).append(np.array(rows, np.int64) + batch.first_row)

    def _hits(
        self, grams: Grams, tokens: Tokens, known: Flags
    ) -> Iterator[tuple[np.uint64, np.int64]]:
        wanted = np.array([one.gram for one in self._dependents or []], np.uint64)
        new = _new(grams, known)
        hit = new[np.isin(grams.hashes[new], wanted)]
        return zip(grams.hashes[hit], tokens.texts[grams.places[hit]], strict=True)

    def _of(self, column: str, values: list[str]) -> list[Dependent]:
        found = list(self._thinks.dependents(column, values))
        if found and self._prompts_depend_on(column, values):
            return [one for one in found if int(one.gram) in _grams_of_value(one.value)]
        return found

    def _prompts_depend_on(self, column: str, values: list[str]) -> bool:
        """Return whether the prompts depend on a column, or there are no prompts to check this."""
        if self._prompts.empty:
            return True
        return any(one.p <= CONFOUNDED for one in self._prompts.dependents(column, values))

    def findings(self) -> list[Finding]:
        """Return the dependent n-grams, those with the most rows first. A row is flagged under the
        first n-gram that it holds.
        """
        noted = sorted(
            ((one, np.concatenate(rows)) for one, rows in self._rows.items()),
            key=lambda pair: -len(pair[1]),
        )
        taken, kept = np.zeros(0, np.int64), list[Finding]()
        for one, rows in noted:
            new = np.setdiff1d(rows, taken)
            if len(new) and len(kept) < MAX_PATTERNS:
                taken = np.union1d(taken, new)
                kept.append(Finding("dependence", rows, _Quoter(one), new))
        return kept


def _grams_of_value(value: str) -> set[int]:
    """Return the hashes of a value's n-grams in every view: the value itself, or at least two words
    of it.
    """
    tokens = exact_tokens(pa.array([value]))
    return {
        int(one)
        for grams in _looked_at(tokens)
        if grams.order >= min(2, len(tokens.hashes))
        for one in grams.hashes
    }


def _new(grams: Grams, known: Flags) -> Places:
    """Return the indices of the n-grams that hold at least one token that is not known."""
    new = np.concatenate([[0], np.cumsum(~known)])
    kept: Places = np.flatnonzero(new[grams.places + grams.order] > new[grams.places])
    return kept


class _Quoter:
    """Quotes a dependent n-gram from a row."""

    def __init__(self, dependent: Dependent) -> None:
        self._dependent = dependent

    def __call__(self, batch: Batch, row: int) -> Example:
        tokens = exact_tokens(batch.rows.column("think"))
        low, high = tokens.bounds[row : row + 2]
        for grams in _looked_at(tokens):
            in_row = (grams.places >= low) & (grams.places < high)
            inside = np.flatnonzero(in_row & (grams.hashes == self._dependent.gram))
            if len(inside):
                place = int(grams.places[inside[0]])
                quoted = quote_tokens(batch, row, place, place + grams.order)
                cause = f"{self._dependent.column} = {self._dependent.value}"
                return Example(f"{quoted.pattern} ({cause})", quoted.excerpt)
        return Example("", "")
