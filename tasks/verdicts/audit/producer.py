"""Producer values that came back in a trace: canaries prove it, and so do the values' own words where nothing else brings them up."""

import re
from collections import Counter
from collections.abc import Iterator
from functools import lru_cache

import numpy as np

from tasks.ngrams import ngrams, words
from tasks.verdicts.audit.batch import PRODUCER, Batch
from tasks.verdicts.audit.concentration import Tail
from tasks.verdicts.audit.found import Found, RowNotes, Seen, seen

PHRASE_WORDS = 3
VERBATIM_PHRASES = 3
"""Phrases of one value in one trace that prove an echo alone: three overlapping ones are five words in a row."""
LEVEL = 1e-3
"""Chance that a phrase is seen as often with its value by coincidence, at most."""
SAMPLE_ROWS = 3000
_CODED = re.compile(r"(?=[^ ]*\d)(?=[^ ]*[a-z])[^ ]{6,}|\d{5,}")


@lru_cache(maxsize=65536)
def phrases(value: str) -> tuple[str, ...]:
    """Return the runs of three words of a producer value, each between spaces; a shorter value is one phrase."""
    found = words(value)
    if len(found) < PHRASE_WORDS:
        return (f" {' '.join(found)} ",) if sum(map(len, found)) >= 2 else ()
    return tuple(f" {' '.join(run)} " for run in ngrams(found, PHRASE_WORDS))


def spaced(text: str) -> str:
    """Return the words of a text between single spaces."""
    return f" {' '.join(words(text))} "


class TaintDetector:
    """Phrases of the row's own producer values that stand in its trace and not in its prompt.

    A long verbatim run proves itself. A short phrase must be seen with its value more often than rows without the value explain (exact test).
    """

    def __init__(self, columns: tuple[str, ...]) -> None:
        self._columns = columns
        self._carried: Counter[str] = Counter()
        self._noted, self._proven = RowNotes(), RowNotes()
        self._sample: list[tuple[str, frozenset[str]]] = []

    def learn(self, batch: Batch) -> None:
        """Count the rows that carry each value."""
        for name in self._columns:
            self._carried.update(batch.texts(PRODUCER + name))

    def look(self, batch: Batch) -> None:
        """Note phrases of own values; keep a sample of rows to see how common a phrase is without its value."""
        values = [batch.texts(PRODUCER + name) for name in self._columns]
        for place, (think, prompt) in enumerate(
            zip(batch.texts("think"), batch.texts("prompt"), strict=True)
        ):
            text, own = spaced(think), [column[place] for column in values]
            if len(self._sample) < SAMPLE_ROWS:
                self._sample.append(
                    (text, frozenset(phrase for value in own for phrase in phrases(value)))
                )
            self._note(batch.first_row + place, text, prompt, own)

    def _note(self, row: int, text: str, prompt: str, own: list[str]) -> None:
        for value in own:
            if hits := [phrase for phrase in phrases(value) if phrase in text]:
                asked = spaced(prompt)
                hits = [phrase for phrase in hits if phrase not in asked]
                notes = self._proven if len(hits) >= VERBATIM_PHRASES else self._noted
                for phrase in hits:
                    notes.note(phrase, row)

    def found(self) -> list[Found]:
        """Return one finding for each phrase that came back, the widest first; a row is flagged under the first that holds it."""
        carried = self._carried_phrases()
        kept = [(phrase, rows) for phrase, rows in self._proven.widest_first()]
        kept += [
            (phrase, rows)
            for phrase, rows in self._noted.widest_first()
            if self._telling(phrase, len(rows), carried[phrase])
        ]
        return list(_one_reason_a_row(kept))

    def _carried_phrases(self) -> Counter[str]:
        carried: Counter[str] = Counter()
        for value, rows in self._carried.items():
            for phrase in set(phrases(value)):
                carried[phrase] += rows
        return carried

    def _telling(self, phrase: str, own: int, carried: int) -> bool:
        if _CODED.fullmatch(phrase.strip()):
            return True
        without = [phrase in text for text, of_own in self._sample if phrase not in of_own]
        if not without:
            return False
        return (
            float(
                Tail(carried, len(without)).p(
                    np.array([own], float), np.array([sum(without)], float)
                )[0]
            )
            <= LEVEL
        )


def _one_reason_a_row(
    kept: list[tuple[str, "np.ndarray[tuple[int], np.dtype[np.int64]]"]],
) -> Iterator[Found]:
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
        self._phrase = phrase

    def __call__(self, batch: Batch, row: int) -> Seen:
        text = f"{batch.texts('think')[row]}\n{batch.texts('answer')[row]}"
        match = self._pattern.search(text)
        return seen(text, match.start(), match.end()) if match else Seen(self._phrase, text[:160])


class CanaryDetector:
    """Canaries in think block or answer: the row's own, or another row's, which proves that state bled across rows."""

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
