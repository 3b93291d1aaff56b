"""From prompts to traces: a full window of requests, a journal of what is finished, a table made
from the journal.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import NamedTuple

import pyarrow as pa
from pydantic import Field

from tasks import rows, think
from tasks.inference.complete import Completions, complete, teacher_digest
from tasks.inference.engine import (
    Adapter,
    Ask,
    Completion,
    Message,
    ModelName,
    NamedModel,
)
from tasks.progress import Progress
from tasks.spec import Spec, canonical, digest, draw_seed
from tasks.store import Table

REJECTS = {
    "prompt_too_long": "prompt_too_long",
    "refused": "refused_by_endpoint",
    "length": "cut_answer",
}


class TraceSpec(Spec):
    """What is asked of the teacher for every prompt."""

    models: tuple[ModelName, ...] = Field(("teacher",), min_length=1)
    """Names of the models that answer; each one answers every prompt."""
    samples: int = Field(4, ge=1, le=64)
    """Answers of each model to each prompt; the best one that passes is kept."""
    keep_cut: bool = False
    """Keep an answer that max_tokens cut as a trace with its fault, as a probe must; else it is
    rejected as cut_answer.
    """
    seed: int = Field(0, ge=0)
    """Seed of the run; every row's own seed is drawn from it, the prompt and the sample number."""


class Row(NamedTuple):
    """One trace to be: its request, the prompt it belongs to, the name of the model that answers,
    its number among that model's samples.
    """

    ask: Ask
    prompt_id: str
    model: str
    sample: int


@dataclass(frozen=True)
class Generated:
    """The traces, the rejected rows, and what this run (not the journal) asked and received."""

    traces: pa.Table
    rejected: pa.Table
    requests: int
    completion_tokens: int
    seconds: float


def generate(
    prompts: pa.Table,
    spec: TraceSpec,
    models: Sequence[NamedModel],
    *,
    journals: Path,
    progress: Progress,
    adapter: Adapter | None = None,
    shard_rows: int = 512,
) -> Generated:
    """Return every trace of every prompt, asking only for rows the journals do not hold.

    prompts: PROMPTS, read shard_rows at a time; the window of requests stays open across shards.
    models: asked one after the other, so that one engine is loaded at a time. Raises EngineLost or
    EndpointUnreachable; what was finished by then is in the journal.
    """
    several = [
        _generated(
            prompts,
            spec,
            one,
            journals=journals,
            progress=progress,
            adapter=adapter,
            shard_rows=shard_rows,
        )
        for one in models
    ]
    return Generated(
        pa.concat_tables([one.traces for one in several]),
        pa.concat_tables([one.rejected for one in several]),
        sum(one.requests for one in several),
        sum(one.completion_tokens for one in several),
        sum(one.seconds for one in several),
    )


def _generated(
    prompts: pa.Table,
    spec: TraceSpec,
    named: NamedModel,
    *,
    journals: Path,
    progress: Progress,
    adapter: Adapter | None,
    shard_rows: int,
) -> Generated:
    """Return one model's traces of every prompt."""

    def planned() -> Iterator[Row]:
        return plan_rows(prompts, spec, named, adapter, shard_rows=shard_rows)

    with complete(
        lambda: (row.ask for row in planned()),
        named.model,
        placement=named.placement,
        journals=journals,
        progress=progress,
        adapter=adapter,
    ) as given:
        traces, rejected = collect(planned(), given, keep_cut=spec.keep_cut)
    return Generated(traces, rejected, given.requests, given.tokens, given.seconds)


def plan_rows(
    prompts: pa.Table,
    spec: TraceSpec,
    named: NamedModel,
    adapter: Adapter | None = None,
    *,
    shard_rows: int,
) -> Iterator[Row]:
    """Yield a row for every sample that a model answers of every prompt, in the table's order."""
    teacher = teacher_digest(named.model, adapter)
    system: tuple[Message, ...] = (
        ({"role": "system", "content": named.model.system_prompt},)
        if named.model.system_prompt
        else ()
    )
    for shard in prompts.select(["prompt_id", "messages", "control"]).to_batches(
        max_chunksize=shard_rows
    ):
        for prompt in shard.to_pylist():
            # The control arm is asked without any instruction of ours, and a system prompt is one.
            whole = (*(() if prompt["control"] else system), *prompt["messages"])
            content = canonical([dict(message) for message in whole])
            for sample in range(spec.samples):
                seed = draw_seed(spec.seed, prompt["prompt_id"], sample)
                yield Row(
                    Ask(digest(teacher, content, str(seed)), whole, seed),
                    prompt["prompt_id"],
                    named.name,
                    sample,
                )


def collect(
    asked: Iterable[Row], given: Completions, *, keep_cut: bool = False
) -> tuple[pa.Table, pa.Table]:
    """Return (traces, rejected) in the order asked, whatever the order of completion was."""
    traces: list[pa.Table] = []
    rejected: list[rows.Rejected] = []
    left = iter(asked)
    while several := list(islice(left, rows.CHUNK_ROWS)):
        kept, dropped = _collected(several, given, keep_cut=keep_cut)
        traces.append(kept)
        rejected += dropped
    return pa.concat_tables([*traces, rows.table_of([], rows.TRACES)]), rows.rejected(rejected)


def _collected(
    asked: Sequence[Row], given: Completions, *, keep_cut: bool
) -> tuple[pa.Table, list[rows.Rejected]]:
    traces, rejected = [], []
    for row in asked:
        completion = given[row.ask.key]
        reason = reject_reason(completion)
        if reason and not (keep_cut and completion.finish_reason == "length"):
            detail = f"prompt {row.prompt_id}, {row.model}, sample {row.sample}: {completion.text[-200:]}"
            rejected.append(rows.Rejected(row.ask.key, reason, detail, parent_id=row.prompt_id))
        else:
            traces.append(trace_of(row, completion))
    return rows.table_of(traces, rows.TRACES), rejected


def ids_of(traces: Table) -> Iterator[tuple[str, str]]:
    """Yield (trace_id, prompt_id) of every trace, the rejected ones too."""
    for row in traces.read(["trace_id", "prompt_id"]).to_pylist():
        yield row["trace_id"], row["prompt_id"]
    for row in traces.read_rejected().to_pylist():
        yield row["row_id"], row["parent_id"]


def reject_reason(completion: Completion) -> str:
    """Return why an answer cannot be a trace, or an empty string."""
    if completion.finish_reason in REJECTS:
        return REJECTS[completion.finish_reason]
    return "" if completion.text.strip() else "empty_answer"


def trace_of(row: Row, completion: Completion) -> dict[str, object]:
    """Return one row of TRACES; a trace that breaks the grammar is kept with its fault for the
    gates to judge.
    """
    parsed = think.split_harmony(completion.text) or think.split(completion.text)
    return {
        "trace_id": row.ask.key,
        "prompt_id": row.prompt_id,
        "model": row.model,
        "sample": row.sample,
        "think": parsed.think,
        "answer": parsed.answer,
        "raw": completion.text,
        "fault": parsed.fault or "",
        "parsed": completion.parsed,
        "finish_reason": completion.finish_reason,
        "prompt_tokens": completion.prompt_tokens,
        "completion_tokens": completion.completion_tokens,
        "seed": row.ask.seed,
    }
