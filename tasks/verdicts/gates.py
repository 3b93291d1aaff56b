"""Every gate asked of every trace: Arrow in, verdicts out."""

import gc
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures.process import BrokenProcessPool
from functools import partial
from typing import NamedTuple, TypeVar

import pyarrow as pa
from pydantic import Field

from tasks import rows
from tasks.errors import JudgeLost
from tasks.progress import counted
from tasks.spec import Spec
from tasks.store import Made
from tasks.stream import map_shards, shards
from tasks.text_faults import FluencySpec
from tasks.trace_context import Row, contexts
from tasks.verdicts.attribution import attribution
from tasks.verdicts.case import Case, Passage, Verdict, not_checked, verdict
from tasks.verdicts.citations import CitationSpec, citations
from tasks.verdicts.closed_book import closed_book
from tasks.verdicts.completeness import completeness
from tasks.verdicts.consistency import consistency
from tasks.verdicts.correctness import correctness
from tasks.verdicts.evidence import EvidenceSpec, grounding
from tasks.verdicts.fluency import fluency
from tasks.verdicts.leakage import leakage
from tasks.verdicts.quotations import QuotationSpec, quotations
from tasks.verdicts.relevance import RelevanceSpec, relevance
from tasks.verdicts.structure import StructureSpec, structure

SHARD_ROWS = 256
Result = TypeVar("Result")
TRACE = ["trace_id", "prompt_id", "think", "answer", "raw", "fault", "parsed"]
"""Columns of TRACES that the gates read."""


class VerdictSpec(Spec):
    """The gates' settings; every gate judges every trace."""

    structure: StructureSpec = StructureSpec()
    """Think block, answer, lengths."""
    fluency: FluencySpec = FluencySpec()
    """Loops, run-together words, mojibake, script drift."""
    citations: CitationSpec = CitationSpec()
    """Cited sections."""
    quotations: QuotationSpec = QuotationSpec()
    """What reads like a quotation of a passage, and must be one."""
    evidence: EvidenceSpec = EvidenceSpec()
    """What the passages must hold."""
    relevance: RelevanceSpec = RelevanceSpec()
    """Whether the answer addresses its question, and is whole."""
    plants: int = Field(60, ge=0)
    """Rows of every family in which faults are planted to measure the gates; 0 measures nothing."""


Gate = Callable[[Case, VerdictSpec, frozenset[str]], Verdict]

GATES: tuple[Gate, ...] = (
    lambda case, spec, families: leakage(case, families),
    lambda case, spec, families: audited(case),
    lambda case, spec, families: structure(case, spec.structure),
    lambda case, spec, families: fluency(case, spec.fluency),
    lambda case, spec, families: closed_book(case),
    lambda case, spec, families: citations(case, spec.citations),
    lambda case, spec, families: quotations(case, spec.quotations),
    lambda case, spec, families: grounding(case, spec.evidence, spec.citations),
    lambda case, spec, families: attribution(case, spec.evidence, spec.citations),
    lambda case, spec, families: relevance(case, spec.relevance, spec.citations),
    lambda case, spec, families: completeness(case, spec.relevance, spec.citations),
    lambda case, spec, families: consistency(case, spec.citations),
    lambda case, spec, families: correctness(case),
)
"""In the order in which a trace's faults are named: the first failing gate gives the reason it is
counted under.
"""


class Judged(NamedTuple):
    """The verdicts on a shard of traces. verdicts: VERDICTS. faults: of each trace that failed, the
    first (trace_id, reason, words for a person).
    """

    traces: int
    verdicts: pa.Table
    faults: list[tuple[str, str, str]]


def judge(
    traces: Iterable[pa.RecordBatch],
    prompts: pa.Table,
    passages: pa.Table,
    questions: pa.Table,
    audits: pa.Table,
    spec: VerdictSpec,
    *,
    total: int = 0,
) -> Made:
    """Return one verdict per trace and gate; a trace that fails one is rejected with its first
    reason.

    traces: batches of TRACES, of which few are in memory at a time. total: traces in all, for the
    progress; 0 if it is not known.
    """
    cases = cases_of(traces, prompts, passages, questions, suspicions(audits))
    families = frozenset(prompts["family"].to_pylist())
    judged = list(on_all_cores(partial(judged_shard, spec=spec, families=families), cases, total))
    faults = [fault for shard in judged for fault in shard.faults]
    rows_in = sum(shard.traces for shard in judged)
    parts = [shard.verdicts for shard in judged]
    return Made(
        {"verdicts": pa.concat_tables([*parts, rows.VERDICTS.empty_table()])},
        rows.VERDICTS,
        rows.rejected(faults),
        rows_in=rows_in,
        rows_out=rows_in - len(faults),
    )


