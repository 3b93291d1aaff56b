"""The probe's doors: what the base model's style is, and how the student compares."""

from pathlib import Path

from prefect import task

from tasks.artifacts import leave_table
from tasks.probe.answers import Asked, both, style
from tasks.probe.weigh import GateSpec, metrics_of, refuse_failed, weigh
from tasks.spec import Spec
from tasks.stage import STAGE, settle
from tasks.store import Key, Table, digests

STYLES_VERSION = ANSWERED_VERSION = ANSWERS_VERSION = 1


@task(**STAGE)
def keep_style(base: Table, prompts: Table, root: Path, recipe_name: str) -> Table:
    """Keep the base model's answers as BASELINES, beside which the student's are audited."""
    inputs = {"base": base.digest, "prompts": prompts.digest, "recipe": recipe_name}
    return settle(
        root,
        Key("styles", STYLES_VERSION, Spec(), inputs),
        lambda: style(base.read(), prompts.read(), recipe_name),
    )


@task(**STAGE)
def join_answers(base: Table, student: Table, root: Path) -> Table:
    """Put both models' answers into one table of TRACES, for the gates to judge."""
    inputs = {"base": base.digest, "student": student.digest}
    return settle(
        root,
        Key("answered", ANSWERED_VERSION, Spec(), inputs),
        lambda: both(base.read(), student.read()),
    )


@task(**STAGE)
def weigh_answers(asked: Asked, spec: GateSpec, root: Path, name: str) -> Table:
    """Hold the student against the baseline; the table is kept either way, and refuse_failed_probe
    ends the run of a failed one.
    """
    inputs = digests(vars(asked))
    return settle(
        root,
        Key("answers", ANSWERS_VERSION, spec, inputs | {"name": name}),
        lambda: weigh(asked, spec, name=name),
    )


@task(name="refuse_failed_probe")
def refuse_failed_probe(weighed: Table) -> None:
    """Raise GateBroken when a gate failed, with every metric as an artifact; the answers stay for
    reading.
    """
    lines: list[dict[str, object]] = [
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
