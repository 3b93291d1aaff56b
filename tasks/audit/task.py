"""The audit's tasks: the audit of all traces of a build, and the teacher's own scores of these
traces.
"""

import logging
from pathlib import Path

from prefect import task

from tasks.artifacts import leave_table
from tasks.audit.surprise_detector import SurpriseSpec, texts_to_score
from tasks.audit.traces import (
    TraceAuditSpec,
    audit_table,
    origin,
    refuse_leaks,
    stopping_patterns,
    suspects_in_words,
)
from tasks.inference.complete import JOURNALS
from tasks.inference.engine import EnginePlacement, TeacherSpec
from tasks.inference.score import BOOKS, scorer_digest, scores_table
from tasks.progress import watcher
from tasks.spec import digest
from tasks.stage import STAGE, settle
from tasks.store import Key, Made, Table, digests

AUDIT_VERSION = 5
SCORES_VERSION = 1


@task(**STAGE)
def score_traces(
    traces: Table,
    prompts: Table,
    baselines: tuple[Table, ...],
    spec: SurpriseSpec,
    teacher: TeacherSpec,
    placement: EnginePlacement,
    root: Path,
) -> Table:
    """Return SCORES: the teacher's log-probabilities of its traces and of the control arm's traces,
    for the detector `surprise`.
    """
    inputs = digests({"traces": traces, "prompts": prompts}) | {
        "baselines": digest(*sorted(table.digest for table in baselines)),
        "teacher": scorer_digest(teacher),
        "system_prompt": digest(teacher.system_prompt),
    }

    def made() -> Made:
        control = [table.read() for table in baselines]
        texts = texts_to_score(traces.read(), prompts.read(), control, spec, teacher.system_prompt)
        folder = root / JOURNALS / BOOKS
        return scores_table(texts, teacher, placement=placement, folder=folder, progress=watcher())

    return settle(root, Key("scores", SCORES_VERSION, spec, inputs), made)


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
    """Return AUDITS of all traces together. The table is published even if traces leak;
    refuse_leaky_traces stops the run.

    recipe: its name, for the page; it is not part of the key. scores: the teacher's scores, None if
    the detector is off.
    """
    baselines_digest = digest(*sorted(table.digest for table in baselines))
    inputs = digests({"traces": traces, "prompts": prompts}) | {"baselines": baselines_digest}
    inputs |= {"scores": scores.digest} if scores else {}
    key = Key("audits", AUDIT_VERSION, spec, inputs)
    facts = origin(recipe, key.fingerprint, traces, prompts, baselines)

    def made() -> Made:
        control = [table.read() for table in baselines]
        read = scores.read() if scores else None
        return audit_table(traces.read(), prompts.read(), control, spec, facts, scores=read)

    return settle(root, key, made)


@task(name="refuse_leaky_traces")
def refuse_leaky_traces(audits: Table, spec: TraceAuditSpec) -> None:
    """Raise GateBroken if a pattern must stop the run, and leave the evidence as an artifact. The
    audited tables stay.
    """
    evidence = stopping_patterns(audits, spec)
    if suspects := suspects_in_words(audits):
        logging.getLogger(__name__).warning("%s", suspects)
    if evidence:
        leave_table(
            [one._asdict() for one in evidence],
            key="leaks",
            description=f"leaked patterns with examples: audits `{audits.fingerprint}`",
        )
    refuse_leaks(audits, evidence)
