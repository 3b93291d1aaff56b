"""One row of the store, alone: found wherever it lies, asked again, put before every gate."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
from pydantic import BaseModel

from tasks import rows
from tasks.errors import EmptyTable, UnknownName
from tasks.inference.alone import alone
from tasks.inference.complete import JOURNALS
from tasks.inference.engine import Adapter, Completion, EnginePlacement, NamedModel
from tasks.inference.journal import Journal
from tasks.manifest import MANIFEST
from tasks.store import Finished, Table, tables
from tasks.traces.generate import Row, ids_of, plan_rows, trace_of
from tasks.traces.task import MODEL, AskedSpec
from tasks.train.adapter import adapter_of
from tasks.verdicts.case import NOT_CHECKED, Verdict
from tasks.verdicts.gates import VerdictSpec, cases_of, judge_case

LEAST_ID = 6


@dataclass(frozen=True)
class Recorded:
    """A trace that once was asked for, with all that it was made of. answered: what came back then."""

    row: Row
    answered: Completion
    model: NamedModel
    adapter: Adapter | None
    prompts: Table
    passages: Table
    questions: Table


class Reproduction(BaseModel):
    """A row alone: what was asked, what came back then and now. verdicts: gate → what it says of
    then and of now.
    """

    trace_id: str
    student: bool
    prompt: str
    prompt_ids: list[int]
    recorded: str
    shown: str
    output_ids: list[int]
    finish_reason: str
    load_seconds: float
    seconds: float
    recorded_nats: float | None
    verdicts: dict[str, tuple[str, str]]


def reproduce(
    root: Path, row_id: str, spec: VerdictSpec, placements: Mapping[str, EnginePlacement]
) -> Reproduction:
    """Ask one row again. placements: of models, by name. row_id: of a corpus row, a trace or a probe's answer, or its first digits;
    UnknownName when nothing has it.
    """
    found = find_row(root.absolute(), row_id)
    ask, named = found.row.ask, _placed(found.model, placements)
    again = alone(ask, named.model, named.placement, found.adapter, recorded=found.answered.text)
    answered = Completion(
        ask.key,
        again.text,
        again.finish_reason,
        len(again.prompt_ids),
        len(again.output_ids),
        again.parsed,
    )
    then, now = (verdicts(found, completion, spec) for completion in (found.answered, answered))
    return Reproduction(
        trace_id=ask.key,
        student=found.adapter is not None,
        prompt=again.prompt,
        prompt_ids=list(again.prompt_ids),
        recorded=found.answered.text,
        shown=again.shown,
        output_ids=list(again.output_ids),
        finish_reason=again.finish_reason,
        load_seconds=again.load_seconds,
        seconds=again.seconds,
        recorded_nats=again.recorded_nats,
        verdicts={
            one.gate: (_said(one), _said(other)) for one, other in zip(then, now, strict=True)
        },
    )


def _placed(named: NamedModel, placements: Mapping[str, EnginePlacement]) -> NamedModel:
    return named._replace(placement=placements.get(named.name, named.placement))


def verdicts(found: Recorded, completion: Completion, spec: VerdictSpec) -> list[Verdict]:
    """Return every gate's verdict on an answer to the row; the audit, which needs all rows at once,
    has nothing to say here.
    """
    trace = rows.table_of([trace_of(found.row, completion)], rows.TRACES)
    prompts = found.prompts.read()
    (case,) = cases_of(trace.to_batches(), prompts, found.passages.read(), found.questions.read())
    return judge_case(case, spec, frozenset(prompts["family"].to_pylist()))


def _said(one: Verdict) -> str:
    """Return a verdict as a person reads it: passed, the fault, or why nothing was checked."""
    if one.state == NOT_CHECKED:
        return f"not checked: {one.reason}"
    return one.reason or "passed"


def find_row(root: Path, row_id: str) -> Recorded:
    """Return the row that an id names; newest tables are looked through first."""
    if len(row_id) < LEAST_ID:
        raise UnknownName(
            f"{row_id!r} is too short an id; give at least its first {LEAST_ID} digits"
        )
    wanted = _trace_of_corpus_row(root, row_id) or row_id
    for finished in reversed(tables(root, "traces")):
        for trace_id, prompt_id in ids_of(finished.table):
            if trace_id.startswith(wanted):
                return _recorded(root, finished, trace_id, prompt_id)
    raise UnknownName(
        f"no corpus row, trace or probe answer below {root} has an id that begins with {row_id!r}; tables and reports name them"
    )


def _trace_of_corpus_row(root: Path, row_id: str) -> str:
    for finished in reversed(tables(root, "corpus")):
        for row in finished.table.read(["row_id", "provenance"]).to_pylist():
            if row["row_id"].startswith(row_id):
                return str(row["provenance"]["trace_id"])
    return ""


def _recorded(root: Path, finished: Finished, trace_id: str, prompt_id: str) -> Recorded:
    spec = AskedSpec.model_validate(
        json.loads((finished.table.path / MANIFEST).read_bytes())["spec"]
    )
    prompts = _by_digest(root, "prompts", finished.inputs["prompts"])
    adapter, model, row = _asked(root, prompts.table, spec, trace_id, prompt_id)
    journal = finished.inputs[f"{MODEL}{model.name}"]
    answered = Journal(root / JOURNALS / f"{journal}.sqlite").read(trace_id)
    passages, questions = (
        _by_digest(root, stage, prompts.inputs[stage]).table for stage in ("passages", "questions")
    )
    return Recorded(row, answered, model, adapter, prompts.table, passages, questions)


def _asked(
    root: Path, prompts: Table, spec: AskedSpec, trace_id: str, prompt_id: str
) -> tuple[Adapter | None, NamedModel, Row]:
    """Return the adapter, if any, and the model under which this prompt gives the trace its id, and
    the row as it was asked.
    """
    models = [NamedModel(name, model) for name, model in spec.models.items()]
    own = prompts.read().filter(pa.compute.field("prompt_id") == prompt_id)
    for adapter in (None, *(adapter_of(one.table) for one in reversed(tables(root, "adapters")))):
        for model in models:
            for row in plan_rows(own, spec.traces, model, adapter, shard_rows=1):
                if row.ask.key == trace_id:
                    return adapter, model, row
    raise _gone("model or adapter", trace_id)


def _by_digest(root: Path, stage: str, due: str) -> Finished:
    for one in reversed(tables(root, stage)):
        if one.table.digest == due:
            return one
    raise _gone(f"table of {stage}", due)


def _gone(what: str, due: str) -> EmptyTable:
    return EmptyTable(
        f"the {what} that the row was made of ({due}) is no longer in the store, or its files have changed; build again"
    )
