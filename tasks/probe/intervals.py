"""Confidence of a comparison of two models on few questions."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Reals = NDArray[np.float64]
DRAWS = 4000
"""Number of bootstrap draws."""
SEED = 20010
INTERVAL = (5.0, 95.0)
"""Percentiles of the 90 % interval."""
IMAGINED = np.array([(0.0, 0.0), (0.0, 1.0), (1.0, 0.0), (1.0, 1.0)])
"""Added pairs of (baseline, student), each with the weight of a quarter of a question, so that
twenty successes of twenty are not certainty (Jeffreys' prior on each model's share).
"""


class Ratio(NamedTuple):
    """The student's mean divided by the baseline's mean.

    low, high: 90 % interval. draws: (DRAWS,) bootstrap draws of the ratio.
    """

    baseline: float
    student: float
    value: float
    low: float
    high: float
    draws: Reals

    def chance(self, due: float) -> float:
        """Return the probability that the ratio is at least `due`."""
        return float(np.mean(self.draws >= due))


def ratio(pairs: Reals, *, shares: bool) -> Ratio:
    """Return the ratio of the means of two models over the same questions.

    pairs: (questions, 2) values of baseline and student. shares: the values lie between 0 and 1.
    Every draw weights the questions anew, for both models alike: the Bayesian bootstrap (Rubin
    1981). If both means are 0, the ratio is 1.
    """
    values, heights = pairs, [1.0] * len(pairs)
    if shares:
        values = np.concatenate([pairs, IMAGINED])
        heights += [0.25] * len(IMAGINED)
    weights = np.random.default_rng(SEED).dirichlet(heights, DRAWS)
    draws = _over(weights @ values)
    means = pairs.mean(axis=0)
    value = float(_over(means[None])[0])
    low, high = np.percentile(draws, INTERVAL)
    return Ratio(float(means[0]), float(means[1]), value, float(low), float(high), draws)


def _over(means: Reals) -> Reals:
    """Return (rows,) student divided by baseline. means: (rows, 2)."""
    baseline, student = means[:, 0], means[:, 1]
    nothing = np.where(student > 0, np.inf, 1.0)
    over: Reals = np.where(baseline > 0, student / np.where(baseline > 0, baseline, 1.0), nothing)
    return over
