"""The report of a probe as one self-contained page: the verdict, the metrics, and the answers of
both models side by side.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from jinja2 import Environment, StrictUndefined

from tasks.probe.answers import BASELINE, STUDENT, Answer
from tasks.probe.metrics import Metric, worst

TEMPLATE = Path(__file__).with_name("report.html.jinja")


class Side(NamedTuple):
    """A question and the answers of each model."""

    kind: str
    prompt: str
    baseline: Sequence[Answer]
    student: Sequence[Answer]


def report(every: Sequence[Answer], metrics: Sequence[Metric], name: str) -> str:
    """Return the page. All texts are escaped, and the page loads nothing from a network."""
    environment = Environment(
        undefined=StrictUndefined, autoescape=True, trim_blocks=True, lstrip_blocks=True
    )
    template = environment.from_string(TEMPLATE.read_text(encoding="utf-8"))
    return template.render(
        name=name, metrics=metrics, worst=worst(metrics), sides=sides(every), widest=2.0
    )


def sides(every: Sequence[Answer]) -> list[Side]:
    """Return all questions with both models' answers. Questions that only the student failed come
    first.
    """
    questions: dict[str, list[Answer]] = {}
    for one in every:
        questions.setdefault(one.question_id, []).append(one)
    return sorted(map(_side, questions.values()), key=_order)


def _side(several: Sequence[Answer]) -> Side:
    return Side(
        several[0].kind,
        several[0].prompt,
        baseline=[one for one in several if one.model == BASELINE],
        student=[one for one in several if one.model == STUDENT],
    )


def _order(side: Side) -> tuple[bool, bool, str]:
    student_fails = any(one.faults for one in side.student)
    baseline_fails = any(one.faults for one in side.baseline)
    return not student_fails, baseline_fails, side.kind
