"""The verdict of the probe: both gates over both models' answers, the report, and the error that
stops a run.
"""

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from tasks import rows
from tasks.errors import GateBroken
from tasks.probe.answers import Answer, Asked, answers, table_of
from tasks.probe.content import ContentSpec, content
from tasks.probe.emission import EmissionSpec, emission
from tasks.probe.metrics import Metric, worst
from tasks.probe.report import report
from tasks.spec import Spec
from tasks.store import Made, Table

OUTCOME, PAGE = "probe.json", "report.html"


class GateSpec(Spec):
    """What the student must keep of the base model's abilities."""

    emission: EmissionSpec = EmissionSpec()
    """Thresholds for the form of answers."""
    content: ContentSpec = ContentSpec()
    """Thresholds for the content of answers."""


def weigh(asked: Asked, spec: GateSpec, *, name: str) -> Made:
    """Return ANSWERS, with metrics, verdict and report as files. A failed probe raises no error
    here, so that its answers are kept.
    """
    every = list(answers(asked))
    metrics = [*emission(every, spec.emission), *content(every, spec.content)]
    table = table_of(every)
    return Made(
        {"answers": table},
        rows.ANSWERS,
        rows.rejected([]),
        rows_in=table.num_rows,
        attach=lambda folder: _attach(folder, every, metrics, name),
        pages=(PAGE, OUTCOME),
    )


def metrics_of(weighed: Table) -> list[Metric]:
    """Return the metrics of a finished probe."""
    outcome = json.loads((weighed.path / OUTCOME).read_bytes())
    return [Metric(**one) for one in outcome["metrics"]]


def refuse_failed(weighed: Table) -> None:
    """Raise GateBroken, with gate and metric, if the student is below a threshold."""
    failed = worst(metrics_of(weighed))
    if failed:
        raise GateBroken(
            f"the probe's {failed.gate} gate: {failed.sentence()}. Nothing was published; "
            f"read {weighed.path / PAGE}"
        )


def _attach(folder: Path, every: Sequence[Answer], metrics: Sequence[Metric], name: str) -> None:
    failed = {one.gate for one in metrics if not one.passed}
    outcome = {
        "verdict": "failed" if failed else "passed",
        "gates": {gate: gate not in failed for gate in ("emission", "content")},
        "metrics": [asdict(one) for one in metrics],
    }
    (folder / OUTCOME).write_text(json.dumps(outcome, indent=1) + "\n")
    (folder / PAGE).write_text(report(every, metrics, name), encoding="utf-8")
