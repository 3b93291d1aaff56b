"""From prompts to traces: send a request per sample, save the answers in journals, make TRACES."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
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
from tasks.stream import shards

REASONS = {
    "prompt_too_long": "prompt_too_long",
    "refused": "refused_by_endpoint",
    "length": "cut_answer",
}
"""Finish reason of a completion to the reason of its rejection."""


class TraceSpec(Spec):
    """Settings of the traces: the models, the number of answers, and what is kept."""

    models: tuple[ModelName, ...] = Field(("teacher",), min_length=1)
    """Names of the models; each one answers every prompt."""
    samples: int = Field(4, ge=1, le=64)
    """Answers per prompt and model. The corpus keeps the best one that passes the gates."""
    keep_cut: bool = False
    """Keep answers that max_tokens cut, as traces with a fault. Else they are rejected as
    cut_answer.
    """
    seed: int = Field(0, ge=0)
    """Seed of the sampling. The seed of a request depends on it, the prompt and the sample number.
    """


class PlannedTrace(NamedTuple):
    """A trace to generate.

    model: name of the model that answers. sample: number among the model's answers to the prompt.
    """

    ask: Ask
    prompt_id: str
    model: str
    sample: int


@dataclass(frozen=True)
class Generated:
    """Traces (TRACES), rejected rows (REJECTED), and the work of this run.

    requests, completion_tokens, seconds: of this run, without answers found in the journals.
    """

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
    """Return all traces of the prompts; send only the requests whose answers the journals lack.

    prompts: PROMPTS, read shard_rows at a time. models: asked one after the other, so that one
    engine at a time is loaded. Raises EngineLost or EndpointUnreachable; the journals then keep the
    answers that were finished.
    """
    by_model = [
        _generate_one(
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
        traces=pa.concat_tables([one.traces for one in by_model]),
        rejected=pa.concat_tables([one.rejected for one in by_model]),
        requests=sum(one.requests for one in by_model),
        completion_tokens=sum(one.completion_tokens for one in by_model),
        seconds=sum(one.seconds for one in by_model),
    )


def _generate_one(
    prompts: pa.Table,
    spec: TraceSpec,
    named: NamedModel,
    *,
    journals: Path,
    progress: Progress,
    adapter: Adapter | None,
    shard_rows: int,
) -> Generated:
    """Return the traces of one model."""

    def planned() -> Iterator[PlannedTrace]:
        return plan_traces(prompts, spec, named, adapter, shard_rows=shard_rows)

    with complete(
        lambda: (one.ask for one in planned()),
        named.model,
        placement=named.placement,
        journals=journals,
        progress=progress,
        adapter=adapter,
    ) as completions:
        traces, rejected = collect(planned(), completions, keep_cut=spec.keep_cut)
    return Generated(
        traces, rejected, completions.requests, completions.tokens, completions.seconds
    )


def plan_traces(
    prompts: pa.Table,
    spec: TraceSpec,
    named: NamedModel,
    adapter: Adapter | None = None,
    *,
    shard_rows: int,
) -> Iterator[PlannedTrace]:
    """Yield the traces that a model is to generate: every sample of every prompt, in table order.

    prompts: PROMPTS, read shard_rows at a time.
    """
    teacher = teacher_digest(named.model, adapter)
    columns = prompts.select(["prompt_id", "messages", "control"])
    for shard in columns.to_batches(max_chunksize=shard_rows):
        for prompt in shard.to_pylist():
            # Control prompts are sent without instructions of the recipe, such as a system prompt.
            system = () if prompt["control"] else _system_messages(named)
            messages = (*system, *prompt["messages"])
            content = canonical([dict(message) for message in messages])
            for sample in range(spec.samples):
                seed = draw_seed(spec.seed, prompt["prompt_id"], sample)
                ask = Ask(digest(teacher, content, str(seed)), messages, seed)
                yield PlannedTrace(ask, prompt["prompt_id"], named.name, sample)


def _system_messages(named: NamedModel) -> tuple[Message, ...]:
    text = named.model.system_prompt
    return ({"role": "system", "content": text},) if text else ()


def collect(
    planned: Iterable[PlannedTrace], completions: Completions, *, keep_cut: bool = False
) -> tuple[pa.Table, pa.Table]:
    """Return the tables TRACES and REJECTED, in the order of `planned`.

    keep_cut: see `TraceSpec`.
    """
    traces: list[pa.Table] = []
    rejected: list[rows.Rejected] = []
    for shard in shards(planned, rows.CHUNK_ROWS):
        shard_traces, shard_rejected = _collect_shard(shard, completions, keep_cut=keep_cut)
        traces.append(shard_traces)
        rejected += shard_rejected
    return pa.concat_tables([*traces, rows.table_of([], rows.TRACES)]), rows.rejected(rejected)


def _collect_shard(
    planned: Sequence[PlannedTrace], completions: Completions, *, keep_cut: bool
) -> tuple[pa.Table, list[rows.Rejected]]:
    traces, rejected = [], []
    for one in planned:
        completion = completions[one.ask.key]
        reason = reject_reason(completion)
        if reason and not (keep_cut and completion.finish_reason == "length"):
            rejected.append(_rejected(one, completion, reason))
        else:
            traces.append(trace_of(one, completion))
    return rows.table_of(traces, rows.TRACES), rejected


def _rejected(planned: PlannedTrace, completion: Completion, reason: str) -> rows.Rejected:
    end = completion.text[-200:]
    detail = f"prompt {planned.prompt_id}, {planned.model}, sample {planned.sample}: {end}"
    return rows.Rejected(planned.ask.key, reason, detail, parent_id=planned.prompt_id)


def ids_of(traces: Table) -> Iterator[tuple[str, str]]:
    """Yield (trace_id, prompt_id) of every trace of a table, then of every rejected one."""
    for row in traces.read(["trace_id", "prompt_id"]).to_pylist():
        yield row["trace_id"], row["prompt_id"]
    for row in traces.read_rejected().to_pylist():
        yield row["row_id"], row["parent_id"]


def reject_reason(completion: Completion) -> str:
    """Return why a completion cannot be a trace, "" if it can.

    >>> reject_reason(Completion("key", "Four.", "length", prompt_tokens=9, completion_tokens=2))
    'cut_answer'
    """
    if completion.finish_reason in REASONS:
        return REASONS[completion.finish_reason]
    return "" if completion.text.strip() else "empty_answer"


def trace_of(planned: PlannedTrace, completion: Completion) -> Mapping[str, object]:
    """Return a completion as a row of TRACES; `fault` names what breaks the grammar of traces."""
    parsed = think.split_harmony(completion.text) or think.split(completion.text)
    return {
        "trace_id": planned.ask.key,
        "prompt_id": planned.prompt_id,
        "model": planned.model,
        "sample": planned.sample,
        "think": parsed.think,
        "answer": parsed.answer,
        "raw": completion.text,
        "fault": parsed.fault or "",
        "parsed": completion.parsed,
        "finish_reason": completion.finish_reason,
        "prompt_tokens": completion.prompt_tokens,
        "completion_tokens": completion.completion_tokens,
        "seed": planned.ask.seed,
    }
