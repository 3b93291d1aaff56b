"""Producer values that came back in a trace: canaries prove it, and so do the values' own words
where nothing else brings them up.
"""

import re
from collections import Counter
from collections.abc import Iterator
from functools import lru_cache
from typing import NamedTuple

import numpy as np

from tasks.audit.batch import PRODUCER, Batch
from tasks.audit.concentration import Tail
from tasks.audit.dependence import MOST_VALUES
from tasks.audit.found import Found, RowNotes, Seen, seen
from tasks.audit.tokens import Places
from tasks.ngrams import ngrams, words

PHRASE_WORDS = 3
VERBATIM_PHRASES = 3
"""Phrases of one value in one trace that prove an echo alone: three overlapping ones are five words
in a row.
"""
LEVEL = 1e-3
"""Chance that a phrase is seen as often with its value by coincidence, at most."""
SAMPLE_ROWS = 3000
LONGEST_IN_PARTS, LEAST_LETTERS = 12, 3
"""Words of a value up to which its single words are looked for too, and letters that such a word
must have.
"""
LEAST_ROWS, PART_LEVEL, MOST_PARTS = 3, 1e-4, 400
"""Rows that must hold a part of their value; how rarely chance explains it; parts that are tested,
the commonest first.
"""
USUAL = 0.02
"""Share of the rows without a value that may hold its words, for the rows with it to be taken as
echoes.
"""
_CODED = re.compile(r"(?=[^ ]*\d)(?=[^ ]*[a-z])[^ ]{6,}|\d{5,}")


@lru_cache(maxsize=65536)
def parts(value: str) -> tuple[str, ...]:
    """Return the words and pairs of words of a value of two words and more, each between spaces;
    none of a long text.
    """
    found = words(value)
    if not 1 < len(found) <= LONGEST_IN_PARTS:
        return ()
    single = [word for word in found if len(word) >= LEAST_LETTERS]
    pairs = [] if len(found) < PHRASE_WORDS else [" ".join(run) for run in ngrams(found, 2)]
    return tuple(dict.fromkeys(f" {part} " for part in (*pairs, *single)))


@lru_cache(maxsize=65536)
def phrases(value: str) -> tuple[str, ...]:
    """Return the runs of three words of a producer value, each between spaces; a shorter value is
    one phrase.
    """
    found = words(value)
    if len(found) < PHRASE_WORDS:
        return (f" {' '.join(found)} ",) if sum(map(len, found)) >= 2 else ()
    return tuple(f" {' '.join(run)} " for run in ngrams(found, PHRASE_WORDS))


def spaced(text: str) -> str:
    """Return the words of a text between single spaces."""
    return f" {' '.join(words(text))} "


class TaintDetector:
    """Phrases of the row's own producer values that stand in its trace and not in its prompt.

    A long verbatim run proves itself. A short phrase must be seen with its value more often than
    rows without the value explain (exact test): by itself, or together with the column's other
    values. A value that all rows carry has no rows without it: then a person must look. Every
    column is judged by itself, so that one more column hides nothing that another betrays.
    """

    def __init__(self, columns: tuple[str, ...]) -> None:
        self._columns = {name: _Column() for name in columns}

    def learn(self, batch: Batch) -> None:
        """Count the rows that carry each value."""
        for name, column in self._columns.items():
            column.carried.update(batch.texts(PRODUCER + name))

    def look(self, batch: Batch) -> None:
        """Note phrases of own values; keep a sample of rows to see how common a phrase is without
        its value.
        """
        values = [batch.texts(PRODUCER + name) for name in self._columns]
        for place, (think, prompt) in enumerate(
            zip(batch.texts("think"), batch.texts("prompt"), strict=True)
        ):
            text = spaced(think)
            for column, own in zip(self._columns.values(), values, strict=True):
                column.look(batch.first_row + place, text, prompt, own[place])

    def found(self) -> list[Found]:
        """Return one finding for each phrase that came back, the widest first; a row is flagged
        under the first that holds it.
        """
        echoes, lone = list[_Echo](), list[_Echo]()
        for column in self._columns.values():
            of_column = column.echoes()
            echoes += of_column
            lone += column.lone({echo.phrase for echo in of_column})
        found = list(_one_reason_a_row(echoes))
        told = {one.spell.phrase for one in found if isinstance(one.spell, _Speller)}
        return found + [
            Found("taint", rows, _Speller(phrase.strip()), rows[:0], leak=False, suspect=True)
            for phrase, rows in lone
            if phrase.strip() not in told
        ]


class _Echo(NamedTuple):
    """A phrase of a producer value that came back, and the rows it came back in."""

    phrase: str
    rows: Places


