"""Measured levels as a table and as a plot."""

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import NamedTuple

import pyarrow as pa

from tasks.plots import against_bound, svg

PLOT = "throughput.svg"


class Level(NamedTuple):
    """The speed with a number of rows in flight.

    concurrency: rows in flight. peak_bytes: memory. roofline: tokens per second that the memory
    bandwidth allows, 0 if unknown.
    """

    concurrency: int
    tokens_per_second: float
    first_token_seconds: float
    peak_bytes: int
    roofline: float

    @property
    def of_roofline(self) -> str:
        """Return the reached share of the roofline as text, "" without a roofline."""
        return f"{100 * self.tokens_per_second / self.roofline:.3g} %" if self.roofline else ""


def levels_of(measurements: pa.Table) -> tuple[Level, ...]:
    """Return the levels of MEASUREMENTS, ascending."""
    return tuple(Level(**row) for row in measurements.select(list(Level._fields)).to_pylist())


def lines(levels: Sequence[Level]) -> list[dict[str, str | float]]:
    """Return the levels as rows of a table."""
    return [
        {
            "rows in flight": one.concurrency,
            "tokens/s": round(one.tokens_per_second, 1),
            "roofline": round(one.roofline, 1),
            "of it": one.of_roofline,
            "first token s": round(one.first_token_seconds, 3),
            "peak GiB": round(one.peak_bytes / 2**30, 2),
        }
        for one in levels
    ]


def draw(path: Path, model: str, levels: Sequence[Level]) -> None:
    """Write the plot of tokens per second against rows in flight, with the roofline above."""
    measured = [one.tokens_per_second for one in levels]
    bound = [one.roofline for one in levels]
    at = [one.concurrency for one in levels]
    plot = partial(
        against_bound,
        at=at,
        values=measured,
        bound=bound if all(bound) else [],
        named="roofline",
        axis="rows in flight",
    )
    path.write_text(svg(f"{model}, tokens/s", plot))
