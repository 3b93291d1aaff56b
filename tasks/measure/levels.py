"""Measured levels as a table to read and as a plot."""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import pyarrow as pa

from tasks.plots import against_bound, svg

PLOT = "throughput.svg"


class Level(NamedTuple):
    """Speed with so many rows in flight. roofline: tokens/s that memory bandwidth allows, 0 when
    unknown.
    """

    concurrency: int
    tokens_per_second: float
    first_token_seconds: float
    peak_bytes: int
    roofline: float

    @property
    def of_roofline(self) -> str:
        """Return the share of the roofline that is reached, "" when there is none."""
        return f"{100 * self.tokens_per_second / self.roofline:.3g} %" if self.roofline else ""


def levels_of(measurements: pa.Table) -> tuple[Level, ...]:
    """Return the levels of MEASUREMENTS, rising."""
    return tuple(Level(**row) for row in measurements.select(list(Level._fields)).to_pylist())


def lines(levels: Sequence[Level]) -> list[dict[str, object]]:
    """Return the levels as lines of a table."""
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
    """Write the plot of tokens a second against rows in flight, the roofline as a line above."""
    measured, bound = [one.tokens_per_second for one in levels], [one.roofline for one in levels]
    at = [one.concurrency for one in levels]
    path.write_text(
        svg(
            f"{model}, tokens/s",
            lambda axes: against_bound(
                axes,
                at,
                measured,
                bound if all(bound) else [],
                named="roofline",
                axis="rows in flight",
            ),
        )
    )
