"""The baseline of style: what the teacher writes when nothing of ours is said to it, gathered over
a recipe's builds.
"""

from collections.abc import Iterable
from pathlib import Path

import pyarrow as pa

from tasks import rows
from tasks.store import Made, Table, tables

FACTOR = 8
"""With eight times the batch as baseline, a form that eight rows share and the baseline never holds
is told from chance.
"""
KIN = ("recipe", "models")
"""Inputs that two baselines must share to be baselines of one another."""


def baseline(traces: pa.Table, prompts: pa.Table, recipe: str) -> Made:
    """Return the control arm's traces, whatever the gates will say of them; one without a think
    block is rejected under its fault.
    """
    control = prompts.filter(pa.compute.field("control"))
    asked = {
        row["prompt_id"]: row["messages"][-1]["content"]
        for row in control.select(["prompt_id", "messages"]).to_pylist()
    }
    answered = [row for row in traces.to_pylist() if row["prompt_id"] in asked]
    kept = [
        {
            "trace_id": row["trace_id"],
            "prompt": asked[row["prompt_id"]],
            "think": row["think"],
            "answer": row["answer"],
            "recipe": recipe,
        }
        for row in answered
        if row["think"]
    ]
    faults = rows.rejected(
        [(row["trace_id"], row["fault"], "") for row in answered if not row["think"]]
    )
    table = rows.table_of(kept, rows.BASELINES)
    return Made(
        {"baselines": table}, rows.BASELINES, faults, rows_in=len(answered), may_be_empty=True
    )


def earlier(root: Path, own: Table, *, batch: int) -> tuple[Table, ...]:
    """Return the baselines of the same recipe and models that were finished before this one,
    newest first.

    Only as many as it takes to hold FACTOR traces for each of the batch, own ones included; a table
    that adds no trace is passed over. Looking back from its own table, an old build run again sees
    what it saw.
    """
    finished = tables(root, own.stage)
    place = next(
        number for number, one in enumerate(finished) if one.table.fingerprint == own.fingerprint
    )
    held, kept = _ids(own), []
    for one in reversed(finished[:place]):
        if len(held) >= FACTOR * batch:
            break
        if (
            all(one.inputs[name] == finished[place].inputs[name] for name in KIN)
            and not (ids := _ids(one.table)) <= held
        ):
            held |= ids
            kept.append(one.table)
    return tuple(kept)


def distinct_traces(baselines: Iterable[Table]) -> int:
    """Return how many traces the baselines hold; one that two builds share counts once."""
    return len(frozenset().union(*map(_ids, baselines)))


def _ids(table: Table) -> frozenset[str]:
    return frozenset(table.read(["trace_id"])["trace_id"].to_pylist())
