"""How far the gates can be trusted: what they checked in these rows, and what they find of planted faults."""

from collections.abc import Sequence
from dataclasses import dataclass

import pyarrow as pa

from tasks.corpus.candidate import Candidate


@dataclass(frozen=True)
class Trust:
    """shares: gate → share of the corpus' rows in which it checked something.

    faults: kind of planted fault → found and planted of every family, in the order of families;
    "" where no row of the family has a place for the fault.
    """

    shares: dict[str, float]
    families: tuple[str, ...]
    faults: dict[str, tuple[str, ...]]


UNKNOWN = Trust(shares={}, families=(), faults={})
"""Nothing was counted."""


def trust(kept: Sequence[Candidate], verdicts: pa.Table, gate_checks: pa.Table) -> Trust:
    """Return what the gates checked in the kept rows, and what they were measured to be worth."""
    families = tuple(sorted(set(gate_checks["family"].to_pylist())))
    cells = {
        (row["fault"], row["family"]): f"{row['found']} of {row['planted']}"
        for row in gate_checks.to_pylist()
    }
    faults = dict.fromkeys(fault for fault, _ in cells)
    return Trust(
        shares=checked_shares(kept, verdicts),
        families=families,
        faults={
            fault: tuple(cells.get((fault, family), "") for family in families) for fault in faults
        },
    )


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
