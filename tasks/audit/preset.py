"""The four-gate preset: the regular expressions of a historic verifier, each written after a leak.
A record, and no floor.

Its patterns and shares: "The Trainer Was Fine, the Corpus Wasn't" (ai-field-notes, 2026).
"""

import re

from tasks.audit.batch import Batch
from tasks.audit.found import Found, RowNotes, Seen, Spell, seen, spell_opening

PRESETS = ("four-gate",)
PATTERNS = {
    "family_prefix": re.compile(r"^\s*(A[124]|E[12])(?=\s|:|\.|duplicate|spice)"),
    "duplicate_of": re.compile(r"\bduplicate of\b", re.IGNORECASE),
    "diversify_by": re.compile(r"\bdiversify by\b", re.IGNORECASE),
    "row_reference": re.compile(r"\bR\d{2,}\b"),
}
LEAST_CHARACTERS = 400
SHORT = "short_row"
GATES = (*PATTERNS, SHORT, "missing_think")


class FourGateDetector:
    """Known forms of one family of leaks, and rows too short to hold a chain of reasoning."""

    def __init__(self) -> None:
        self._notes, self._short = RowNotes(), RowNotes()

    def learn(self, batch: Batch) -> None:
        """Nothing is to be learned."""

    def look(self, batch: Batch) -> None:
        """Put every row before the gates."""
        for place, (think, answer) in enumerate(
            zip(batch.texts("think"), batch.texts("answer"), strict=True)
        ):
            for name, pattern in PATTERNS.items():
                if pattern.search(think):
                    self._notes.note(name, batch.first_row + place)
            if len(think) + len(answer) < LEAST_CHARACTERS:
                self._short.note(SHORT, batch.first_row + place)

    def found(self) -> list[Found]:
        """Return one finding a gate that some row fails."""
        leaks = [Found(name, rows, _spell(name), rows) for name, rows in self._notes.widest_first()]
        return leaks + [
            Found(SHORT, rows, spell_opening, rows, leak=False)
            for _, rows in self._short.widest_first()
        ]


def _spell(name: str) -> Spell:
    def spell(batch: Batch, row: int) -> Seen:
        text = batch.texts("think")[row]
        match = PATTERNS[name].search(text)
        return seen(text, match.start(), match.end()) if match else Seen("", "")

    return spell
