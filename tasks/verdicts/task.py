"""The tasks of the verdicts: every gate on every trace, and what the gates are worth."""

from pathlib import Path

from prefect import task

from tasks.stage import STAGE, settle
from tasks.store import Key, Table, digests
from tasks.verdicts.gates import TRACE, VerdictSpec, judge
from tasks.verdicts.worth import gates_table

CODE_VERSION = 9
GATE_CHECKS_VERSION = 5


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
            traces.batches(TRACE),
            prompts.read(),
            passages.read(),
            questions.read(),
            audits.read(),
            spec,
            total=traces.rows,
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
            traces.batches(TRACE),
            prompts.read(),
            passages.read(),
            questions.read(),
            verdicts.read(),
            spec,
        ),
    )
