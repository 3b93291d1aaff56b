"""Producer values that occur in a trace. A canary proves a leak. So do the words of a value if
nothing else explains them.
"""

import re
from collections import Counter
from collections.abc import Iterator
from functools import lru_cache
from typing import NamedTuple

import numpy as np

from tasks.audit.batch import PRODUCER, Batch
from tasks.audit.concentration import Tail
from tasks.audit.dependence import MAX_VALUES
from tasks.audit.finding import Example, Finding, RowNotes, excerpt_of
from tasks.audit.tokens import Places
from tasks.ngrams import ngrams, words

PHRASE_WORDS = 3
"""Words of a phrase."""
VERBATIM_PHRASES = 3
"""Phrases of one value in one trace that alone prove an echo. Three overlapping phrases are five
words in a row.
"""
LEVEL = 1e-3
"""p-value up to which a phrase occurs together with its value more often than by chance."""
SAMPLE_ROWS = 3000
"""Rows that are kept to measure how common a phrase is without its value."""
LONGEST_IN_PARTS = 12
"""Most words of a value whose single words are searched too."""
MIN_LETTERS = 3
"""Fewest letters of such a word."""
MIN_ROWS = 3
"""Fewest rows that must hold a part of their value."""
PART_LEVEL = 1e-4
"""p-value for parts."""
MAX_PARTS = 400
"""Most parts that are tested, the commonest first."""
USUAL = 0.02
"""Rows with a value count as echoes only if at most this share of the other rows has its words."""
_CODED = re.compile(r"(?=[^ ]*\d)(?=[^ ]*[a-z])[^ ]{6,}|\d{5,}")
"""A word that looks like a code or a long number."""
_CANARY_LIKE = re.compile(r"[\w\-]{4,}")


@lru_cache(maxsize=65536)
def parts(value: str) -> tuple[str, ...]:
    """Return the words and pairs of words of a value, each between spaces.

    The result is () for a value of one word and for a long text.
    """
    found = words(value)
    if not 1 < len(found) <= LONGEST_IN_PARTS:
        return ()
    single = [word for word in found if len(word) >= MIN_LETTERS]
    pairs = [] if len(found) < PHRASE_WORDS else [" ".join(run) for run in ngrams(found, 2)]
    return tuple(dict.fromkeys(f" {part} " for part in (*pairs, *single)))


@lru_cache(maxsize=65536)
def phrases(value: str) -> tuple[str, ...]:
    """Return the runs of three words of a producer value, each between spaces. A shorter value is
    one phrase.
    """
    found = words(value)
    if len(found) < PHRASE_WORDS:
        return (f" {' '.join(found)} ",) if sum(map(len, found)) >= 2 else ()
    return tuple(f" {' '.join(run)} " for run in ngrams(found, PHRASE_WORDS))


def spaced(text: str) -> str:
    """Return the words of a text, separated and enclosed by single spaces."""
    return f" {' '.join(words(text))} "


class TaintDetector:
    """Finds phrases of the row's own producer values that occur in its trace but not in its prompt.

    A long verbatim run is a proof. A short phrase must occur with its value more often than the
    rows without the value explain (exact test), by itself or together with the column's other
    values. If all rows carry the value, there is no row without it, and a person must review the
    phrase. Every column is tested separately, so an additional column does not hide what another
    one shows.
    """

    def __init__(self, columns: tuple[str, ...]) -> None:
        self._columns = {name: _Column() for name in columns}

    def learn(self, batch: Batch) -> None:
        """Count the rows that carry each value."""
        for name, column in self._columns.items():
            column.carried.update(batch.texts(PRODUCER + name))

    def look(self, batch: Batch) -> None:
        """Note the phrases of own values, and keep a sample of rows to measure how common a phrase
        is without its value.
        """
        values = [batch.texts(PRODUCER + name) for name in self._columns]
        texts = zip(batch.texts("think"), batch.texts("prompt"), strict=True)
        for place, (think, prompt) in enumerate(texts):
            text = spaced(think)
            for column, own in zip(self._columns.values(), values, strict=True):
                column.look(batch.first_row + place, text, prompt, own[place])

    def findings(self) -> list[Finding]:
        """Return one finding per phrase, those with the most rows first. A row is flagged under the
        first phrase that it holds.
        """
        echoes, untestable = list[_Echo](), list[_Echo]()
        for column in self._columns.values():
            of_column = column.echoes()
            echoes += of_column
            untestable += column.untestable({echo.phrase for echo in of_column})
        found = list(_one_reason_per_row(echoes))
        known = {one.quote.phrase for one in found if isinstance(one.quote, _Quoter)}
        others = [echo for echo in untestable if echo.phrase.strip() not in known]
        return [*found, *map(_suspect, others)]


