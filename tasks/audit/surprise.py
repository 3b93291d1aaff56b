"""Rows with a stretch of text that the teacher would not have written, however rare its form.

The teacher itself says how surprising each token of a trace is: -log p, in nats, given the prompt
that was sent and the tokens before it. What it wrote is seldom surprising for long; what a pipeline
put into its trace is. A row's statistic is the largest standardised sum of surprisal over windows
of 1 to 64 tokens, each window length measured by how far the control arm's traces go (a scan
statistic: Glaz, Naus and Wallenstein 2001). The rank among the control arm's traces, which nobody
steered, is a p-value (conformal outlier test: Bates et al. 2023); beyond the last rank a Pareto
tail with Hill's (1975) exponent goes on. Benjamini and Hochberg (1995) bound the share of false
alarms.
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
"""Lengths of the windows, tokens."""
LEVEL = 0.025
"""False discovery rate among rows."""
LEAST_CONTROL = 200
"""Traces of the control arm below which nothing is said."""
FAR = 0.99
"""Quantile of the control arm's maxima that is the unit of each window length."""
TAIL_COUNTS = (10, 20, 40)
TAIL_SAFETY = 1.1
LEAST_HEAVINESS = 0.1
"""How many of the largest statistics give the tail (the heaviest counts); how much heavier than
that it is taken; the mean logarithm by which they exceed the tail's beginning, at least.
"""
GROWTH = 2.0
"""Deviations above the mean that the tokens next to a stretch have on average if they belong to it.
"""
LEAST_DEVIATION = 0.05
"""Nats that a token's surprisal varies by at least: a model that is always certain has no unit."""


class Stretch(NamedTuple):
    """The most surprising tokens of a row, half-open. nats: their mean surprisal."""

    first: int
    last: int
    nats: float


@dataclass(frozen=True)
class Usual:
    """What the teacher's own traces are like.

    mean, deviation: of a token's surprisal, nats. unit: (windows,), the 99th percentile of the
    traces' maxima. null: the traces'
    statistics, sorted. exponent: of the tail behind them; small is heavy.
    """

    mean: float
    deviation: float
    unit: Reals
    null: Reals
    exponent: float

    @classmethod
    def of(cls, control: Sequence[Nats]) -> "Usual":
        """Return it from the surprisal of the control arm's traces, nats per token."""
        every = np.concatenate(control).astype(np.float64)
        mean, deviation = float(every.mean()), max(float(every.std()), LEAST_DEVIATION)
        maxima = _maxima(control, mean, deviation)
        unit = np.maximum(np.quantile(maxima, FAR, axis=0), 1.0)
        null = np.sort(_largest(maxima, unit))
        return cls(mean, deviation, unit, null, _exponent(null))

    def statistics(self, rows: Sequence[Nats]) -> Reals:
        """Return (rows,): the largest sum of any window, in units of the control arm's."""
        maxima = _maxima(rows, self.mean, self.deviation)
        return _largest(maxima, self.unit)

    def p_values(self, rows: Sequence[Nats]) -> Reals:
        """Return (rows,): how often the control arm would have a statistic as large."""
        values = self.statistics(rows)
        above = len(self.null) - np.searchsorted(self.null, values, "left")
        rank = (1.0 + above) / (len(self.null) + 1.0)
        largest = float(self.null[-1])
        beyond = np.maximum(values / largest, 1.0) ** -self.exponent / (len(self.null) + 1.0)
        p: Reals = np.where(values > largest, beyond, rank)
        return p

    def stretch(self, row: Nats) -> Stretch:
        """Return where a row's largest sum stands: its best window, grown while that adds to it."""
        excess = (row.astype(np.float64) - self.mean) / self.deviation
        total = np.concatenate([[0.0], np.cumsum(excess)])
        first, last = max(
            (self._best(total, place) for place in range(len(WINDOWS))), key=lambda one: one[0]
        )[1]
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
    """A row that the teacher would not have written. row: its number. p: how rare that is."""

    row: int
    p: float
    stretch: Stretch


def surprising(
    rows: Sequence[Nats], control: Sequence[Nats], *, level: float = LEVEL
) -> list[Surprising]:
    """Return the rows that are unlike the control arm's traces, in order.

    rows, control: the surprisal of every trace's tokens, nats, at least one token each. Nothing is
    found with fewer than LEAST_CONTROL control traces.
    """
    if len(control) < LEAST_CONTROL or not rows:
        return []
    usual = Usual.of(control)
    p = usual.p_values(rows)
    flagged = np.flatnonzero(false_discovery(p, level=level))
    return [Surprising(int(row), float(p[row]), usual.stretch(rows[row])) for row in flagged]


def _maxima(rows: Sequence[Nats], mean: float, deviation: float) -> Reals:
    """Return (rows, windows): the largest standardised sum of each window length."""
    return np.array([_row_maxima((row.astype(np.float64) - mean) / deviation) for row in rows])


def _row_maxima(excess: Reals) -> list[float]:
    total = np.concatenate([[0.0], np.cumsum(excess)])
    widths = [min(width, len(excess)) for width in WINDOWS]
    return [float((total[width:] - total[:-width]).max() / np.sqrt(width)) for width in widths]


def _largest(maxima: Reals, unit: Reals) -> Reals:
    largest: Reals = (maxima / unit).max(axis=1)
    return largest


def _exponent(null: Reals) -> float:
    """Return the exponent of the tail of sorted statistics, taken heavier than it looks."""
    heaviness = max(_heaviness(null, min(count, len(null) - 1)) for count in TAIL_COUNTS)
    return 1.0 / (TAIL_SAFETY * max(heaviness, LEAST_HEAVINESS))


def _heaviness(null: Reals, count: int) -> float:
    """Return Hill's estimate: the mean logarithm by which the largest exceed the next one."""
    edge = max(float(null[-count - 1]), 0.1)
    return float(np.log(np.maximum(null[-count:] / edge, 1.0)).mean())


def _growth(excess: Reals) -> int:
    """Return how many of the first values add most to a sum."""
    total = np.concatenate([[0.0], np.cumsum(excess)])
    return int(total.argmax())
