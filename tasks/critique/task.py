"""The task of the critique: a model reads a sample of the traces that passed every gate."""

from pathlib import Path

from prefect import task

from tasks.critique.coherence import CoherenceSpec, judge_digest
from tasks.critique.opinions import nobody_asked, opinions_table
from tasks.inference.complete import JOURNALS
from tasks.inference.engine import NamedModel
from tasks.stage import STAGE, settle
from tasks.store import Key, Made, Table, digests
from tasks.verdicts.gates import TRACE

COHERENCE_VERSION = 7


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
        spec.model_copy(update={"model": None}),  # judge_digest holds the model, not its name
        digests(read) | {"judge": judge_digest(spec, judge)},
    )

    def make() -> Made:
        if not spec.share:
            return nobody_asked(verdicts.rows_out, spec, judge, root / JOURNALS)
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
