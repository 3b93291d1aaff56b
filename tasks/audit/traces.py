"""The mill's own traces under audit, against the control arm of this and earlier builds."""

import json
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pyarrow as pa
from pydantic import Field

from tasks import rows
from tasks.audit.audit import AuditSpec, audit
from tasks.audit.batch import PRODUCER
from tasks.audit.outcome import SUSPECT, Outcome
from tasks.audit.report import Fact, percent, report
from tasks.audit.scored import SurpriseSpec, detector_of
from tasks.audit.style import Style
from tasks.errors import GateBroken
from tasks.progress import watcher
from tasks.spec import Spec
from tasks.store import Made, Table

PROOFS, CORPUS_WIDE = (
    ("canary", "foreign_canary"),
    (
        "concentration",
        "dependence",
        "locked_label",
        "insertion",
    ),
)
"""Detectors whose every finding ends the run, and those whose findings are about the corpus as a
whole. All others reject their rows.
"""
OUTCOME, PAGE = "audit.json", "audit.html"
BATCH_ROWS = 500


class TraceAuditSpec(Spec):
    """What the audit of a build bears; what it looks for is always all."""

    allowed: tuple[str, ...] = ()
    """Phrases a person has looked at and cleared: patterns made of them are reported as cleared and
    reject no trace.
    """

    surprise: SurpriseSpec = SurpriseSpec()
    """Traces that the teacher itself scores, to find text that it would not have written."""

    tolerated: float = Field(default=0.01, ge=0, le=1)
    """Share of the traces up to which a pattern only rejects the traces that hold it; a wider one
    ends the run. A canary always ends it.
    """


class TableRows:
    """Rows of an Arrow table that has the audit's columns."""

    def __init__(self, table: pa.Table) -> None:
        self._table = table
        self.producers = tuple(
            name.removeprefix(PRODUCER) for name in table.column_names if name.startswith(PRODUCER)
        )

    def batches(self) -> Iterator[pa.RecordBatch]:
        """Yield the rows in order."""
        return iter(self._table.combine_chunks().to_batches(BATCH_ROWS))


def audit_table(
    traces: pa.Table,
    prompts: pa.Table,
    baselines: Sequence[pa.Table],
    spec: TraceAuditSpec,
    facts: Sequence[Fact] = (),
    *,
    scores: pa.Table | None = None,
) -> Made:
    """Return AUDITS: a row for every reason that producer state was found in a trace. Page and
    outcome lie beside it.

    facts: what the page says of its origin. scores: SCORES of the traces, where the teacher scored
    them.
    """
    suspects = _suspects(traces, prompts)
    outcome = (
        audit(
            TableRows(suspects),
            AuditSpec(allowed=spec.allowed),
            style=_style(baselines),
            progress=_counting(suspects.num_rows),
            further=() if scores is None else (detector_of(scores, traces, baselines),),
        )
        if suspects.num_rows
        else None
    )
    found = _found(outcome) if outcome else []
    return Made(
        {"audits": rows.table_of(found, rows.AUDITS)},
        rows.AUDITS,
        rows.rejected([]),
        rows_in=suspects.num_rows,
        rows_out=suspects.num_rows,
        may_be_empty=True,
        attach=lambda folder: _attach(folder, outcome, facts),
        pages=(PAGE, OUTCOME),
    )


def origin(
    recipe: str, audit: str, traces: Table, prompts: Table, baselines: Sequence[Table]
) -> list[Fact]:
    """Return what the page of a build's audit says of its origin. audit: the fingerprint of its
    table.

    The day is not among it: a table is the same bytes whenever it is made. Served pages tell it.
    """
    return [
        Fact("recipe", recipe),
        Fact("audit", audit),
        Fact("traces", traces.fingerprint),
        Fact("prompts", prompts.fingerprint),
        *(Fact("baseline", table.fingerprint) for table in baselines),
    ]


def _counting(rows_in: int) -> Callable[[str, int], None]:
    """Return what reports the audit's two readings of the rows, to learn and to look, as one count."""
    report = watcher()

    def count(reading: str, done: int) -> None:
        report(done=done + (rows_in if reading == "look" else 0), total=2 * rows_in)

    return count


