"""The traces' door: the one stage that asks a teacher."""

from pathlib import Path

from prefect import task

from tasks import rows
from tasks.inference.engine import EnginePlacement
from tasks.policy import STAGE, ProgressReport, settle
from tasks.store import Key, Made, Table
from tasks.traces.generate import CODE_VERSION, Generated, TraceSpec, generate, teacher_digest

RUNS: dict[str, Generated] = {}
"""What this process generated, by fingerprint: speed belongs to a run, never to a table."""


@task(**STAGE, tags={"gpu"})
def generate_traces(prompts: Table, spec: TraceSpec, placement: EnginePlacement, root: Path) -> Table:
    """Ask the teacher for every trace the journal does not hold; TRACES are the same however often it was interrupted."""
    key = Key("traces", CODE_VERSION, spec, {"prompts": prompts.digest, "teacher": teacher_digest(spec.teacher)})

    def make() -> Made:
        with ProgressReport("traces") as progress:
            made = generate(prompts.read(), spec, placement=placement, journal=root / "journal", progress=progress)
        RUNS[key.fingerprint] = made
        return Made({"traces": made.traces}, rows.TRACES, made.rejected, rows_in=made.traces.num_rows + made.rejected.num_rows)

    return settle(root, key, make)
