"""Running stages, and noting how each went."""

import time
from typing import ParamSpec

from prefect import Task
from pydantic import BaseModel

from tasks.store import Table

P = ParamSpec("P")


class StageLine(BaseModel):
    """How a stage went in this run; seconds is near 0 for a table that was there."""

    stage: str
    rows_in: int
    rows_out: int
    rejected: dict[str, int]
    seconds: float


class Clock:
    """Runs stages and notes how long each took."""

    def __init__(self) -> None:
        self.lines: list[StageLine] = []
        self.tables: list[str] = []

    def run(self, stage: Task[P, Table], *args: P.args, **kwargs: P.kwargs) -> Table:
        """Return the stage's table, made or found."""
        started = time.monotonic()
        # Through its state, because a stage that found its table answers with a state of its own, named Cached.
        table = stage(*args, **kwargs, return_state=True).result()
        self.lines.append(StageLine(
            stage=table.stage, rows_in=table.rows_in, rows_out=table.rows_out, rejected=dict(table.rejected),
            seconds=round(time.monotonic() - started, 3),
        ))  # fmt: skip
        self.tables.append(f"{table.stage}/{table.fingerprint}")
        return table
