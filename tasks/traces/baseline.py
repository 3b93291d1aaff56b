"""The baseline of style: the teacher's traces of bare prompts, collected over a recipe's builds."""

from collections.abc import Iterable
from pathlib import Path

import pyarrow as pa

from tasks import rows
from tasks.store import Finished, Made, Table, tables

FACTOR = 8
"""Baseline traces per trace of a build. With eight times as many, a form that eight rows share and
no baseline trace has is significant.
"""
COMPARABLE_BY = ("recipe", "models")
"""Inputs that must be equal in two baselines if they are to be used together."""


def baseline(traces: pa.Table, prompts: pa.Table, recipe: str) -> Made:
    """Return the traces of the control prompts as BASELINES, before any gate.

    traces: TRACES. prompts: PROMPTS. A trace without a think block is rejected with its fault.
    """
    control = prompts.filter(pa.compute.field("control")).select(["prompt_id", "messages"])
    prompt_of = {row["prompt_id"]: row["messages"][-1]["content"] for row in control.to_pylist()}
    answered = [row for row in traces.to_pylist() if row["prompt_id"] in prompt_of]
    kept = [
        {
            "trace_id": row["trace_id"],
            "prompt": prompt_of[row["prompt_id"]],
            "think": row["think"],
            "answer": row["answer"],
            "recipe": recipe,
        }
        for row in answered
        if row["think"]
    ]
    rejected = [(row["trace_id"], row["fault"], "") for row in answered if not row["think"]]
    return Made(
        {"baselines": rows.table_of(kept, rows.BASELINES)},
        rows.BASELINES,
        rows.rejected(rejected),
        rows_in=len(answered),
        may_be_empty=True,
    )


def earlier(root: Path, own: Table, *, batch: int) -> tuple[Table, ...]:
    """Return earlier baselines of the same recipe and models, newest first.

    own: the baseline of this build. batch: traces of this build. There are as many tables as are
    needed for FACTOR * batch traces, own ones included; a table without new traces is skipped. Only
    tables finished before `own` count, so an old build that runs again sees the same baselines.
    """
    finished = tables(root, own.stage)
    fingerprints = [one.table.fingerprint for one in finished]
    place = fingerprints.index(own.fingerprint)
    known_ids, kept = _ids(own), []
    for one in reversed(finished[:place]):
        if len(known_ids) >= FACTOR * batch:
            break
        if not _comparable(one, finished[place]):
            continue
        ids = _ids(one.table)
        if not ids <= known_ids:
            known_ids |= ids
            kept.append(one.table)
    return tuple(kept)


def _comparable(one: Finished, other: Finished) -> bool:
    return all(one.inputs[name] == other.inputs[name] for name in COMPARABLE_BY)


def distinct_traces(baselines: Iterable[Table]) -> int:
    """Return the number of different traces in the baselines; builds can share traces."""
    return len(frozenset().union(*map(_ids, baselines)))


def _ids(table: Table) -> frozenset[str]:
    return frozenset(table.read(["trace_id"])["trace_id"].to_pylist())
