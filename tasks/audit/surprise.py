"""Rows with a stretch of text that the teacher would not have written, however rare its form.

The teacher itself scores how surprising each token of a trace is: -log p, in nats, given the prompt
that was sent and the preceding tokens. Its own text is seldom surprising over a long stretch; text
that a pipeline inserts is. The statistic of a row is the largest standardised sum of surprisal over
windows of 1 to 64 tokens (a scan statistic: Glaz, Naus and Wallenstein 2001). Each window length is
scaled by the maxima of the control arm's traces. The rank among the control arm's traces, which
were asked without producer instructions, is a p-value (conformal outlier test: Bates et al. 2023).
Above the largest of them, a Pareto tail with Hill's (1975) exponent extrapolates. Benjamini and
Hochberg (1995) bound the share of false alarms.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from tasks.audit.discovery import false_discovery

Reals = NDArray[np.float64]
Nats = NDArray[np.float32]

WINDOWS = (1, 2, 4, 8, 16, 32, 64)
"""Window lengths, in tokens."""
LEVEL = 0.025
"""False discovery rate among rows."""
MIN_CONTROL = 200
"""Fewest traces of the control arm for any result."""
FAR = 0.99
"""Quantile of the control arm's maxima that scales each window length."""
TAIL_COUNTS = (10, 20, 40)
"""Numbers of largest statistics from which the tail is estimated. The heaviest estimate is used."""
TAIL_SAFETY = 1.1
"""Factor by which the tail is taken heavier than estimated."""
MIN_HEAVINESS = 0.1
"""Smallest heaviness of the tail: the mean logarithm by which the largest statistics exceed its
beginning.
"""
GROWTH = 2.0
"""Mean number of deviations above the mean that tokens next to a stretch need to be added to it."""
MIN_DEVIATION = 0.05
"""Smallest standard deviation of a token's surprisal, in nats, in case a model is always
certain.
"""


class Stretch(NamedTuple):
    """The most surprising tokens of a row, [first, last). nats: their mean surprisal."""

    first: int
    last: int
    nats: float


@dataclass(frozen=True)
class ControlSurprisal:
    """The distribution of surprisal in the teacher's own traces.

    mean, deviation: of a token's surprisal, in nats. unit: (windows,) the 99th percentile of the
    traces' maxima. null: (traces,) their statistics, sorted. exponent: of the tail above them; a
    small one is heavy.
    """

    mean: float
    deviation: float
    unit: Reals
    null: Reals
    exponent: float

    @classmethod
    def of(cls, control: Sequence[Nats]) -> "ControlSurprisal":
        """Return the distribution for the control arm's traces. control: (tokens,) surprisal of
        each, in nats.
        """
        every = np.concatenate(control).astype(np.float64)
        mean, deviation = float(every.mean()), max(float(every.std()), MIN_DEVIATION)
        maxima = _maxima(control, mean, deviation)
        unit = np.maximum(np.quantile(maxima, FAR, axis=0), 1.0)
        null = np.sort(_largest(maxima, unit))
        return cls(mean, deviation, unit, null, _exponent(null))

    def statistics(self, rows: Sequence[Nats]) -> Reals:
        """Return (rows,) the largest sum of any window, in units of the control arm."""
        maxima = _maxima(rows, self.mean, self.deviation)
        return _largest(maxima, self.unit)

    def p_values(self, rows: Sequence[Nats]) -> Reals:
        """Return (rows,) the probability of a statistic as large in the control arm."""
        values = self.statistics(rows)
        above = len(self.null) - np.searchsorted(self.null, values, "left")
        rank = (1.0 + above) / (len(self.null) + 1.0)
        largest = float(self.null[-1])
        beyond = np.maximum(values / largest, 1.0) ** -self.exponent / (len(self.null) + 1.0)
        p: Reals = np.where(values > largest, beyond, rank)
        return p

    def stretch(self, row: Nats) -> Stretch:
        """Return the stretch with a row's largest sum: its best window, extended while that adds to
        the sum.
        """
        excess = (row.astype(np.float64) - self.mean) / self.deviation
        total = np.concatenate([[0.0], np.cumsum(excess)])
        best = [self._best(total, place) for place in range(len(WINDOWS))]
        first, last = max(best, key=lambda one: one[0])[1]
        more = excess - GROWTH
        first -= _growth(more[:first][::-1])
        last += _growth(more[last:])
        return Stretch(first, last, float(row[first:last].mean()))

    def _best(self, total: Reals, place: int) -> tuple[float, tuple[int, int]]:
        width = min(WINDOWS[place], len(total) - 1)
        sums = (total[width:] - total[:-width]) / np.sqrt(width)
        at = int(sums.argmax())
        return float(sums[at] / self.unit[place]), (at, at + width)


class Surprising(NamedTuple):
    """A row that the teacher would not have written. row: its number. p: its p-value."""

    row: int
    p: float
    stretch: Stretch


def surprising(
    rows: Sequence[Nats], control: Sequence[Nats], *, level: float = LEVEL
) -> list[Surprising]:
    """Return the rows that differ from the control arm's traces, in order.

    rows, control: (tokens,) surprisal of each trace, in nats, with at least one token each. level:
    the false discovery rate. The result is [] with fewer than MIN_CONTROL control traces.
    """
    if len(control) < MIN_CONTROL or not rows:
        return []
    usual = ControlSurprisal.of(control)
    p = usual.p_values(rows)
    flagged = np.flatnonzero(false_discovery(p, level=level))
    return [Surprising(int(row), float(p[row]), usual.stretch(rows[row])) for row in flagged]


def _maxima(rows: Sequence[Nats], mean: float, deviation: float) -> Reals:
    """Return (rows, windows): the largest standardised sum of each window length."""
    excess = [(row.astype(np.float64) - mean) / deviation for row in rows]
    return np.array([_row_maxima(one) for one in excess])


def _row_maxima(excess: Reals) -> list[float]:
    total = np.concatenate([[0.0], np.cumsum(excess)])
    widths = [min(width, len(excess)) for width in WINDOWS]
    return [float((total[width:] - total[:-width]).max() / np.sqrt(width)) for width in widths]


def _largest(maxima: Reals, unit: Reals) -> Reals:
    largest: Reals = (maxima / unit).max(axis=1)
    return largest


def _exponent(null: Reals) -> float:
    """Return the exponent of the tail of sorted statistics, with the safety factor."""
    heaviness = max(_heaviness(null, min(count, len(null) - 1)) for count in TAIL_COUNTS)
    return 1.0 / (TAIL_SAFETY * max(heaviness, MIN_HEAVINESS))


def _heaviness(null: Reals, count: int) -> float:
    """Return Hill's estimate: the mean logarithm by which the largest values exceed the next
    one.
    """
    edge = max(float(null[-count - 1]), 0.1)
    return float(np.log(np.maximum(null[-count:] / edge, 1.0)).mean())


def _growth(excess: Reals) -> int:
    """Return the number of first values whose sum is largest."""
    total = np.concatenate([[0.0], np.cumsum(excess)])
    return int(total.argmax())
