"""The audit's doors: all traces of a build at once, and the teacher's own scores of them."""

import logging
from pathlib import Path

from prefect import task

from tasks.artifacts import leave_table
from tasks.audit.scored import SurpriseSpec, texts_to_score
from tasks.audit.traces import (
    TraceAuditSpec,
    audit_table,
    origin,
    refuse_leaks,
    stopping_patterns,
    told_suspects,
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
    """Have the teacher score its traces and those of the control arm, as the audit's `surprise`
    needs it.
    """
    inputs = digests({"traces": traces, "prompts": prompts}) | {
        "baselines": digest(*sorted(table.digest for table in baselines)),
        "teacher": scorer_digest(teacher),
        "system_prompt": digest(teacher.system_prompt),
    }
    return settle(
        root,
        Key("scores", SCORES_VERSION, spec, inputs),
        lambda: scores_table(
            texts_to_score(
                traces.read(),
                prompts.read(),
                [table.read() for table in baselines],
                spec,
                teacher.system_prompt,
            ),
            teacher,
            placement=placement,
            folder=root / JOURNALS / BOOKS,
            progress=watcher(),
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
    """Put all traces before the audit at once. The table is kept either way; refuse_leaky_traces
    ends the run that leaks.

    recipe: its name, for the page, and no part of the key. scores: the teacher's, None where
    unasked.
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
    """Raise GateBroken on a pattern of the whole corpus, with the evidence as an artifact; the
    audited tables stay for reading.
    """
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