class _Echo(NamedTuple):
    """A phrase of a producer value, and the rows whose trace holds it."""

    phrase: str
    rows: Places


class _Column:
    """The values and phrases of one producer column. carried: value → number of rows."""

    def __init__(self) -> None:
        self.carried: Counter[str] = Counter()
        self._noted, self._proven, self._parted = RowNotes(), RowNotes(), RowNotes()
        self._sample: list[tuple[str, frozenset[str]]] = []

    def look(self, row: int, text: str, prompt: str, value: str) -> None:
        """Note the phrases of a row's value that are in its trace but not in its prompt."""
        of_value, of_parts = phrases(value), parts(value)
        if len(self._sample) < SAMPLE_ROWS:
            self._sample.append((text, frozenset((*of_value, *of_parts))))
        hits = [phrase for phrase in of_value if phrase in text]
        pieces = [part for part in of_parts if part in text]
        if not (hits or pieces):
            return
        asked = spaced(prompt)
        hits = [phrase for phrase in hits if phrase not in asked]
        is_verbatim = len(hits) >= VERBATIM_PHRASES
        notes = self._proven if is_verbatim else self._noted
        for phrase in hits:
            notes.note(phrase, row)
        for part in pieces:
            if part not in asked:
                self._parted.note(part, row)

    def echoes(self) -> list[_Echo]:
        """Return the phrases that only their values explain."""
        carried, pooled = self._carried_phrases(), self._pooled()
        kept = [_Echo(phrase, rows) for phrase, rows in self._proven.widest_first()]
        for phrase, rows in self._noted.widest_first():
            if phrase in pooled or self._is_significant(phrase, len(rows), carried[phrase], LEVEL):
                kept.append(_Echo(phrase, rows))
        for part, rows in self._parted.widest_first()[:MAX_PARTS]:
            rare = len(rows) >= MIN_ROWS and np.mean(self._without(part) or [True]) <= USUAL
            if rare and self._is_significant(part, len(rows), carried[part], PART_LEVEL):
                kept.append(_Echo(part, rows))
        return kept

    def untestable(self, known: set[str]) -> list[_Echo]:
        """Return the other phrases of values that all rows carry, so that no row is left for a
        comparison.
        """
        return [
            _Echo(phrase, rows)
            for phrase, rows in self._noted.widest_first()
            if len(rows) >= MIN_ROWS and phrase not in known and not self._without(phrase)
        ]

    def _carried_phrases(self) -> Counter[str]:
        carried: Counter[str] = Counter()
        for value, rows in self.carried.items():
            for phrase in {*phrases(value), *parts(value)}:
                carried[phrase] += rows
        return carried

    def _without(self, phrase: str) -> list[bool]:
        """Return for every sampled row without the phrase in its value whether its trace holds the
        phrase.
        """
        return [phrase in text for text, own in self._sample if phrase not in own]

    def _pooled(self) -> set[str]:
        """Return the short values of a column if all of them together occur mainly in their own
        rows.
        """
        if not 1 < len(self.carried) <= MAX_VALUES:
            return set()
        short = [found[0] for value in self.carried if len(found := phrases(value)) == 1]
        own = {phrase: len(self._noted.rows.get(phrase, ())) for phrase in short}
        held = {phrase: self._without(phrase) for phrase, rows in own.items() if rows}
        usual = [phrase for phrase, others in held.items() if others and np.mean(others) <= USUAL]
        echoes = sum(own[phrase] for phrase in usual)
        chance = sum(sum(held[phrase]) for phrase in usual)
        if not echoes:
            return set()
        from scipy.special import betainc

        most = max(self.carried.values()) / sum(self.carried.values())
        return set(usual) if float(betainc(echoes, chance + 1, most)) <= LEVEL else set()

    def _is_significant(self, phrase: str, own: int, carried: int, level: float) -> bool:
        if _CODED.fullmatch(phrase.strip()):
            return True
        without = self._without(phrase)
        if not without:
            return False
        count, others = np.array([own], float), np.array([sum(without)], float)
        p = Tail(carried, len(without)).p(count, others)
        return float(p[0]) <= level


