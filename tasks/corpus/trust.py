"""How far the gates can be trusted: what they checked in these rows, and how many planted faults
they find.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from tasks import rows
from tasks.corpus.candidate import Candidate
from tasks.store import Table

Checked = Mapping[str, NDArray[np.bool_]]
"""Gate → for each row of the corpus, whether the gate checked something in it."""
HALF = 0.5
"""If the gates find a smaller share of the planted faults of a kind, the reader is warned."""


@dataclass(frozen=True)
class Trust:
    """shares: gate → share of the corpus' rows in which it checked something.

    faults: kind of planted fault → "found of planted" for each family, in the order of `families`;
    "" if the fault cannot be planted in any row of the family. judged: the same for the judge, with
    the rows on which it abstained; empty without a judge.
    """

    shares: dict[str, float]
    families: tuple[str, ...]
    faults: dict[str, tuple[str, ...]]
    judged: dict[str, tuple[str, ...]]
    weak: str = ""
    """One line with the kinds of planted faults of which the gates find less than half, "" if there
    are none.
    """


UNKNOWN = Trust(shares={}, families=(), faults={}, judged={})
"""For a corpus without any counts."""


def trust(checked: Checked, gate_checks: pa.Table, opinions: Table) -> Trust:
    """Return what the gates checked in the rows, and how many planted faults they and the judge
    find.
    """
    judge_checks = _judge_checks(opinions)
    both = (*gate_checks["family"].to_pylist(), *judge_checks["family"].to_pylist())
    families = tuple(sorted(set(both)))
    return Trust(
        shares={gate: round(float(marks.mean()), 4) for gate, marks in checked.items()},
        families=families,
        faults=_by_fault(gate_checks, families),
        judged=_by_fault(judge_checks, families),
        weak=weak_spots(gate_checks),
    )


def weak_spots(checks: pa.Table) -> str:
    """Return one line with the kinds of planted faults of which the gates find less than half, ""
    if there are none. checks: GATE_CHECKS.
    """
    counts: dict[str, tuple[int, int]] = {}
    for row in checks.to_pylist():
        found, planted_of = counts.get(row["fault"], (0, 0))
        counts[row["fault"]] = (found + row["found"], planted_of + row["planted"])
    weak = [
        f"{fault.replace('_', ' ')} ({found} of {planted_of})"
        for fault, (found, planted_of) in sorted(counts.items())
        if found < HALF * planted_of
    ]
    if not weak:
        return ""
    return f"the gates find less than half of these planted faults: {', '.join(weak)}"


def _judge_checks(opinions: Table) -> pa.Table:
    path = opinions.path / rows.JUDGE_CHECKS_FILE
    return pq.read_table(path) if path.is_file() else rows.table_of([], rows.JUDGE_CHECKS)


def _by_fault(checks: pa.Table, families: Sequence[str]) -> dict[str, tuple[str, ...]]:
    cells = {(row["fault"], row["family"]): _cell(row) for row in checks.to_pylist()}
    faults = dict.fromkeys(fault for fault, _ in cells)
    return {fault: tuple(cells.get((fault, family), "") for family in families) for fault in faults}


def _cell(row: Mapping[str, int]) -> str:
    found = f"{row['found']} of {row['planted']}"
    return f"{found}, {row['abstained']} abstained" if row.get("abstained") else found


def checked_rows(kept: Sequence[Candidate], verdicts: Iterable[pa.RecordBatch]) -> Checked:
    """Return in which of the rows each gate checked something, in the gates' order.

    verdicts: batches of VERDICTS; those of other rows are ignored.
    """
    places = {one.trace_id: place for place, one in enumerate(kept)}
    checked: dict[str, NDArray[np.bool_]] = {}
    for batch in verdicts:
        for gate in batch.column("gate").unique().to_pylist():
            marks = checked.setdefault(gate, np.zeros(len(kept), np.bool_))
            field = pa.compute.field
            found = batch.filter((field("gate") == gate) & (field("state") != "not_checked"))
            ids = found.column("trace_id").to_pylist()
            marks[[places[one] for one in ids if one in places]] = True
    return checked