def on_all_cores(
    work: Callable[[list[Case]], Result], cases: Iterable[Case], total: int
) -> Iterator[Result]:
    """Yield the result of the work for every shard of cases, in order, from worker processes.

    Verdicts cost CPU, and math-verify needs a main thread of its own. total: cases in all, 0 if it
    is not known. Raises JudgeLost if a worker dies.
    """
    made = map_shards(work, shards(cases, SHARD_ROWS), most=-(-total // SHARD_ROWS))
    try:
        yield from counted(made, total=total, of=SHARD_ROWS)
    except BrokenProcessPool as exc:
        raise JudgeLost(
            "a process that judged traces was killed; if memory was short, free some, then run "
            "again"
        ) from exc


def audited(case: Case) -> Verdict:
    """Return the audit's word on a trace; a trace judged alone was never audited."""
    if case.suspicion is None:
        return not_checked("audit", "needs_all_traces")
    return verdict("audit", case.suspicion, 0)


def judge_case(case: Case, spec: VerdictSpec, families: frozenset[str]) -> list[Verdict]:
    """Return every gate's verdict on one trace."""
    return [gate(case, spec, families) for gate in GATES]


def judge_shard(
    cases: list[Case], spec: VerdictSpec, families: frozenset[str]
) -> list[list[Verdict]]:
    """Return every gate's verdict on each of the traces.

    The gates make no reference cycles. A third of their time went into the search for some among
    the tokens that they remember, so that the search waits until the shard is done.
    """
    gc.disable()
    try:
        return [judge_case(case, spec, families) for case in cases]
    finally:
        gc.enable()


def judged_shard(cases: list[Case], *, spec: VerdictSpec, families: frozenset[str]) -> Judged:
    """Return the verdicts on a shard as a table, and its faults."""
    found = judge_shard(cases, spec, families)
    made = [
        {"trace_id": case.trace_id, **one.columns()}
        for case, verdicts in zip(cases, found, strict=True)
        for one in verdicts
    ]
    faults = []
    for case, verdicts in zip(cases, found, strict=True):
        if first := next((one for one in verdicts if one.failed), None):
            faults.append((case.trace_id, first.reason, first.told))
    return Judged(len(cases), rows.table_of(made, rows.VERDICTS), faults)


def suspicions(audits: pa.Table) -> dict[str, str]:
    """Return trace → the first reason that the audit gives."""
    return {row["trace_id"]: row["reason"] for row in reversed(audits.to_pylist())}


def cases_of(
    traces: Iterable[pa.RecordBatch],
    prompts: pa.Table,
    passages: pa.Table,
    questions: pa.Table,
    suspected: Mapping[str, str] | None = None,
) -> Iterator[Case]:
    """Yield every trace joined with its prompt, the passages it was shown and the known answers.

    traces: batches with the columns TRACE. suspected: trace → what the audit found in it; None when
    no audit has looked.
    """
    joined = contexts(
        traces,
        prompts,
        passages.select(["passage_id", "section", "heading", "text"]),
        questions.select(["question_id", "accepted", "answer_type"]),
    )
    for trace, prompt, shown, question in joined:
        yield Case(
            **{name: trace[name] for name in TRACE if name != "prompt_id"},
            prompt=prompt["messages"][-1]["content"],
            question=prompt["question"],
            family=prompt["family"],
            cell=prompt["cell"],
            canary=prompt["canary"],
            closed_book=bool(prompt["row_messages"]),
            passages=tuple(Passage(one["section"], one["text"], one["heading"]) for one in shown),
            accepted=_accepted(question) if question else (),
            answer_type=question["answer_type"] if question else "text",
            suspicion=None if suspected is None else suspected.get(trace["trace_id"], ""),
        )


def _accepted(question: Row) -> tuple[str, ...]:
    """Return the answers that are compared; a reference is a whole text, and no answer is equal."""
    return () if question["answer_type"] == "reference" else tuple(question["accepted"])
