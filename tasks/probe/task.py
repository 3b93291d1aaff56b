"""The tasks of the probe: the base model's style, and the comparison of the student with it."""

from pathlib import Path

from prefect import task

from tasks.artifacts import leave_table
from tasks.probe.answers import Asked, joined, style_of
from tasks.probe.weigh import GateSpec, metrics_of, refuse_failed, weigh
from tasks.spec import Spec
from tasks.stage import STAGE, settle
from tasks.store import Key, Table, digests

STYLES_VERSION = ANSWERED_VERSION = ANSWERS_VERSION = 1


@task(**STAGE)
def keep_style(base: Table, prompts: Table, root: Path, recipe_name: str) -> Table:
    """Return BASELINES: the base model's answers, with which the audit compares the student's."""
    inputs = {"base": base.digest, "prompts": prompts.digest, "recipe": recipe_name}
    return settle(
        root,
        Key("styles", STYLES_VERSION, Spec(), inputs),
        lambda: style_of(base.read(), prompts.read(), recipe_name),
    )


@task(**STAGE)
def join_answers(base: Table, student: Table, root: Path) -> Table:
    """Return TRACES: the answers of both models in one table, for the gates."""
    inputs = {"base": base.digest, "student": student.digest}
    return settle(
        root,
        Key("answered", ANSWERED_VERSION, Spec(), inputs),
        lambda: joined(base.read(), student.read()),
    )


@task(**STAGE)
def weigh_answers(asked: Asked, spec: GateSpec, root: Path, name: str) -> Table:
    """Return ANSWERS with the comparison of student and baseline. The table is published even if
    the student fails; refuse_failed_probe stops the run.
    """
    inputs = digests(vars(asked))
    return settle(
        root,
        Key("answers", ANSWERS_VERSION, spec, inputs | {"name": name}),
        lambda: weigh(asked, spec, name=name),
    )


@task(name="refuse_failed_probe")
def refuse_failed_probe(weighed: Table) -> None:
    """Raise GateBroken if a gate failed, and leave all metrics as an artifact. The answers stay."""
    lines: list[dict[str, str]] = [
        {
            "verdict": "holds" if one.passed else "fails",
            "gate": one.gate,
            "metric": one.name,
            "says": one.sentence(),
        }
        for one in metrics_of(weighed)
    ]
    leave_table(
        lines, key="probe", description=f"student against baseline: answers `{weighed.fingerprint}`"
    )
    refuse_failed(weighed)
