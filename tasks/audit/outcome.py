"""The outcome of an audit: the verdict, the patterns with their evidence, and the flagged rows. Its
JSON form is a stable interface.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Literal, NamedTuple

import numpy as np
import orjson
import pyarrow as pa
from numpy.typing import NDArray

from tasks.audit.power import power

MAX_PATTERNS = 100
SUSPECT = "suspect_"
"""Prefix of the detector's name in the JSON if a person must review the pattern."""
SHIFTED = (
    "Corpus and baseline are of different kinds (another teacher, or other tasks): the rows differ "
    "even without the recurring patterns. So the patterns under shift prove no leak and flag no "
    "row. Give a baseline of the same teacher on the same tasks to test them."
)
"""Shown if the baseline is not comparable with the corpus."""

Verdict = Literal["clean", "leak", "suspect", "fault"]


class Evidence(NamedTuple):
    """A pattern in the form of the JSON interface. Its fields are the keys."""

    detector: str
    pattern: str
    rows: int
    share: float
    baseline_share: float | None
    examples: list[str]


@dataclass(frozen=True)
class Pattern:
    """A pattern and its evidence.

    rows, share: the rows that hold it. baseline_share: None without a baseline. examples: excerpts
    from the rows. cleared: a person has cleared it. suspect: a person must review it. pieces: the
    pattern as it reads in each example. values: some values of the part that varies ("…" in the
    pattern); () if it reads alike in all rows.
    """

    detector: str
    pattern: str
    rows: int
    share: float
    baseline_share: float | None
    examples: tuple[str, ...]
    leak: bool = True
    cleared: bool = False
    suspect: bool = False
    pieces: tuple[str, ...] = ()
    values: tuple[str, ...] = ()

    @property
    def varies(self) -> str:
        """Return the values of the varying part as text, "" if the pattern reads alike in all
        rows.
        """
        return f"… is {', '.join(self.values)} and so on" if self.values else ""

    def evidence(self) -> Evidence:
        """Return the pattern in the form of the JSON interface. The detector's name carries a
        prefix if the pattern is cleared or suspect.
        """
        mark = "cleared_" if self.cleared else SUSPECT if self.suspect else ""
        known = self.baseline_share
        return Evidence(
            detector=mark + self.detector,
            pattern=self.pattern,
            rows=self.rows,
            share=round(self.share, 6),
            baseline_share=None if known is None else round(known, 6),
            examples=list(self.examples),
        )

    @property
    def name(self) -> str:
        """Return the detector's name, with "(cleared)" or "(suspect)" if that applies."""
        if self.cleared:
            return f"{self.detector} (cleared)"
        return f"{self.detector} (suspect)" if self.suspect else self.detector


@dataclass(frozen=True)
class Outcome:
    """Everything that an audit found.

    reasons: names of the reasons. leaks: those that are producer state. flags: (rows,) uint64, bit
    i is set if reason i applies. ids: the id of every row. openers, baseline_openers: opener →
    share of the rows. gates: names of the preset's gates. prompts: number of different prompts.
    texts: row → beginning of its think block, for the first flagged rows.
    """

    rows: int
    baseline_rows: int | None
    patterns: tuple[Pattern, ...]
    reasons: tuple[str, ...]
    leaks: frozenset[str]
    flags: NDArray[np.uint64]
    ids: pa.ChunkedArray
    openers: dict[str, float]
    baseline_openers: dict[str, float]
    gates: tuple[str, ...] = ()
    prompts: int = 0
    texts: dict[int, str] = field(default_factory=dict)

    @property
    def power(self) -> str:
        """Return which stamps an audit of this size can find, in words. Rows of one prompt count as
        one.
        """
        rows = self.prompts or self.rows
        return power(rows, self.baseline_rows).in_words(rows)

    @property
    def verdict(self) -> Verdict:
        """Return "leak" if producer state was found, "suspect" if a person must review a pattern,
        "fault" if rows have other faults, else "clean".
        """
        counted = self.gate_rows()
        if any(counted.get(name, 0) for name in self.leaks):
            return "leak"
        if any(one.suspect for one in self.patterns):
            return "suspect"
        return "fault" if any(counted.values()) else "clean"

    @property
    def shifted(self) -> str:
        """Return a warning if the baseline is not comparable with the corpus, else ""."""
        return SHIFTED if any(one.detector == "shift" for one in self.patterns) else ""

    def with_suspects(self, first: "Outcome") -> "Outcome":
        """Return the same outcome with the patterns of the first rows added as suspect."""
        if first.verdict == "clean":
            return self
        suspects = tuple(
            replace(one, share=one.rows / self.rows, leak=False, suspect=True)
            for one in first.patterns
            if not one.cleared and (one.leak or one.suspect)
        )
        return replace(self, patterns=(*suspects, *self.patterns)[:MAX_PATTERNS])

    def gate_rows(self) -> dict[str, int]:
        """Return reason → rows. The gates of a preset are listed even if no row fails them."""
        counted = {
            name: int(np.count_nonzero(self.flags & np.uint64(1 << bit)))
            for bit, name in enumerate(self.reasons)
        }
        ordered = sorted(counted.items(), key=lambda item: (-item[1], item[0]))
        return dict.fromkeys(self.gates, 0) | dict(ordered)

    def flagged(self) -> Iterator[tuple[int, str, list[str]]]:
        """Yield (row, id, reasons) of every flagged row, in order."""
        for row in np.flatnonzero(self.flags):
            bits = int(self.flags[row])
            reasons = [name for bit, name in enumerate(self.reasons) if bits >> bit & 1]
            yield int(row), self.ids[int(row)].as_py(), reasons

    def text(self, row: int) -> str:
        """Return the beginning of the think block of a flagged row, "" if it is not kept."""
        return self.texts.get(row, "")

    def leaking(self) -> int:
        """Return the number of rows that are flagged for producer state."""
        mask = sum(1 << bit for bit, name in enumerate(self.reasons) if name in self.leaks)
        return int(np.count_nonzero(self.flags & np.uint64(mask)))

    def as_json(self) -> bytes:
        """Return the JSON interface: rows, verdict, patterns, flagged, gates."""
        flagged = [
            {"row": row, "id": row_id, "reasons": reasons}
            for row, row_id, reasons in self.flagged()
        ]
        tree = {
            "rows": self.rows,
            "verdict": self.verdict,
            "patterns": [pattern.evidence()._asdict() for pattern in self.patterns],
            "flagged": flagged,
            "gates": self.gate_rows(),
        }
        return orjson.dumps(tree, option=orjson.OPT_INDENT_2) + b"\n"
