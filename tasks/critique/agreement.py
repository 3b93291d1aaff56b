"""How far a judge may be believed: what it says of rows whose truth is known."""

from collections.abc import Iterable
from dataclasses import dataclass
from math import sqrt
from typing import Literal, NamedTuple

from tasks.critique.planting import Plant

Opinion = Literal["coherent", "incoherent", "abstained"]
Z = 1.96
"""Standard normal quantile of a two-sided 95 % interval."""


class Judgement(NamedTuple):
    """A plant and what the judge said of it."""

    plant: Plant
    opinion: Opinion


class Interval(NamedTuple):
    """A 95 % interval of a share."""

    low: float
    high: float


@dataclass(frozen=True)
class Agreement:
    """A judge's opinions on plants, counted; positive is "incoherent". Abstentions are neither
    positive nor negative.
    """

    judge: str
    planted: int
    sound: int
    true_positives: int
    false_positives: int
    true_negatives: int
    false_negatives: int

    @property
    def plants(self) -> int:
        """Rows the judge was measured on."""
        return self.planted + self.sound

    @property
    def judged(self) -> int:
        """Plants on which it had an opinion."""
        return (
            self.true_positives + self.false_positives + self.true_negatives + self.false_negatives
        )

    @property
    def abstained(self) -> int:
        """Plants on which it had none."""
        return self.plants - self.judged

    @property
    def precision(self) -> float:
        """Share of planted rows among those called incoherent; 0 when none was, for then nothing
        was measured.

        Half of the plants are planted. Where few rows are incoherent a judge's word is worth less:
        see false_alarms.
        """
        return _share(self.true_positives, self.true_positives + self.false_positives)

    @property
    def interval(self) -> Interval:
        """Wilson's interval of the precision; 0 to 1 when no row was called incoherent."""
        return wilson(self.true_positives, self.true_positives + self.false_positives)

    @property
    def recall(self) -> float:
        """Share of all planted rows called incoherent; an abstention finds nothing."""
        return _share(self.true_positives, self.planted)

    @property
    def false_alarms(self) -> float:
        """Share of the sound rows with an opinion that were called incoherent; what a corpus
        without a fault would lose.
        """
        return _share(self.false_positives, self.false_positives + self.true_negatives)

    @property
    def accuracy(self) -> float:
        """Share of right opinions among the opinions."""
        return _share(self.true_positives + self.true_negatives, self.judged)

    def sentence(self) -> str:
        """Return the measure in one sentence for people."""
        right = self.true_positives + self.true_negatives
        precision = (
            f"precision {self.precision:.2f} [{self.interval.low:.2f}, {self.interval.high:.2f}]"
        )
        if not self.true_positives + self.false_positives:
            precision = "precision unknown, for it called none incoherent"
        return (
            f"judge {self.judge} agrees with {right} of {self.plants} plants "
            f"({precision}, recall {self.recall:.2f}, {self.abstained} abstained)"
        )


def agreement_of(judge: str, judgements: Iterable[Judgement]) -> Agreement:
    """Count a judge's opinions on plants."""
    counted = [(plant.planted, opinion) for plant, opinion in judgements]
    planted = sum(wrong for wrong, _ in counted)
    return Agreement(
        judge,
        planted=planted,
        sound=len(counted) - planted,
        true_positives=counted.count((True, "incoherent")),
        false_positives=counted.count((False, "incoherent")),
        true_negatives=counted.count((False, "coherent")),
        false_negatives=counted.count((True, "coherent")),
    )


def wilson(hits: int, trials: int) -> Interval:
    """Return the 95 % score interval of a share; 0 to 1 without trials. Wilson 1927."""
    if not trials:
        return Interval(0.0, 1.0)
    measured, spread = hits / trials, Z * Z / trials
    centre = (measured + spread / 2) / (1 + spread)
    reach = Z * sqrt((measured * (1 - measured) + spread / 4) / trials) / (1 + spread)
    # Rounding alone could put a bound of 0 or 1 beyond the share itself.
    low, high = min(measured, centre - reach), max(measured, centre + reach)
    return Interval(max(0.0, low), min(1.0, high))


def _share(part: int, whole: int) -> float:
    return part / whole if whole else 0.0