class _Column:
    """What is known of one producer column. carried: value → rows."""

    def __init__(self) -> None:
        self.carried: Counter[str] = Counter()
        self._noted, self._proven, self._parted = RowNotes(), RowNotes(), RowNotes()
        self._sample: list[tuple[str, frozenset[str]]] = []

    def look(self, row: int, text: str, prompt: str, value: str) -> None:
        """Note the phrases of a row's value that its trace holds and its prompt does not."""
        of_value, of_parts = phrases(value), parts(value)
        if len(self._sample) < SAMPLE_ROWS:
            self._sample.append((text, frozenset((*of_value, *of_parts))))
        hits = [phrase for phrase in of_value if phrase in text]
        pieces = [part for part in of_parts if part in text]
        if not (hits or pieces):
            return
        asked = spaced(prompt)
        hits = [phrase for phrase in hits if phrase not in asked]
        notes = self._proven if len(hits) >= VERBATIM_PHRASES else self._noted
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
            if phrase in pooled or self._telling(phrase, len(rows), carried[phrase], LEVEL):
                kept.append(_Echo(phrase, rows))
        for part, rows in self._parted.widest_first()[:MOST_PARTS]:
            rare = len(rows) >= LEAST_ROWS and np.mean(self._without(part) or [True]) <= USUAL
            if rare and self._telling(part, len(rows), carried[part], PART_LEVEL):
                kept.append(_Echo(part, rows))
        return kept

    def lone(self, told: set[str]) -> list[_Echo]:
        """Return the other phrases of values that all rows carry: no row is left to compare with."""
        return [
            _Echo(phrase, rows)
            for phrase, rows in self._noted.widest_first()
            if len(rows) >= LEAST_ROWS and phrase not in told and not self._without(phrase)
        ]

    def _carried_phrases(self) -> Counter[str]:
        carried: Counter[str] = Counter()
        for value, rows in self.carried.items():
            for phrase in {*phrases(value), *parts(value)}:
                carried[phrase] += rows
        return carried

    def _without(self, phrase: str) -> list[bool]:
        """Return for every sampled row that does not carry a phrase whether it holds it."""
        return [phrase in text for text, own in self._sample if phrase not in own]

    def _pooled(self) -> set[str]:
        """Return the short values of a column whose values all together keep to their own rows."""
        if not 1 < len(self.carried) <= MOST_VALUES:
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

    def _telling(self, phrase: str, own: int, carried: int, level: float) -> bool:
        if _CODED.fullmatch(phrase.strip()):
            return True
        without = self._without(phrase)
        if not without:
            return False
        test = Tail(carried, len(without))
        return float(test.p(np.array([own], float), np.array([sum(without)], float))[0]) <= level


def _one_reason_a_row(kept: list[_Echo]) -> Iterator[Found]:
    taken = np.zeros(0, np.int64)
    for phrase, rows in kept:
        new = np.setdiff1d(rows, taken)
        if len(new):
            taken = np.union1d(taken, new)
            yield Found("taint", rows, _Speller(phrase.strip()), new)


class _Speller:
    """Finds a phrase again in the text it was read from, whatever stands between its words."""

    def __init__(self, phrase: str) -> None:
        self._pattern = re.compile(r"[\W_]+".join(map(re.escape, phrase.split())), re.IGNORECASE)
        self.phrase = phrase

    def __call__(self, batch: Batch, row: int) -> Seen:
        text = f"{batch.texts('think')[row]}\n{batch.texts('answer')[row]}"
        match = self._pattern.search(text)
        return seen(text, match.start(), match.end()) if match else Seen(self.phrase, text[:160])


class CanaryDetector:
    """Canaries in think block or answer: the row's own, or another row's, which proves that state
    bled across rows.
    """

    def __init__(self, columns: tuple[str, ...]) -> None:
        self._columns = tuple(name for name in columns if "canary" in name.lower())
        self._all: set[str] = set()
        self._own, self._foreign = RowNotes(), RowNotes()

    def learn(self, batch: Batch) -> None:
        """Learn every row's canaries."""
        for name in self._columns:
            self._all.update(value for value in batch.texts(PRODUCER + name) if value)

    def look(self, batch: Batch) -> None:
        """Note rows with a canary that their prompt does not hold."""
        own = [batch.texts(PRODUCER + name) for name in self._columns]
        for place, (think, answer, prompt) in enumerate(
            zip(*(batch.texts(name) for name in ("think", "answer", "prompt")), strict=True)
        ):
            text = f"{think}\n{answer}"
            mine = {column[place] for column in own if column[place]}
            for canary in mine:
                if canary in text and canary not in prompt:
                    self._own.note(canary, batch.first_row + place)
            for canary in self._all.intersection(_CANARY_LIKE.findall(text)) if self._all else ():
                if canary not in mine and canary not in prompt:
                    self._foreign.note(canary, batch.first_row + place)

    def found(self) -> list[Found]:
        """Return all own canaries as one finding, all foreign ones as another."""
        return [*_together("canary", self._own), *_together("foreign_canary", self._foreign)]


_CANARY_LIKE = re.compile(r"[\w\-]{4,}")


def _together(detector: str, notes: RowNotes) -> Iterator[Found]:
    if notes.rows:
        rows = np.unique(np.concatenate([np.array(rows, np.int64) for rows in notes.rows.values()]))
        first = min(notes.rows, key=lambda canary: notes.rows[canary][0])
        yield Found(detector, rows, _Speller(first), rows)
