"""The verdicts' door."""

import logging
from pathlib import Path

from prefect import task

from tasks.artifacts import leave_table
from tasks.inference.complete import JOURNALS
from tasks.inference.engine import EnginePlacement
from tasks.spec import digest
from tasks.stage import STAGE, settle
from tasks.store import Key, Made, Table, digests
from tasks.verdicts.audit.traces import (
    TraceAuditSpec,
    audit_table,
    origin,
    refuse_leaks,
    stopping_patterns,
    told_suspects,
)
from tasks.verdicts.coherence import CoherenceSpec, judge_digest
from tasks.verdicts.gates import VerdictSpec, judge
from tasks.verdicts.opinions import opinions_table
from tasks.verdicts.worth import gates_table

CODE_VERSION = 6
AUDIT_VERSION, COHERENCE_VERSION, GATE_CHECKS_VERSION = 5, 4, 3


@task(**STAGE)
def judge_traces(
    traces: Table,
    prompts: Table,
    passages: Table,
    questions: Table,
    audits: Table,
    spec: VerdictSpec,
    root: Path,
) -> Table:
    """Put every trace before every gate."""
    read = {
        "traces": traces,
        "prompts": prompts,
        "passages": passages,
        "questions": questions,
        "audits": audits,
    }
    key = Key("verdicts", CODE_VERSION, spec, digests(read))
    return settle(
        root,
        key,
        lambda: judge(
            traces.read(), prompts.read(), passages.read(), questions.read(), audits.read(), spec
        ),
    )


@task(**STAGE)
def measure_gates(
    traces: Table,
    prompts: Table,
    passages: Table,
    questions: Table,
    verdicts: Table,
    spec: VerdictSpec,
    root: Path,
) -> Table:
    """Plant faults in rows that passed and count how many the gates find."""
    read = {
        "traces": traces,
        "prompts": prompts,
        "passages": passages,
        "questions": questions,
        "verdicts": verdicts,
    }
    key = Key("gates", GATE_CHECKS_VERSION, spec, digests(read))
    return settle(
        root,
        key,
        lambda: gates_table(
            traces.read(), prompts.read(), passages.read(), questions.read(), verdicts.read(), spec
        ),
    )


@task(**STAGE)
def audit_traces(
    traces: Table,
    prompts: Table,
    baselines: tuple[Table, ...],
    spec: TraceAuditSpec,
    root: Path,
    recipe: str,
    scores: Table | None = None,
) -> Table:
    """Put all traces before the audit at once. The table is kept either way; refuse_leaky_traces ends the run that leaks.

    recipe: its name, for the page, and no part of the key. scores: the teacher's, None where unasked.
    """
    baselines_digest = digest(*sorted(table.digest for table in baselines))
    inputs = digests({"traces": traces, "prompts": prompts}) | {"baselines": baselines_digest}
    inputs |= {"scores": scores.digest} if scores else {}
    key = Key("audits", AUDIT_VERSION, spec, inputs)
    facts = origin(recipe, key.fingerprint, traces, prompts, baselines)

    def made() -> Made:
        control, said = [table.read() for table in baselines], scores.read() if scores else None
        return audit_table(traces.read(), prompts.read(), control, spec, facts, scores=said)

    return settle(root, key, made)


@task(name="refuse_leaky_traces")
def refuse_leaky_traces(audits: Table, spec: TraceAuditSpec) -> None:
    """Raise GateBroken on a pattern of the whole corpus, with the evidence as an artifact; the audited tables stay for reading."""
    evidence = stopping_patterns(audits, spec)
    if suspects := told_suspects(audits):
        logging.getLogger(__name__).warning("%s", suspects)
    if evidence:
        leave_table(
            evidence,
            key="leaks",
            description=f"what leaked, with examples: audits `{audits.fingerprint}`",
        )
    refuse_leaks(audits, evidence)


@task(**STAGE)
def judge_coherence(
    traces: Table, prompts: Table, passages: Table, questions: Table, verdicts: Table, spec: CoherenceSpec, placement: EnginePlacement, root: Path
) -> Table:  # fmt: skip
    """Put a sample of the passing traces before a judge; empty when the recipe asks none."""
    read = {
        "traces": traces,
        "prompts": prompts,
        "passages": passages,
        "questions": questions,
        "verdicts": verdicts,
    }
    key = Key(
        "coherence",
        COHERENCE_VERSION,
        spec,
        digests(read) | {"judge": judge_digest(spec)},
    )

    def make() -> Made:
        return opinions_table(
            traces.read(),
            prompts.read(),
            passages.read(),
            questions.read(),
            verdicts.read(),
            spec,
            placement,
            journals=root / JOURNALS,
        )

    return settle(root, key, make, on_gpu=True)
