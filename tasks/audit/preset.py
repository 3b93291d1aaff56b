"""The four-gate preset: the regular expressions of an earlier verifier, each written after a leak.
It is kept for comparison with that verifier.

Its patterns and shares: "The Trainer Was Fine, the Corpus Wasn't" (ai-field-notes, 2026).
"""

import re

from tasks.audit.batch import Batch
from tasks.audit.finding import Example, Finding, Quote, RowNotes, excerpt_of, quote_opening

PRESETS = ("four-gate",)
PATTERNS = {
    "family_prefix": re.compile(r"^\s*(A[124]|E[12])(?=\s|:|\.|duplicate|spice)"),
    "duplicate_of": re.compile(r"\bduplicate of\b", re.IGNORECASE),
    "diversify_by": re.compile(r"\bdiversify by\b", re.IGNORECASE),
    "row_reference": re.compile(r"\bR\d{2,}\b"),
}
MIN_CHARACTERS = 400
SHORT = "short_row"
GATES = (*PATTERNS, SHORT, "missing_think")


class FourGateDetector:
    """Finds the known forms of one family of leaks, and rows too short to hold a chain of
    reasoning.
    """

    def __init__(self) -> None:
        self._notes, self._short = RowNotes(), RowNotes()

    def learn(self, batch: Batch) -> None:
        """Do nothing: the patterns are fixed."""

    def look(self, batch: Batch) -> None:
        """Apply the gates to every row."""
        texts = zip(batch.texts("think"), batch.texts("answer"), strict=True)
        for place, (think, answer) in enumerate(texts):
            for name, pattern in PATTERNS.items():
                if pattern.search(think):
                    self._notes.note(name, batch.first_row + place)
            if len(think) + len(answer) < MIN_CHARACTERS:
                self._short.note(SHORT, batch.first_row + place)

    def findings(self) -> list[Finding]:
        """Return one finding per gate that some row fails."""
        leaks = [
            Finding(name, rows, _quote(name), rows) for name, rows in self._notes.widest_first()
        ]
        return leaks + [
            Finding(SHORT, rows, quote_opening, rows, leak=False)
            for _, rows in self._short.widest_first()
        ]


def _quote(name: str) -> Quote:
    def quote(batch: Batch, row: int) -> Example:
        text = batch.texts("think")[row]
        match = PATTERNS[name].search(text)
        return excerpt_of(text, match.start(), match.end()) if match else Example("", "")

    return quote
