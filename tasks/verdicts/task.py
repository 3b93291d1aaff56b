"""The verdicts' door."""

from pathlib import Path

from prefect import task

from tasks.inference.complete import JOURNALS
from tasks.inference.engine import NamedModel
from tasks.stage import STAGE, settle
from tasks.store import Key, Made, Table, digests
from tasks.verdicts.coherence import CoherenceSpec, judge_digest
from tasks.verdicts.gates import TRACE, VerdictSpec
from tasks.verdicts.gates import judge as judge_all
from tasks.verdicts.opinions import opinions_table
from tasks.verdicts.worth import gates_table

CODE_VERSION = 8
COHERENCE_VERSION = 7
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
        lambda: judge_all(
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


@task(**STAGE)
def judge_coherence(
    traces: Table,
    prompts: Table,
    passages: Table,
    questions: Table,
    verdicts: Table,
    spec: CoherenceSpec,
    judge: NamedModel,
    root: Path,
) -> Table:
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
        digests(read) | {"judge": judge_digest(spec, judge)},
    )

    def make() -> Made:
        return opinions_table(
            traces.read(TRACE),
            prompts.read(),
            passages.read(),
            questions.read(),
            verdicts.read(),
            spec,
            judge,
            journals=root / JOURNALS,
        )

    return settle(root, key, make, on_gpu=True)
