"""What a detector hands over: a pattern with the rows that hold it, or rows with a fault of their
own.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol

import numpy as np

from tasks.audit.batch import Batch
from tasks.audit.tokens import Hashes, Places

EXAMPLES, BEFORE, EXCERPT = 5, 30, 160


class Seen(NamedTuple):
    """An example in the text's own words. pattern: the piece itself. excerpt: the piece with what
    surrounds it.
    """

    pattern: str
    excerpt: str


Spell = Callable[[Batch, int], Seen]
"""From a batch and a row's place in it to what was found there."""


@dataclass(frozen=True)
class Found:
    """One finding. rows: all rows that hold it. flags: those it is the reason for. leak: producer
    state, not a mere fault.

    baseline_share: None where there was no baseline to look in. cleared: a person has looked at it
    and the allow list says so. suspect: it may be producer state; nothing that is left to compare
    with can tell, so a person must look.
    """

    detector: str
    rows: Places
    spell: Spell
    flags: Places
    leak: bool = True
    baseline_share: float | None = None
    cleared: bool = False
    suspect: bool = False


class Detector(Protocol):
    """Looks at every row twice, then says what it found. Detectors know nothing of one another."""

    def learn(self, batch: Batch) -> None:
        """Take a batch in, the first time over."""
        ...

    def look(self, batch: Batch) -> None:
        """Take a batch in, the second time over."""
        ...

    def found(self) -> list[Found]:
        """Return the findings, the widest first."""
        ...


@dataclass
class RowNotes:
    """Rows gathered under a key, batch by batch."""

    rows: dict[str, list[int]] = field(default_factory=dict)

    def note(self, key: str, row: int) -> None:
        """Add a row, in order and once."""
        noted = self.rows.setdefault(key, [])
        if not noted or noted[-1] != row:
            noted.append(row)

    def widest_first(self) -> list[tuple[str, Places]]:
        """Return (key, rows), most rows first."""
        return sorted(
            ((key, np.array(rows, np.int64)) for key, rows in self.rows.items()),
            key=lambda one: (-len(one[1]), one[0]),
        )


def spell_tokens(batch: Batch, row: int, low: int, high: int) -> Seen:
    """Return the text of the tokens low … high (numbers within the batch) of a row's think block."""
    text, tokens = batch.texts("think")[row], batch.tokens
    raw, origin = text.encode(), batch.offset(row)
    ends = [
        int(tokens.starts[place]) - origin if place < tokens.bounds[row + 1] else len(raw)
        for place in (low, high)
    ]
    first, last = (len(raw[:end].decode(errors="ignore")) for end in ends)
    return seen(text, first, last)


def seen(text: str, first: int, last: int) -> Seen:
    """Return characters first … last of a text, and the same with its surroundings."""
    low, high = max(first - BEFORE, 0), min(max(last, first + EXCERPT - BEFORE), len(text))
    excerpt = ("…" if low else "") + text[low:high] + ("…" if high < len(text) else "")
    return Seen(" ".join(text[first:last].split())[:EXCERPT], " ".join(excerpt.split()))


def spell_gram(hashes: Hashes) -> Spell:
    """Return a speller for n-grams: the first of them that the row holds."""

    def spell(batch: Batch, row: int) -> Seen:
        low, high = batch.tokens.bounds[row : row + 2]
        for grams in batch.grams:
            inside = np.flatnonzero((grams.places >= low) & (grams.places < high))
            hit = inside[np.isin(grams.hashes[inside], hashes)]
            if len(hit):
                place = int(grams.places[hit[0]])
                return spell_tokens(batch, row, place, place + grams.order)
        return Seen("", "")

    return spell


def spell_opening(batch: Batch, row: int) -> Seen:
    """Return how the think block begins."""
    text = batch.texts("think")[row] or batch.texts("answer")[row]
    return seen(text, 0, EXCERPT - BEFORE)
