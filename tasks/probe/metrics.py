"""One measure of both models on the same questions, held against what is due."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from tasks.probe.answers import BASELINE, STUDENT, Answer
from tasks.probe.intervals import ratio


@dataclass(frozen=True)
class Metric:
    """A measure. due: least ratio of student to baseline. low, high: 90 % interval of the ratio.
    sure: the chance that the verdict is right.

    questions: those that both models answered.
    """

    gate: str
    name: str
    baseline: float
    student: float
    ratio: float
    low: float
    high: float
    due: float
    passed: bool
    sure: float
    questions: int

    def sentence(self) -> str:
        """Return the verdict for people."""
        how = "holds" if self.passed else "fails"
        return (
            f"{self.name} {how}: student {self.student:.2f}, baseline {self.baseline:.2f}, ratio {self.ratio:.2f} "
            f"[{self.low:.2f}, {self.high:.2f}], due {self.due:.2f}; sure {100 * self.sure:.0f} %"
        )


def measure(
    gate: str,
    name: str,
    every: Iterable[Answer],
    value: Callable[[Answer], float],
    *,
    due: float,
    shares: bool = True,
) -> Metric | None:
    """Return the metric over the questions that both models answered, samples of a question
    averaged; None when there is none.
    """
    held: dict[str, dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    for one in every:
        held[one.question_id][one.model].append(float(value(one)))
    pairs = [
        (np.mean(own[BASELINE]), np.mean(own[STUDENT]))
        for _, own in sorted(held.items())
        if len(own) == 2
    ]
    if not pairs:
        return None
    found = ratio(np.array(pairs, np.float64), shares=shares)
    passed = found.value >= due
    chance = found.chance(due)
    return Metric(
        gate,
        name,
        found.baseline,
        found.student,
        found.value,
        found.low,
        found.high,
        due,
        passed,
        sure=chance if passed else 1 - chance,
        questions=len(pairs),
    )


def worst(metrics: Sequence[Metric]) -> Metric | None:
    """Return the failed metric that lies furthest below what is due, None when all hold."""
    return min(
        (one for one in metrics if not one.passed),
        key=lambda one: one.ratio / max(one.due, 1e-9),
        default=None,
    )
