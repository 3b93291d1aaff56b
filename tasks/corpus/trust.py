"""How far the gates can be trusted: what they checked in these rows, and how many planted faults
they find.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.parquet as pq

from tasks import rows
from tasks.corpus.candidate import Candidate
from tasks.store import Table

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


def trust(
    kept: Sequence[Candidate], verdicts: pa.Table, gate_checks: pa.Table, opinions: Table
) -> Trust:
    """Return what the gates checked in the kept rows, and how many planted faults they and the
    judge find.
    """
    judge_checks = _judge_checks(opinions)
    both = (*gate_checks["family"].to_pylist(), *judge_checks["family"].to_pylist())
    families = tuple(sorted(set(both)))
    return Trust(
        shares=checked_shares(kept, verdicts),
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


def checked_shares(kept: Sequence[Candidate], verdicts: pa.Table) -> dict[str, float]:
    """Return gate → share of the kept rows in which it checked something, in the gates' order."""
    gates = dict.fromkeys(verdicts["gate"].to_pylist())
    counted = checked_rows(verdicts)
    wanted = {one.trace_id for one in kept}
    if not wanted:
        return dict.fromkeys(gates, 0.0)
    checked = {gate: len(wanted & counted.get(gate, set())) for gate in gates}
    return {gate: round(rows / len(wanted), 4) for gate, rows in checked.items()}


def checked_rows(verdicts: pa.Table) -> dict[str, set[str]]:
    """Return gate → ids of the traces in which it checked something."""
    checked = verdicts.filter(pa.compute.field("state") != "not_checked")
    found: dict[str, set[str]] = {}
    columns = checked["trace_id"].to_pylist(), checked["gate"].to_pylist()
    for trace_id, gate in zip(*columns, strict=True):
        found.setdefault(gate, set()).add(trace_id)
    return found
