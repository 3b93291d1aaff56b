"""The audit of a build's own traces, with the control arm of this and earlier builds as the
baseline.
"""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
from pydantic import Field

from tasks import rows
from tasks.audit.audit import AuditSpec, audit
from tasks.audit.batch import PRODUCER
from tasks.audit.outcome import SUSPECT, Evidence, Outcome
from tasks.audit.report import Fact, percent, report
from tasks.audit.style import Style
from tasks.audit.surprise_detector import SurpriseSpec, detector_of
from tasks.errors import GateBroken
from tasks.progress import watcher
from tasks.spec import Spec
from tasks.store import Made, Table
from tasks.trace_context import Row, views_by_key

PROOFS = ("canary", "foreign_canary")
"""Detectors whose every finding stops the run."""
CORPUS_WIDE = ("concentration", "dependence", "locked_label", "insertion")
"""Detectors whose findings concern the whole corpus. They stop the run if they are in too many
rows. All other detectors only reject their rows.
"""
OUTCOME, PAGE = "audit.json", "audit.html"
BATCH_ROWS = 500


class TraceAuditSpec(Spec):
    """What the audit of a build tolerates. It always searches with all detectors."""

    allowed: tuple[str, ...] = ()
    """Phrases that a person has reviewed and cleared. Patterns made only of them are reported as
    cleared and reject no trace.
    """

    surprise: SurpriseSpec = SurpriseSpec()
    """The traces that the teacher scores, to find text that it would not have written."""

    tolerated: float = Field(default=0.01, ge=0, le=1)
    """Share of the traces up to which a pattern only rejects the traces that hold it. A pattern in
    more traces stops the run. A canary always stops it.
    """


class TableRows:
    """The rows of an Arrow table with the columns of the audit."""

    def __init__(self, table: pa.Table) -> None:
        self._table = table
        self.producers = tuple(
            name.removeprefix(PRODUCER) for name in table.column_names if name.startswith(PRODUCER)
        )

    def batches(self) -> Iterator[pa.RecordBatch]:
        """Yield the rows in order, BATCH_ROWS at a time; one batch at a time is copied."""
        for low in range(0, self._table.num_rows, BATCH_ROWS):
            yield from self._table.slice(low, BATCH_ROWS).combine_chunks().to_batches()


def audit_table(
    traces: pa.Table,
    prompts: pa.Table,
    baselines: Sequence[pa.Table],
    spec: TraceAuditSpec,
    facts: Sequence[Fact] = (),
    *,
    scores: pa.Table | None = None,
) -> Made:
    """Return AUDITS: one row per trace and reason of producer state. The page and the outcome are
    files of the table.

    traces: TRACES. prompts: PROMPTS. baselines: BASELINES tables. facts: lines on the origin, for
    the page. scores: SCORES of the traces, None without the teacher's scores.
    """
    audited = _audited_rows(traces, prompts)
    outcome = None
    if audited.num_rows:
        further = () if scores is None else (detector_of(scores, traces, baselines),)
        outcome = audit(
            TableRows(audited),
            AuditSpec(allowed=spec.allowed),
            style=_style(baselines),
            progress=_counting(audited.num_rows),
            further=further,
        )
    found = _found(outcome) if outcome else []
    return Made(
        {"audits": rows.table_of(found, rows.AUDITS)},
        rows.AUDITS,
        rows.rejected([]),
        rows_in=audited.num_rows,
        rows_out=audited.num_rows,
        may_be_empty=True,
        attach=lambda folder: _attach(folder, outcome, facts),
        pages=(PAGE, OUTCOME),
    )


def origin(
    recipe: str, audit: str, traces: Table, prompts: Table, baselines: Sequence[Table]
) -> list[Fact]:
    """Return the lines on the origin for the page of a build's audit. audit: the fingerprint of its
    table.

    The day is not among them, because a table always has the same bytes. Served pages show it.
    """
    return [
        Fact("recipe", recipe),
        Fact("audit", audit),
        Fact("traces", traces.fingerprint),
        Fact("prompts", prompts.fingerprint),
        *(Fact("baseline", table.fingerprint) for table in baselines),
    ]


def _counting(rows_in: int) -> Callable[[str, int], None]:
    """Return a progress function that counts both passes over the rows as one."""
    report = watcher()

    def count(reading: str, done: int) -> None:
        report(done=done + (rows_in if reading == "look" else 0), total=2 * rows_in)

    return count


