"""How sure a comparison of two models is when twenty questions are all there are."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Reals = NDArray[np.float64]
DRAWS, SEED = 4000, 20010
INTERVAL = (5.0, 95.0)
IMAGINED = np.array([(0.0, 0.0), (0.0, 1.0), (1.0, 0.0), (1.0, 1.0)])
"""A quarter of a question each, so that twenty hits of twenty are not taken for certainty
(Jeffreys' prior on each model's share).
"""


class Ratio(NamedTuple):
    """The student's mean over the baseline's. low, high: 90 % interval. draws: (DRAWS,) of the
    ratio, for the chance of any bound.
    """

    baseline: float
    student: float
    value: float
    low: float
    high: float
    draws: Reals

    def chance(self, due: float) -> float:
        """Return the probability that the ratio is at least so large."""
        return float(np.mean(self.draws >= due))


def ratio(pairs: Reals, *, shares: bool) -> Ratio:
    """Return the ratio of the means of two models over the same questions.

    pairs: (questions, 2) values of baseline and student; shares: they lie between 0 and 1.
    Questions are weighted anew in every draw, both models alike: the Bayesian bootstrap (Rubin
    1981). A mean of 0 on both sides is a ratio of 1.
    """
    values, heights = (
        (np.concatenate([pairs, IMAGINED]), [1.0] * len(pairs) + [0.25] * 4)
        if shares
        else (pairs, [1.0] * len(pairs))
    )
    weights = np.random.default_rng(SEED).dirichlet(heights, DRAWS)
    draws = _over(weights @ values)
    seen = pairs.mean(axis=0)
    low, high = np.percentile(draws, INTERVAL)
    return Ratio(
        float(seen[0]), float(seen[1]), float(_over(seen[None])[0]), float(low), float(high), draws
    )


def _over(means: Reals) -> Reals:
    """Return student over baseline, row by row."""
    baseline, student = means[:, 0], means[:, 1]
    nothing = np.where(student > 0, np.inf, 1.0)
    over: Reals = np.where(baseline > 0, student / np.where(baseline > 0, baseline, 1.0), nothing)
    return over