def _suspect(echo: _Echo) -> Finding:
    quote = _Quoter(echo.phrase.strip())
    return Finding("taint", echo.rows, quote, echo.rows[:0], leak=False, suspect=True)


def _one_reason_per_row(kept: list[_Echo]) -> Iterator[Finding]:
    taken = np.zeros(0, np.int64)
    for phrase, rows in kept:
        new = np.setdiff1d(rows, taken)
        if len(new):
            taken = np.union1d(taken, new)
            yield Finding("taint", rows, _Quoter(phrase.strip()), new)


class _Quoter:
    """Quotes a phrase from the text, with any punctuation between its words."""

    def __init__(self, phrase: str) -> None:
        self._pattern = re.compile(r"[\W_]+".join(map(re.escape, phrase.split())), re.IGNORECASE)
        self.phrase = phrase

    def __call__(self, batch: Batch, row: int) -> Example:
        text = f"{batch.texts('think')[row]}\n{batch.texts('answer')[row]}"
        if match := self._pattern.search(text):
            return excerpt_of(text, match.start(), match.end())
        return Example(self.phrase, text[:160])


class CanaryDetector:
    """Finds canaries in think blocks or answers: the row's own, or another row's, which proves that
    state crossed rows.
    """

    def __init__(self, columns: tuple[str, ...]) -> None:
        self._columns = tuple(name for name in columns if "canary" in name.lower())
        self._all: set[str] = set()
        self._own, self._foreign = RowNotes(), RowNotes()

    def learn(self, batch: Batch) -> None:
        """Learn the canaries of all rows."""
        for name in self._columns:
            self._all.update(value for value in batch.texts(PRODUCER + name) if value)

    def look(self, batch: Batch) -> None:
        """Note the rows with a canary that their prompt does not hold."""
        own = [batch.texts(PRODUCER + name) for name in self._columns]
        columns = [batch.texts(name) for name in ("think", "answer", "prompt")]
        for place, (think, answer, prompt) in enumerate(zip(*columns, strict=True)):
            text = f"{think}\n{answer}"
            mine = {column[place] for column in own if column[place]}
            for canary in mine:
                if canary in text and canary not in prompt:
                    self._own.note(canary, batch.first_row + place)
            for canary in self._all.intersection(_CANARY_LIKE.findall(text)) if self._all else ():
                if canary not in mine and canary not in prompt:
                    self._foreign.note(canary, batch.first_row + place)

    def findings(self) -> list[Finding]:
        """Return one finding with the rows' own canaries, one with those of other rows."""
        return [*_together("canary", self._own), *_together("foreign_canary", self._foreign)]


def _together(detector: str, notes: RowNotes) -> Iterator[Finding]:
    if notes.rows:
        noted = [np.array(rows, np.int64) for rows in notes.rows.values()]
        rows = np.unique(np.concatenate(noted))
        first = min(notes.rows, key=lambda canary: notes.rows[canary][0])
        yield Finding(detector, rows, _Quoter(first), rows)