def _audited_rows(traces: pa.Table, prompts: pa.Table) -> pa.Table:
    """Return the traces that were asked with the producer's prompt, joined with that prompt."""
    with_notes = prompts.filter(~prompts["control"].to_numpy())
    asked = views_by_key(
        with_notes.select(["prompt_id", "messages", "canary", "notes"]), "prompt_id"
    )
    columns = traces.select(["trace_id", "prompt_id", "think", "raw", "answer"])
    none = pa.RecordBatch.from_pylist([], schema=columns.schema)
    batches = columns.to_batches(max_chunksize=rows.CHUNK_ROWS) or [none]
    most = pc.max(pc.list_value_length(with_notes["notes"])).as_py() or 0
    return pa.concat_tables([_audited_batch(batch, asked, most) for batch in batches])


def _audited_batch(batch: pa.RecordBatch, asked: Mapping[str, Row], most: int) -> pa.Table:
    """Return a batch of traces with their prompts. most: largest number of notes of a prompt; each
    place among the notes is a column of the producer.
    """
    kept = [row for row in batch.to_pylist() if row["prompt_id"] in asked]
    prompts = [asked[row["prompt_id"]] for row in kept]
    columns = {
        "id": [row["trace_id"] for row in kept],
        "prompt": [prompt["messages"][-1]["content"] for prompt in prompts],
        "think": [row["think"] or row["raw"] for row in kept],
        "answer": [row["answer"] for row in kept],
        "fault": [""] * len(kept),
        f"{PRODUCER}canary": [prompt["canary"] for prompt in prompts],
    }
    for place in range(most):
        columns[f"{PRODUCER}note {place + 1}"] = [
            prompt["notes"][place] if place < len(prompt["notes"]) else "" for prompt in prompts
        ]
    return pa.table({name: pa.array(values, pa.string()) for name, values in columns.items()})


def _style(baselines: Sequence[pa.Table]) -> Style | None:
    """Return the style of all control traces, each counted once; None if there is none."""
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
    columns["fault"] = pa.array([""] * len(ordered), pa.string())
    return Style.of(TableRows(pa.table(columns)))


def _found(outcome: Outcome) -> list[dict[str, str]]:
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


def stopping_patterns(audits: Table, spec: TraceAuditSpec) -> list[Evidence]:
    """Return the patterns that stop a run, with their evidence, from the audit's outcome."""
    return _stopping(_patterns(audits), spec) if audits.rows else []


def suspect_patterns(audits: Table) -> list[Evidence]:
    """Return the patterns that a person should review. They do not stop a run, because the control
    arm holds similar text.
    """
    if not audits.rows_in:
        return []
    return [one for one in _patterns(audits) if one.detector.startswith(SUSPECT)]


def _patterns(audits: Table) -> list[Evidence]:
    outcome = json.loads((audits.path / OUTCOME).read_bytes())
    return [Evidence(**pattern) for pattern in outcome["patterns"]]


def _stopping(patterns: Sequence[Evidence], spec: TraceAuditSpec) -> list[Evidence]:
    return [one for one in patterns if _stops(one, spec)]


def _stops(one: Evidence, spec: TraceAuditSpec) -> bool:
    is_wide = one.detector in CORPUS_WIDE and one.share > spec.tolerated
    return one.detector in PROOFS or is_wide


def corpus_leaks(corpus: Table, baselines: Sequence[Table], spec: TraceAuditSpec) -> str:
    """Return a sentence on the producer state in a finished corpus, "" if none is found.

    This does not rely on any earlier gate.
    """
    table = corpus.read(["row_id", "prompt", "think", "answer"])
    table = table.rename_columns(["id", "prompt", "think", "answer"])
    table = table.append_column("fault", pa.array([""] * table.num_rows, pa.string()))
    style = _style([one.read() for one in baselines])
    outcome = audit(TableRows(table), AuditSpec(allowed=spec.allowed), style=style)
    evidence = _stopping([one.evidence() for one in outcome.patterns], spec)
    return f"producer state in the corpus: {_in_words(evidence)}" if evidence else ""


def refuse_leaks(audits: Table, evidence: Sequence[Evidence]) -> None:
    """Raise GateBroken if there is evidence that stops a run."""
    if evidence:
        raise GateBroken(
            f"producer state in the traces: {_in_words(evidence)}; nothing was published. "
            f"Read {audits.path / PAGE}, remove the cause of the leak, "
            "or clear the phrase under audit.allowed"
        )


def suspects_in_words(audits: Table) -> str:
    """Return one line on the patterns that a person should review, "" if there is none."""
    evidence = suspect_patterns(audits)
    if not evidence:
        return ""
    return (
        f"this may be producer state, and the audit cannot decide it: {_in_words(evidence)}; "
        f"read {audits.path / PAGE}, and clear the phrase under audit.allowed "
        "if the teacher writes it by itself"
    )


def _in_words(evidence: Sequence[Evidence]) -> str:
    return "; ".join(
        f"{one.detector} {one.pattern!r} in {one.rows} rows ({percent(one.share)})"
        for one in evidence[:3]
    )
