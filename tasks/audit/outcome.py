"""What an audit says: the verdict, the patterns with their evidence, the rows at fault. Its JSON is
a contract.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Literal

import numpy as np
import orjson
import pyarrow as pa
from numpy.typing import NDArray

from tasks.audit.power import power

MOST_PATTERNS = 100
SUSPECT = "suspect_"
"""What stands before a detector's name in the JSON where a person must look."""
SHIFTED = (
    "Corpus and baseline are of different kinds (another teacher, or other tasks): beside what recurs, the rows themselves differ. "
    "So what is listed under shift proves no leak and flags no row; a baseline of the same teacher on the same tasks would tell."
)

Verdict = Literal["clean", "leak", "suspect", "fault"]


@dataclass(frozen=True)
class Pattern:
    """A pattern and its evidence. rows: how many hold it. baseline_share is None without a
    baseline.

    examples: excerpts in the text's own words. pieces: the pattern as it stands in each of them.
    suspect: a person must look. values: what stands in a few rows where the pattern has "…"; none
    where all rows read alike.
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
        """Return the values of the varying part as people read them; "" where all rows read alike."""
        return f"… is {', '.join(self.values)} and so on" if self.values else ""

    def as_json(self) -> dict[str, object]:
        """Return the contract's spelling; a cleared or suspect pattern says so in its detector's
        name.
        """
        mark = "cleared_" if self.cleared else SUSPECT if self.suspect else ""
        return {
            "detector": mark + self.detector,
            "pattern": self.pattern,
            "rows": self.rows,
            "share": round(self.share, 6),
            "baseline_share": None
            if self.baseline_share is None
            else round(self.baseline_share, 6),
            "examples": list(self.examples),
        }

    @property
    def name(self) -> str:
        """Return the detector, and what a person should know of the finding before its evidence."""
        if self.cleared:
            return f"{self.detector} (cleared)"
        return f"{self.detector} (suspect)" if self.suspect else self.detector


@dataclass(frozen=True)
class Outcome:
    """reasons: names; flags: (rows,) uint64, bit i set where reason i applies. openers: opener →
    share, in corpus and baseline.

    prompts: different prompts among the rows. texts: row → how its think block begins, of the first
    rows at fault.
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
        """Return how few rows a stamp may hold and still be found at this size. Rows of one prompt
        count as one.
        """
        return power(self.prompts or self.rows, self.baseline_rows).told(self.prompts or self.rows)

    @property
    def verdict(self) -> Verdict:
        """Return leak when producer state was found, suspect when a person must look, fault when
        rows are at fault without it.
        """
        counted = self.gate_rows()
        if any(counted.get(name, 0) for name in self.leaks):
            return "leak"
        if any(one.suspect for one in self.patterns):
            return "suspect"
        return "fault" if any(counted.values()) else "clean"

    @property
    def shifted(self) -> str:
        """Return what to know of a baseline that is none, "" when it is one or there is none."""
        return SHIFTED if any(one.detector == "shift" for one in self.patterns) else ""

    def with_suspects(self, first: "Outcome") -> "Outcome":
        """Return the same outcome with what an audit of its first rows found, as something that a
        person must look at.
        """
        if first.verdict == "clean":
            return self
        suspects = tuple(
            replace(one, share=one.rows / self.rows, leak=False, suspect=True)
            for one in first.patterns
            if not one.cleared and (one.leak or one.suspect)
        )
        return replace(self, patterns=(*suspects, *self.patterns)[:MOST_PATTERNS])

    def gate_rows(self) -> dict[str, int]:
        """Return reason → rows; the gates of a preset are named even where no row failed."""
        counted = {
            name: int(np.count_nonzero(self.flags & np.uint64(1 << bit)))
            for bit, name in enumerate(self.reasons)
        }
        return dict.fromkeys(self.gates, 0) | dict(
            sorted(counted.items(), key=lambda item: (-item[1], item[0]))
        )

    def flagged(self) -> Iterator[tuple[int, str, list[str]]]:
        """Yield (row, id, reasons) of every row at fault, in order."""
        for row in np.flatnonzero(self.flags):
            bits = int(self.flags[row])
            yield (
                int(row),
                self.ids[int(row)].as_py(),
                [name for bit, name in enumerate(self.reasons) if bits >> bit & 1],
            )

    def text(self, row: int) -> str:
        """Return how the think block of a row at fault begins; "" where it is not kept."""
        return self.texts.get(row, "")

    def leaking(self) -> int:
        """Return the rows flagged for producer state."""
        mask = sum(1 << bit for bit, name in enumerate(self.reasons) if name in self.leaks)
        return int(np.count_nonzero(self.flags & np.uint64(mask)))

    def as_json(self) -> bytes:
        """Return the contract: rows, verdict, patterns, flagged, gates."""
        flagged = [
            {"row": row, "id": row_id, "reasons": reasons}
            for row, row_id, reasons in self.flagged()
        ]
        tree = {
            "rows": self.rows,
            "verdict": self.verdict,
            "patterns": [pattern.as_json() for pattern in self.patterns],
            "flagged": flagged,
            "gates": self.gate_rows(),
        }
        return orjson.dumps(tree, option=orjson.OPT_INDENT_2) + b"\n"
