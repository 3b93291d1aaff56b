"""The content gate: is what the student thinks its own, and are its answers still right?"""

from collections.abc import Sequence

from pydantic import Field

from tasks.probe.answers import Answer
from tasks.probe.metrics import Metric, measure
from tasks.spec import Spec


class ContentSpec(Spec):
    """Least ratio of the student's share to the baseline's."""

    quality: float = Field(0.80, ge=0)
    """Right answers, over all questions with a known one and over those of each kind; and think
    blocks that a judge calls coherent.
    """
    unleaked: float = Field(0.95, ge=0)
    """Answers without producer state: what recurs in the student's answers and in neither the base
    model's nor the teacher's own.
    """


def content(every: Sequence[Answer], spec: ContentSpec) -> list[Metric]:
    """Return the meaning's metrics: leaks, correctness over all and by kind, and the judge's where
    one was asked.
    """
    known = [one for one in every if one.known]
    kinds = sorted({one.kind for one in known})
    judged = [one for one in every if one.judged or "structure" in one.faults]
    found = [
        measure("content", "unleaked", every, lambda one: not one.leaked, due=spec.unleaked),
        measure("content", "correct", known, lambda one: one.correct, due=spec.quality),
        *(
            measure(
                "content",
                f"correct: {kind}",
                [one for one in known if one.kind == kind],
                lambda one: one.correct,
                due=spec.quality,
            )
            for kind in kinds
        ),
    ]
    if any(one.judged for one in every):
        found.append(
            measure(
                "content",
                "coherent",
                judged,
                lambda one: one.judged and "coherence" not in one.faults,
                due=spec.quality,
            )
        )
    return [one for one in found if one]
