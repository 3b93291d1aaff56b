"""The traces' doors: the one stage that asks a teacher, and the baseline kept of what it says."""

from pathlib import Path

from prefect import task

from tasks import rows
from tasks.inference.complete import JOURNALS, teacher_digest
from tasks.inference.engine import Adapter, EnginePlacement, TeacherSpec
from tasks.progress import watcher
from tasks.spec import Spec
from tasks.stage import STAGE, settle
from tasks.store import Key, Made, Table
from tasks.traces.baseline import baseline
from tasks.traces.generate import Generated, TraceSpec, generate

BASELINE_VERSION = 1
CODE_VERSION = 3
RUNS: dict[str, Generated] = {}
"""What this process generated, by fingerprint: speed belongs to a run, never to a table."""


@task(**STAGE)
def generate_traces(
    prompts: Table,
    spec: TraceSpec,
    placement: EnginePlacement,
    root: Path,
    adapter: Adapter | None = None,
) -> Table:
    """Ask the teacher for every trace the journal does not hold; TRACES are the same however often
    it was interrupted.

    adapter: laid over the teacher's model, which is then a student.
    """
    key = traces_key(prompts, spec, adapter)

    def make() -> Made:
        made = generate(
            prompts.read(),
            spec,
            placement=placement,
            journals=root / JOURNALS,
            progress=watcher(),
            adapter=adapter,
        )
        RUNS[key.fingerprint] = made
        return Made(
            {"traces": made.traces},
            rows.TRACES,
            made.rejected,
            rows_in=made.traces.num_rows + made.rejected.num_rows,
        )

    return settle(root, key, make, on_gpu=True)


def traces_key(prompts: Table, spec: TraceSpec, adapter: Adapter | None = None) -> Key:
    """Return what TRACES of these prompts are made of."""
    return Key(
        "traces",
        CODE_VERSION,
        spec,
        {"prompts": prompts.digest, "teacher": teacher_digest(spec.teacher, adapter)},
    )


@task(**STAGE)
def keep_baseline(
    traces: Table, prompts: Table, teacher: TeacherSpec, root: Path, recipe_name: str
) -> Table:
    """Keep the control arm's traces as BASELINES, so that they add up over a recipe's builds; empty
    when there is no control arm.
    """
    inputs = {
        "traces": traces.digest,
        "prompts": prompts.digest,
        "recipe": recipe_name,
        "teacher": teacher_digest(teacher),
    }
    return settle(
        root,
        Key("baselines", BASELINE_VERSION, Spec(), inputs),
        lambda: baseline(traces.read(), prompts.read(), recipe_name),
    )
