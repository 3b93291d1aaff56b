"""What a detector returns: a pattern with the rows that hold it, or rows with a fault."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol

import numpy as np

from tasks.audit.batch import Batch
from tasks.audit.tokens import Hashes, Places

EXAMPLES = 5
"""Number of examples per finding."""
BEFORE = 30
"""Characters of context before an example."""
EXCERPT = 160
"""Length of an excerpt, in characters."""


class Example(NamedTuple):
    """An example, quoted from a row. pattern: the piece itself. excerpt: the piece with its
    surroundings.
    """

    pattern: str
    excerpt: str


Quote = Callable[[Batch, int], Example]
"""Returns the example of a finding in a row, given a batch and the row's place in it."""


@dataclass(frozen=True)
class Finding:
    """One finding of a detector.

    rows: all rows that hold it. quote: returns the example in a row. flags: the rows that are
    flagged for it. leak: it is producer state; otherwise it is only a fault. baseline_share: its
    share of the baseline rows, None without a baseline. cleared: a person has reviewed it and put
    it on the allow list. suspect: it may be producer state, but too few other rows are left for a
    comparison, so a person must review it.
    """

    detector: str
    rows: Places
    quote: Quote
    flags: Places
    leak: bool = True
    baseline_share: float | None = None
    cleared: bool = False
    suspect: bool = False


class Detector(Protocol):
    """Reads all rows twice, then returns its findings. Detectors do not depend on one another."""

    def learn(self, batch: Batch) -> None:
        """Read a batch in the first pass."""
        ...

    def look(self, batch: Batch) -> None:
        """Read a batch in the second pass."""
        ...

    def findings(self) -> list[Finding]:
        """Return the findings, those with the most rows first."""
        ...


@dataclass
class RowNotes:
    """Row numbers collected under a key, batch by batch."""

    rows: dict[str, list[int]] = field(default_factory=dict)

    def note(self, key: str, row: int) -> None:
        """Add a row to a key. Rows must come in order; a repeated row is ignored."""
        noted = self.rows.setdefault(key, [])
        if not noted or noted[-1] != row:
            noted.append(row)

    def widest_first(self) -> list[tuple[str, Places]]:
        """Return (key, rows) pairs, those with the most rows first."""
        return sorted(
            ((key, np.array(rows, np.int64)) for key, rows in self.rows.items()),
            key=lambda one: (-len(one[1]), one[0]),
        )


def quote_tokens(batch: Batch, row: int, low: int, high: int) -> Example:
    """Return the text of the tokens low … high - 1 of a row's think block. low, high: indices
    within the batch.
    """
    text, tokens = batch.texts("think")[row], batch.tokens
    raw, origin = text.encode(), batch.offset(row)
    ends = [
        int(tokens.starts[place]) - origin if place < tokens.bounds[row + 1] else len(raw)
        for place in (low, high)
    ]
    first, last = (len(raw[:end].decode(errors="ignore")) for end in ends)
    return excerpt_of(text, first, last)


def excerpt_of(text: str, first: int, last: int) -> Example:
    """Return characters first … last - 1 of a text, alone and with their surroundings."""
    low = max(first - BEFORE, 0)
    high = min(max(last, first + EXCERPT - BEFORE), len(text))
    excerpt = ("…" if low else "") + text[low:high] + ("…" if high < len(text) else "")
    return Example(" ".join(text[first:last].split())[:EXCERPT], " ".join(excerpt.split()))


def quote_gram(hashes: Hashes) -> Quote:
    """Return a function that quotes the first of these n-grams that a row holds."""

    def quote(batch: Batch, row: int) -> Example:
        low, high = batch.tokens.bounds[row : row + 2]
        for grams in batch.grams:
            inside = np.flatnonzero((grams.places >= low) & (grams.places < high))
            hit = inside[np.isin(grams.hashes[inside], hashes)]
            if len(hit):
                place = int(grams.places[hit[0]])
                return quote_tokens(batch, row, place, place + grams.order)
        return Example("", "")

    return quote


def quote_opening(batch: Batch, row: int) -> Example:
    """Return the beginning of the think block, or of the answer if the think block is empty."""
    text = batch.texts("think")[row] or batch.texts("answer")[row]
    return excerpt_of(text, 0, EXCERPT - BEFORE)
