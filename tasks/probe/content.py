"""The content gate: are the student's answers still right, and free of producer state?"""

from collections.abc import Sequence
from functools import partial

from pydantic import Field

from tasks.probe.answers import Answer
from tasks.probe.metrics import Metric, measure
from tasks.spec import Spec


class ContentSpec(Spec):
    """Smallest ratios of the student's share to the baseline's share."""

    quality: float = Field(0.80, ge=0)
    """Right answers, for all questions with a known answer and for each kind of them; and think
    blocks that a judge calls coherent.
    """
    unleaked: float = Field(0.95, ge=0)
    """Answers without producer state: without phrases that recur in the student's answers but
    neither in the base model's nor in the teacher's own.
    """


def content(every: Sequence[Answer], spec: ContentSpec) -> list[Metric]:
    """Return the metrics of the content: leaks, right answers over all questions and by kind, and
    coherence if a judge was asked.
    """
    metric = partial(measure, "content")
    known = [one for one in every if one.known]
    found = [
        metric("unleaked", every, lambda one: not one.leaked, due=spec.unleaked),
        metric("correct", known, _is_correct, due=spec.quality),
    ]
    for kind in sorted({one.kind for one in known}):
        of_kind = [one for one in known if one.kind == kind]
        found.append(metric(f"correct: {kind}", of_kind, _is_correct, due=spec.quality))
    if any(one.judged for one in every):
        judged = [one for one in every if one.judged or "structure" in one.faults]
        found.append(metric("coherent", judged, _is_coherent, due=spec.quality))
    return [one for one in found if one]


def _is_correct(one: Answer) -> bool:
    return one.correct


def _is_coherent(one: Answer) -> bool:
    return one.judged and "coherence" not in one.faults
