"""One measure of both models on the same questions, compared with a threshold."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from tasks.probe.answers import BASELINE, STUDENT, Answer
from tasks.probe.intervals import ratio


@dataclass(frozen=True)
class Metric:
    """A measure of both models.

    due: smallest accepted ratio of student to baseline. low, high: 90 % interval of the ratio.
    sure: the probability that the verdict is right. questions: number of questions that both models
    answered.
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
        """Return the verdict as a sentence."""
        verdict = "holds" if self.passed else "fails"
        return (
            f"{self.name} {verdict}: student {self.student:.2f}, baseline {self.baseline:.2f}, "
            f"ratio {self.ratio:.2f} [{self.low:.2f}, {self.high:.2f}], due {self.due:.2f}; "
            f"sure {100 * self.sure:.0f} %"
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
    """Return the metric over the questions that both models answered, None if there is none.

    value: the measure of one answer; the mean over the samples of a question counts. due: smallest
    accepted ratio. shares: the values lie between 0 and 1.
    """
    held: dict[str, dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    for one in every:
        held[one.question_id][one.model].append(float(value(one)))
    shared = [own for _, own in sorted(held.items()) if len(own) == 2]
    pairs = [(np.mean(own[BASELINE]), np.mean(own[STUDENT])) for own in shared]
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
    """Return the failed metric that is furthest below its threshold, None if all hold."""
    failed = [one for one in metrics if not one.passed]
    return min(failed, key=lambda one: one.ratio / max(one.due, 1e-9), default=None)