def _suspects(traces: pa.Table, prompts: pa.Table) -> pa.Table:
    """Return every trace that was asked with the producer's prompt, joined with that prompt."""
    asked = {
        row["prompt_id"]: row for row in prompts.filter(~prompts["control"].to_numpy()).to_pylist()
    }
    kept = [row for row in traces.to_pylist() if row["prompt_id"] in asked]
    columns = {
        "id": [row["trace_id"] for row in kept],
        "prompt": [asked[row["prompt_id"]]["messages"][-1]["content"] for row in kept],
        "think": [row["think"] or row["raw"] for row in kept],
        "answer": [row["answer"] for row in kept],
        "fault": ["" for _ in kept],
        f"{PRODUCER}canary": [asked[row["prompt_id"]]["canary"] for row in kept],
    }
    return pa.table({name: pa.array(values, pa.string()) for name, values in columns.items()})


def _style(baselines: Sequence[pa.Table]) -> Style | None:
    """Return the style of all control traces at hand, each once; None when there is none yet."""
    known: dict[str, dict[str, str]] = {}
    for table in baselines:
        known |= {row["trace_id"]: row for row in table.to_pylist() if row["trace_id"] not in known}
    if not known:
        return None
    named = {"id": "trace_id", "prompt": "prompt", "think": "think", "answer": "answer"}
    ordered = sorted(known.values(), key=lambda row: (row["prompt"], row["trace_id"]))
    columns = {
        name: pa.array([row[column] for row in ordered], pa.string())
        for name, column in named.items()
    }
    return Style.of(
        TableRows(pa.table(columns | {"fault": pa.array([""] * len(ordered), pa.string())}))
    )


def _found(outcome: Outcome) -> list[dict[str, object]]:
    return [
        {"trace_id": trace_id, "reason": reason}
        for _, trace_id, reasons in outcome.flagged()
        for reason in reasons
        if reason in outcome.leaks
    ]


def _attach(folder: Path, outcome: Outcome | None, facts: Sequence[Fact]) -> None:
    if outcome is not None:
        (folder / OUTCOME).write_bytes(outcome.as_json())
        (folder / PAGE).write_text(report(outcome, "traces", facts), encoding="utf-8")


def stopping_patterns(audits: Table, spec: TraceAuditSpec) -> list[dict[str, object]]:
    """Return the patterns that end a run, with their evidence, as the audit wrote them down."""
    return (
        _stopping(json.loads((audits.path / OUTCOME).read_bytes())["patterns"], spec)
        if audits.rows
        else []
    )


def suspect_patterns(audits: Table) -> list[dict[str, object]]:
    """Return the patterns that a person should look at; the control arm stands beside them, so they
    end no run.
    """
    if not audits.rows_in:
        return []
    patterns = json.loads((audits.path / OUTCOME).read_bytes())["patterns"]
    return [one for one in patterns if one["detector"].startswith(SUSPECT)]


def _stopping(
    patterns: Sequence[dict[str, object]], spec: TraceAuditSpec
) -> list[dict[str, object]]:
    wide = [
        one
        for one in patterns
        if one["detector"] in CORPUS_WIDE and float(str(one["share"])) > spec.tolerated
    ]
    return [one for one in patterns if one["detector"] in PROOFS or one in wide]


def corpus_leaks(corpus: Table, baselines: Sequence[Table], spec: TraceAuditSpec) -> str:
    """Return what producer state a finished corpus holds, whoever let it through; "" when none is
    found.
    """
    table = corpus.read(["row_id", "prompt", "think", "answer"]).rename_columns(
        ["id", "prompt", "think", "answer"]
    )
    held = TableRows(table.append_column("fault", pa.array([""] * table.num_rows, pa.string())))
    outcome = audit(
        held, AuditSpec(allowed=spec.allowed), style=_style([one.read() for one in baselines])
    )
    evidence = _stopping([one.as_json() for one in outcome.patterns], spec)
    return f"producer state in the corpus: {_told(evidence)}" if evidence else ""


def refuse_leaks(audits: Table, evidence: Sequence[dict[str, object]]) -> None:
    """Raise GateBroken when a finding about the whole corpus stands in the audit."""
    if evidence:
        raise GateBroken(
            f"producer state in the traces: {_told(evidence)}; nothing was published. Read {audits.path / PAGE}, "
            "mend what leaks, or clear the phrase under audit.allowed"
        )


def told_suspects(audits: Table) -> str:
    """Return one line on what a person should look at, "" when there is nothing."""
    evidence = suspect_patterns(audits)
    if not evidence:
        return ""
    return (
        f"the audit cannot tell whether this is producer state: {_told(evidence)}; "
        f"read {audits.path / PAGE}, and clear the phrase under audit.allowed where it is the teacher's own"
    )


def _told(evidence: Sequence[dict[str, object]]) -> str:
    return "; ".join(
        f"{one['detector']} {str(one['pattern'])!r} in {one['rows']} rows ({percent(float(str(one['share'])))})"
        for one in evidence[:3]
    )
