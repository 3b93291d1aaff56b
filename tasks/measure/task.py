"""The tasks of the measuring room: a teacher's speed on this machine, and the choice of a
teacher.
"""

from pathlib import Path

from prefect import task

from tasks import rows
from tasks.artifacts import leave_table
from tasks.inference.engine import EnginePlacement, TeacherSpec
from tasks.inference.models import identity
from tasks.measure.budget import MeasurePlacement, Outcome, chosen, line
from tasks.measure.levels import PLOT, draw, levels_of, lines
from tasks.measure.machine import engine_settings, engine_version, machine_name, machine_of
from tasks.measure.measure import Plan, levels_due, measure, typical_words
from tasks.progress import watcher
from tasks.spec import Spec
from tasks.stage import STAGE, settle
from tasks.store import Key, Made, Table, forget

MEASUREMENTS_VERSION = 1


class MeasuredSpec(Spec):
    """What identifies a measurement, beside the machine, the weights and the engine's settings."""

    teacher: TeacherSpec
    """The teacher, and how it samples."""
    levels: tuple[int, ...]
    """Rows in flight."""
    answers: int
    """Complete answers per slot."""
    samples: int
    """Answers per prompt."""
    prompt_words: int
    """Words of a typical prompt, rounded to a power of two, so that other prompts of similar length
    share a measurement.
    """


@task(**STAGE)
def measure_throughput(
    prompts: Table,
    teacher: TeacherSpec,
    placement: EnginePlacement,
    settings: MeasurePlacement,
    samples: int,
    root: Path,
    again: bool = False,
) -> Table:
    """Return MEASUREMENTS of a teacher on this machine. A table of the same machine, weights and
    settings is used again, unless `again` is set.
    """
    levels = levels_due(settings.levels, placement)
    plan = Plan(teacher, placement, levels, settings.answers, samples)
    asked = prompts.read(["messages", "control"])
    spec = MeasuredSpec(
        teacher=teacher,
        levels=plan.levels,
        answers=plan.answers,
        samples=samples,
        prompt_words=typical_words(asked),
    )
    inputs = {
        "hardware": machine_name(teacher, placement),
        "model": identity(teacher.model, teacher.revision),
        "engine": engine_settings(teacher, placement),
        "version": engine_version(teacher),
    }
    key = Key("measurements", MEASUREMENTS_VERSION, spec, inputs)
    if again:
        forget(root, key)

    def make() -> Made:
        measured = measure(asked, plan, machine_of(teacher, placement), watcher())
        levels = levels_of(measured)
        leave_table(
            lines(levels),
            key="throughput",
            description=f"{teacher.model} on {key.inputs['hardware']} `{key.fingerprint}`",
        )
        return Made(
            {"measurements": measured},
            rows.MEASUREMENTS,
            rows.rejected([]),
            rows_in=measured.num_rows,
            attach=lambda folder: draw(folder / PLOT, teacher.model, levels),
            pages=(PLOT,),
        )

    return settle(root, key, make, on_gpu=True)


@task(name="choose_teacher")
def choose_teacher(outcomes: list[Outcome]) -> Outcome | None:
    """Return the first candidate that fits, None if none does, and leave the outcome of each as an
    artifact.
    """
    leave_table(
        [line(one) for one in outcomes],
        key="teacher",
        description="candidate teachers, in order of preference",
    )
    return chosen(outcomes)
