"""How far the gates can be trusted: what they checked in these rows, and what they find of planted
faults.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.parquet as pq

from tasks import rows
from tasks.corpus.candidate import Candidate
from tasks.store import Table

HALF = 0.5
"""Share of the planted faults of a kind below which a person is warned."""


@dataclass(frozen=True)
class Trust:
    """shares: gate → share of the corpus' rows in which it checked something.

    faults: kind of planted fault → found and planted of every family, in the order of families;
    "" where no row of the family has a place for the fault. judged: the same of the judge, with the
    rows on which it abstained; empty without a judge.
    """

    shares: dict[str, float]
    families: tuple[str, ...]
    faults: dict[str, tuple[str, ...]]
    judged: dict[str, tuple[str, ...]]
    weak: str = ""
    """Which planted faults the gates find less than half of, in one line; "" for none."""


UNKNOWN = Trust(shares={}, families=(), faults={}, judged={})
"""Nothing was counted."""


def trust(
    kept: Sequence[Candidate], verdicts: pa.Table, gate_checks: pa.Table, opinions: Table
) -> Trust:
    """Return what the gates checked in the kept rows, and what they and the judge are worth."""
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
    """Return in one line which kinds of planted faults the gates find less than half of; "" for
    none.
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
    return (
        f"the gates find less than half of these planted faults: {', '.join(weak)}" if weak else ""
    )


def _judge_checks(opinions: Table) -> pa.Table:
    path = opinions.path / rows.JUDGE_CHECKS_FILE
    return pq.read_table(path) if path.is_file() else rows.table_of([], rows.JUDGE_CHECKS)


def _by_fault(checks: pa.Table, families: Sequence[str]) -> dict[str, tuple[str, ...]]:
    cells = {(row["fault"], row["family"]): _cell(row) for row in checks.to_pylist()}
    faults = dict.fromkeys(fault for fault, _ in cells)
    return {fault: tuple(cells.get((fault, family), "") for family in families) for fault in faults}


def _cell(row: Mapping[str, int]) -> str:
    told = f"{row['found']} of {row['planted']}"
    return f"{told}, {row['abstained']} abstained" if row.get("abstained") else told


def checked_shares(kept: Sequence[Candidate], verdicts: pa.Table) -> dict[str, float]:
    """Return gate → share of the kept rows in which it checked something, in the gates' order."""
    gates = dict.fromkeys(verdicts["gate"].to_pylist())
    counted = checked_rows(verdicts)
    wanted = {one.trace_id for one in kept}
    return {
        gate: round(len(wanted & counted.get(gate, set())) / len(wanted), 4) if wanted else 0.0
        for gate in gates
    }


def checked_rows(verdicts: pa.Table) -> dict[str, set[str]]:
    """Return gate → the traces in which it checked something."""
    checked = verdicts.filter(pa.compute.field("state") != "not_checked")
    found: dict[str, set[str]] = {}
    for trace_id, gate in zip(
        checked["trace_id"].to_pylist(), checked["gate"].to_pylist(), strict=True
    ):
        found.setdefault(gate, set()).add(trace_id)
    return found
