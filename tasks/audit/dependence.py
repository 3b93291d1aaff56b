"""n-grams of the trace that depend on a producer value. A producer draws its columns without
looking at the prompt, so what a teacher thinks must not know them: a test that needs no baseline,
and does not mind the teacher's style.

For an n-gram held by C rows, c of them among the share s of rows that carry a value: P(X >= c), X
binomial(C, s), with Benjamini and Hochberg over all pairs. A column that the prompts themselves
betray is no instrument (a family that decides the question decides the reasoning), nor is any
column where there are no prompts to tell: of those, only n-grams that spell the value count.
"""

from collections.abc import Iterator
from functools import cached_property
from typing import NamedTuple

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from tasks.audit.batch import PRODUCER, Batch, held_beside
from tasks.audit.counts import Grams, grams_of
from tasks.audit.discovery import false_discovery
from tasks.audit.found import Found, Seen, spell_tokens
from tasks.audit.sightings import Gathering
from tasks.audit.tokens import Flags, Hashes, Places, Tokens, exact_tokens

Reals = NDArray[np.float64]

MOST_VALUES, SAMPLE_ROWS = 60, 20_000
LEAST_ROWS, MOST_SHARE = 6, 0.9
LIFT, LEVEL, CONFOUNDED = 4.0, 0.01, 1e-6
LONGEST = {"opening": 4, "closing": 4, "1": 1, "2": 2}
"""Views looked at, and the longest n-gram of each."""
MOST_PATTERNS = 50


class Dependent(NamedTuple):
    """An n-gram that keeps company with a value of a column."""

    column: str
    value: str
    gram: np.uint64
    p: float


class _Text:
    """The n-grams of one text column in the first rows."""

    def __init__(self) -> None:
        self._gathering = Gathering()
        self.rows, self.empty = 0, True

    def add(self, tokens: Tokens, known: Flags) -> None:
        """Take a batch in. known: tokens that the row was given; n-grams of nothing else are left
        out.
        """
        for grams in _looked_at(tokens):
            self._gathering.note(grams, _new(grams, known), tokens, first_row=self.rows)
        self.rows += len(tokens.bounds) - 1
        self.empty = self.empty and not len(tokens.hashes)

    def dependents(self, column: str, values: list[str]) -> Iterator[Dependent]:
        """Yield the n-grams that depend on the column."""
        names, carried = np.unique(values[:: self._gathering.step], return_inverse=True)
        if not 1 < len(names) <= MOST_VALUES:
            return
        held, hashes = self._held
        one_hot = np.zeros((len(carried), len(names)))
        one_hot[np.arange(len(carried)), carried] = 1
        together, total, share = (
            held @ one_hot,
            np.asarray(held.sum(axis=1), float).ravel(),
            one_hot.mean(axis=0),
        )
        grams, of_value = np.nonzero(
            (together >= LEAST_ROWS) & (total < MOST_SHARE * len(carried))[:, None]
        )
        count = together[grams, of_value]
        p = _binomial_tail(count, total[grams], share[of_value])
        lifted = count / total[grams] >= np.minimum(LIFT, 0.9 / share[of_value]) * share[of_value]
        for place in np.flatnonzero(false_discovery(p, level=LEVEL) & lifted):
            yield Dependent(
                column, str(names[of_value[place]]), hashes[grams[place]], float(p[place])
            )

    @cached_property
    def _held(self) -> "tuple[NDArray[np.float64], Hashes]":
        sightings = self._gathering.seal(
            np.ones(-(-self.rows // self._gathering.step)), least_rows=LEAST_ROWS
        )
        return sightings.held, sightings.hashes


def _looked_at(tokens: Tokens) -> Iterator[Grams]:
    return (grams for grams in grams_of(tokens) if grams.order <= LONGEST.get(grams.view, 0))


def _binomial_tail(count: Reals, total: Reals, share: Reals) -> Reals:
    from scipy.special import betainc

    tail: Reals = betainc(count, total - count + 1, share)
    return tail


class DependenceDetector:
    """What a trace says that only a producer value can have told it."""

    def __init__(self, columns: tuple[str, ...]) -> None:
        self._columns = columns
        self._thinks, self._prompts = _Text(), _Text()
        self._values: list[list[str]] = [[] for _ in columns]
        self._dependents: list[Dependent] | None = None
        self._rows: dict[Dependent, list[Places]] = {}

    def learn(self, batch: Batch) -> None:
        """Take the first rows in."""
        if self._thinks.rows >= SAMPLE_ROWS:
            return
        thinks, prompts = (exact_tokens(batch.rows.column(name)) for name in ("think", "prompt"))
        self._thinks.add(thinks, held_beside(thinks, prompts))
        self._prompts.add(prompts, np.zeros(len(prompts.hashes), bool))
        for name, values in zip(self._columns, self._values, strict=True):
            values.extend(batch.texts(PRODUCER + name))

    def look(self, batch: Batch) -> None:
        """Note the rows that hold both a value and an n-gram that depends on it."""
        if self._dependents is None:
            self._dependents = [
                one
                for name, values in zip(self._columns, self._values, strict=True)
                for one in self._of(name, values)
            ]
        if not self._dependents:
            return
        tokens, prompts = (exact_tokens(batch.rows.column(name)) for name in ("think", "prompt"))
        known = held_beside(tokens, prompts)
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
        betrayed = self._prompts.empty or (
            any(one.p <= CONFOUNDED for one in self._prompts.dependents(column, values))
            if found
            else False
        )
        return [one for one in found if not betrayed or int(one.gram) in _spelled(one.value)]

    def found(self) -> list[Found]:
        """Return the dependent n-grams, widest first; a row is flagged under the first that holds
        it.
        """
        noted = sorted(
            ((one, np.concatenate(rows)) for one, rows in self._rows.items()),
            key=lambda pair: -len(pair[1]),
        )
        taken, kept = np.zeros(0, np.int64), list[Found]()
        for one, rows in noted:
            new = np.setdiff1d(rows, taken)
            if len(new) and len(kept) < MOST_PATTERNS:
                taken = np.union1d(taken, new)
                kept.append(Found("dependence", rows, _Speller(one), new))
        return kept


def _spelled(value: str) -> set[int]:
    """Return the hashes of the n-grams of a value, in every view: the value itself, or at least two
    words of it.
    """
    tokens = exact_tokens(pa.array([value]))
    return {
        int(one)
        for grams in _looked_at(tokens)
        if grams.order >= min(2, len(tokens.hashes))
        for one in grams.hashes
    }


def _new(grams: Grams, known: Flags) -> Places:
    """Return which n-grams hold a token that is not known."""
    new = np.concatenate([[0], np.cumsum(~known)])
    kept: Places = np.flatnonzero(new[grams.places + grams.order] > new[grams.places])
    return kept


class _Speller:
    """Spells a dependent n-gram as it stands in a row."""

    def __init__(self, dependent: Dependent) -> None:
        self._dependent = dependent

    def __call__(self, batch: Batch, row: int) -> Seen:
        tokens = exact_tokens(batch.rows.column("think"))
        low, high = tokens.bounds[row : row + 2]
        for grams in _looked_at(tokens):
            inside = np.flatnonzero(
                (grams.places >= low)
                & (grams.places < high)
                & (grams.hashes == self._dependent.gram)
            )
            if len(inside):
                place = int(grams.places[inside[0]])
                spelled = spell_tokens(batch, row, place, place + grams.order)
                return Seen(
                    f"{spelled.pattern} ({self._dependent.column} = {self._dependent.value})",
                    spelled.excerpt,
                )
        return Seen("", "")
