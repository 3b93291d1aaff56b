"""Every gate asked of every trace: Arrow in, verdicts out."""

import gc
import os
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures.process import BrokenProcessPool

import pyarrow as pa
from pydantic import Field

from tasks import processes, rows
from tasks.errors import JudgeLost
from tasks.progress import counted
from tasks.spec import Spec
from tasks.store import Made
from tasks.text_faults import FluencySpec
from tasks.verdicts.attribution import attribution
from tasks.verdicts.case import Case, Passage, Verdict, not_checked, verdict
from tasks.verdicts.citations import CitationSpec, citations
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


def judge(
    traces: pa.Table,
    prompts: pa.Table,
    passages: pa.Table,
    questions: pa.Table,
    audits: pa.Table,
    spec: VerdictSpec,
) -> Made:
    """Return one verdict a trace a gate; traces that fail one are in the sister table under their
    first reason.
    """
    cases = list(cases_of(traces, prompts, passages, questions, suspicions(audits)))
    families = frozenset(prompts["family"].to_pylist())
    verdicts = [one for several in judged(cases, spec, families) for one in several]
    faults = [
        (case.trace_id, first.reason, first.told)
        for case, first in _first_failures(cases, verdicts)
    ]
    table = rows.table_of(
        [_row(case, one) for case, one in zip(_repeated(cases), verdicts, strict=True)],
        rows.VERDICTS,
    )
    return Made(
        {"verdicts": table},
        rows.VERDICTS,
        rows.rejected(faults),
        rows_in=len(cases),
        rows_out=len(cases) - len(faults),
    )


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


def suspicions(audits: pa.Table) -> dict[str, str]:
    """Return trace → the first reason that the audit gives."""
    return {row["trace_id"]: row["reason"] for row in reversed(audits.to_pylist())}


def cases_of(
    traces: pa.Table,
    prompts: pa.Table,
    passages: pa.Table,
    questions: pa.Table,
    suspected: Mapping[str, str] | None = None,
) -> Iterator[Case]:
    """Yield every trace joined with its prompt, the passages it was shown and the known answers.

    suspected: trace → what the audit found in it; None when no audit has looked.
    """
    asked = {row["prompt_id"]: row for row in prompts.to_pylist()}
    shown = {
        row["passage_id"]: Passage(row["section"], row["text"], row["heading"])
        for row in passages.select(["passage_id", "section", "heading", "text"]).to_pylist()
    }
    known = {
        row["question_id"]: row
        for row in questions.select(["question_id", "accepted", "answer_type"]).to_pylist()
    }
    for trace in traces.select(
        ["trace_id", "prompt_id", "think", "answer", "raw", "fault", "parsed"]
    ).to_pylist():
        prompt = asked[trace.pop("prompt_id")]
        question = known.get(prompt["question_id"], {"accepted": [], "answer_type": "text"})
        yield Case(
            **trace,
            prompt=prompt["messages"][-1]["content"],
            question=prompt["question"],
            family=prompt["family"],
            cell=prompt["cell"],
            canary=prompt["canary"],
            passages=tuple(shown[passage_id] for passage_id in prompt["passage_ids"]),
            accepted=tuple(question["accepted"]),
            answer_type=question["answer_type"],
            suspicion=None if suspected is None else suspected.get(trace["trace_id"], ""),
        )


def judged(cases: list[Case], spec: VerdictSpec, families: frozenset[str]) -> list[list[Verdict]]:
    """Return every gate's verdict on each trace, made in worker processes.

    Verdicts cost CPU, and math-verify needs a main thread of its own. Raises JudgeLost when a
    worker dies.
    """
    shards = [cases[low : low + SHARD_ROWS] for low in range(0, len(cases), SHARD_ROWS)]
    workers = max(1, min(len(shards), os.cpu_count() or 1))
    try:
        with processes.pool(workers) as pool:
            made = pool.map(judge_shard, shards, [spec] * len(shards), [families] * len(shards))
            found = counted(made, total=len(cases), of=SHARD_ROWS)
            return [one for several in found for one in several]
    except BrokenProcessPool as exc:
        raise JudgeLost(
            "a process that judged traces was killed; where memory was short, free some, then run again"
        ) from exc


def _first_failures(cases: list[Case], verdicts: list[Verdict]) -> Iterator[tuple[Case, Verdict]]:
    for number, case in enumerate(cases):
        own = verdicts[number * len(GATES) : (number + 1) * len(GATES)]
        if failed := next((one for one in own if one.failed), None):
            yield case, failed


def _repeated(cases: list[Case]) -> Iterator[Case]:
    return (case for case in cases for _ in GATES)


def _row(case: Case, one: Verdict) -> dict[str, object]:
    return {"trace_id": case.trace_id, **one.columns()}
