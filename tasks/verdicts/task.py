"""The verdicts' door."""

from pathlib import Path

from prefect import task

from tasks.policy import STAGE, settle
from tasks.store import Key, Table
from tasks.verdicts.gates import VerdictSpec, judge

CODE_VERSION = 1


@task(**STAGE)
def judge_traces(traces: Table, prompts: Table, passages: Table, questions: Table, spec: VerdictSpec, root: Path) -> Table:
    """Put every trace before every gate."""
    read = {"traces": traces, "prompts": prompts, "passages": passages, "questions": questions}
    key = Key("verdicts", CODE_VERSION, spec, {name: table.digest for name, table in read.items()})
    return settle(root, key, lambda: judge(traces.read(), prompts.read(), passages.read(), questions.read(), spec))
