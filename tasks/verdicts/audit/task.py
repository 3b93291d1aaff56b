"""The audit's door: the teacher's own scores of its traces."""

from pathlib import Path

from prefect import task

from tasks.inference.complete import JOURNALS
from tasks.inference.engine import EnginePlacement, TeacherSpec
from tasks.inference.score import BOOKS, scorer_digest, scores_table
from tasks.progress import watcher
from tasks.spec import digest
from tasks.stage import STAGE, settle
from tasks.store import Key, Table, digests
from tasks.verdicts.audit.scored import SurpriseSpec, texts_to_score

CODE_VERSION = 1


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
    """Have the teacher score its traces and those of the control arm, as the audit's `surprise` needs it."""
    inputs = digests({"traces": traces, "prompts": prompts}) | {
        "baselines": digest(*sorted(table.digest for table in baselines)),
        "teacher": scorer_digest(teacher),
        "system_prompt": digest(teacher.system_prompt),
    }
    return settle(
        root,
        Key("scores", CODE_VERSION, spec, inputs),
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
