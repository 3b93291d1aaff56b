"""Find one row in the store, ask its model again, and judge both answers."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
from pydantic import BaseModel, ValidationError

from tasks import rows
from tasks.errors import EmptyTable, SchemaMismatch, UnknownName
from tasks.inference.alone import answer_alone
from tasks.inference.complete import JOURNALS
from tasks.inference.engine import Adapter, Completion, EnginePlacement, NamedModel
from tasks.inference.journal import Journal
from tasks.manifest import MANIFEST
from tasks.store import Finished, Table, tables
from tasks.traces.generate import PlannedTrace, ids_of, plan_traces, trace_of
from tasks.traces.task import MODEL, AskedSpec
from tasks.train.adapter import adapter_of
from tasks.verdicts.case import NOT_CHECKED, Verdict
from tasks.verdicts.gates import VerdictSpec, cases_of, judge_case

LEAST_ID = 6
"""Digits of an id that a user must give, at least."""


@dataclass(frozen=True)
class Recorded:
    """A stored trace with everything that it was made from. answered: its recorded completion."""

    row: PlannedTrace
    answered: Completion
    model: NamedModel
    adapter: Adapter | None
    prompts: Table
    passages: Table
    questions: Table


class Reproduction(BaseModel):
    """A row with its recorded answer and a new one.

    recorded: the recorded text. shown: the new raw output. recorded_nats: see `SingleAnswer`.
    verdicts: gate → (verdict on the recorded answer, verdict on the new one).
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
    """Return one row with its recorded answer and a new answer of the same model.

    row_id: id of a corpus row, a trace or a probe's answer, or its first digits. placements: of
    models, by name. Raises UnknownName if no row has the id.
    """
    found = find_row(root.absolute(), row_id)
    ask, named = found.row.ask, _placed(found.model, placements)
    again = answer_alone(
        ask, named.model, named.placement, found.adapter, recorded=found.answered.text
    )
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
            one.gate: (_shown(one), _shown(other)) for one, other in zip(then, now, strict=True)
        },
    )


def _placed(named: NamedModel, placements: Mapping[str, EnginePlacement]) -> NamedModel:
    return named._replace(placement=placements.get(named.name, named.placement))


def verdicts(found: Recorded, completion: Completion, spec: VerdictSpec) -> list[Verdict]:
    """Return the verdicts of the gates on a completion of a row.

    The audit is left out, because it needs all rows at once.
    """
    trace = rows.table_of([trace_of(found.row, completion)], rows.TRACES)
    prompts = found.prompts.read()
    (case,) = cases_of(trace.to_batches(), prompts, found.passages.read(), found.questions.read())
    return judge_case(case, spec, frozenset(prompts["family"].to_pylist()))


def _shown(one: Verdict) -> str:
    """Return a verdict for a person: passed, the fault, or why nothing was checked."""
    if one.state == NOT_CHECKED:
        return f"not checked: {one.reason}"
    return one.reason or "passed"


def find_row(root: Path, row_id: str) -> Recorded:
    """Return the row of an id, from the newest table that has it. Raises UnknownName."""
    if len(row_id) < LEAST_ID:
        raise UnknownName(
            f"the id {row_id!r} is too short; give at least its first {LEAST_ID} digits"
        )
    wanted = _trace_of_corpus_row(root, row_id) or row_id
    for finished in reversed(tables(root, "traces")):
        for trace_id, prompt_id in ids_of(finished.table):
            if trace_id.startswith(wanted):
                return _recorded(root, finished, trace_id, prompt_id)
    raise UnknownName(
        f"no corpus row, trace or probe answer below {root} has an id that begins with "
        f"{row_id!r}; tables and reports show the ids"
    )


def _trace_of_corpus_row(root: Path, row_id: str) -> str:
    for finished in reversed(tables(root, "corpus")):
        for row in finished.table.read(["row_id", "provenance"]).to_pylist():
            if row["row_id"].startswith(row_id):
                return str(row["provenance"]["trace_id"])
    return ""


def _recorded(root: Path, finished: Finished, trace_id: str, prompt_id: str) -> Recorded:
    spec = _asked_spec(finished.table)
    prompts = _by_digest(root, "prompts", finished.inputs["prompts"])
    adapter, model, row = _planned(root, prompts.table, spec, trace_id, prompt_id)
    journal = finished.inputs[f"{MODEL}{model.name}"]
    answered = Journal(root / JOURNALS / f"{journal}.sqlite").read(trace_id)
    passages, questions = (
        _by_digest(root, stage, prompts.inputs[stage]).table for stage in ("passages", "questions")
    )
    return Recorded(row, answered, model, adapter, prompts.table, passages, questions)


def _asked_spec(traces: Table) -> AskedSpec:
    """Return the settings of TRACES; SchemaMismatch if an older version wrote them."""
    manifest = json.loads((traces.path / MANIFEST).read_bytes())
    try:
        return AskedSpec.model_validate(manifest["spec"])
    except ValidationError as exc:
        raise SchemaMismatch(
            f"{traces.path} was written by an older version, which gave models no names; "
            "build again"
        ) from exc


def _planned(
    root: Path, prompts: Table, spec: AskedSpec, trace_id: str, prompt_id: str
) -> tuple[Adapter | None, NamedModel, PlannedTrace]:
    """Return the adapter (or None), the model and the planned trace that give this trace id."""
    models = [NamedModel(name, model) for name, model in spec.models.items()]
    own = prompts.read().filter(pa.compute.field("prompt_id") == prompt_id)
    trained = (adapter_of(one.table) for one in reversed(tables(root, "adapters")))
    for adapter in (None, *trained):
        for model in models:
            for row in plan_traces(own, spec.traces, model, adapter, shard_rows=1):
                if row.ask.key == trace_id:
                    return adapter, model, row
    raise _missing("model or adapter", trace_id)


def _by_digest(root: Path, stage: str, digest: str) -> Finished:
    for one in reversed(tables(root, stage)):
        if one.table.digest == digest:
            return one
    raise _missing(f"table of {stage}", digest)


def _missing(what: str, identity: str) -> EmptyTable:
    return EmptyTable(
        f"the {what} of this row ({identity}) is no longer in the store, or its files have "
        "changed; build again"
    )
