"""The probe as one self-contained page: the verdict, the metrics, both models side by side, row by
row, in their own words.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from jinja2 import Environment, StrictUndefined

from tasks.probe.answers import BASELINE, STUDENT, Answer
from tasks.probe.metrics import Metric, worst

TEMPLATE = Path(__file__).with_name("report.html.jinja")


class Side(NamedTuple):
    """A question and what each model made of it."""

    kind: str
    prompt: str
    baseline: Sequence[Answer]
    student: Sequence[Answer]


def report(every: Sequence[Answer], metrics: Sequence[Metric], name: str) -> str:
    """Return the page. Every text is escaped, and the page asks nothing of any network."""
    environment = Environment(
        undefined=StrictUndefined, autoescape=True, trim_blocks=True, lstrip_blocks=True
    )
    template = environment.from_string(TEMPLATE.read_text(encoding="utf-8"))
    return template.render(
        name=name, metrics=metrics, worst=worst(metrics), sides=sides(every), widest=2.0
    )


def sides(every: Sequence[Answer]) -> list[Side]:
    """Return every question with both models' answers: those where only the student failed first."""
    questions: dict[str, list[Answer]] = {}
    for one in every:
        questions.setdefault(one.question_id, []).append(one)
    made = [
        Side(
            several[0].kind,
            several[0].prompt,
            *([one for one in several if one.model == model] for model in (BASELINE, STUDENT)),
        )
        for several in questions.values()
    ]
    return sorted(
        made,
        key=lambda side: (
            not any(one.faults for one in side.student),
            any(one.faults for one in side.baseline),
            side.kind,
        ),
    )
