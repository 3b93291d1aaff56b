"""Running stages, and noting how each went."""

import time
from collections.abc import Mapping
from pathlib import Path
from typing import ParamSpec

from prefect import Task
from pydantic import BaseModel

from tasks.errors import MillError
from tasks.store import REJECTS, Table

P = ParamSpec("P")


class StageLine(BaseModel):
    """How a stage went in this run; seconds is near 0 for a table that was there."""

    stage: str
    rows_in: int
    rows_out: int
    rejected: dict[str, int]
    seconds: float


class Clock:
    """Runs stages and notes how long each took.

    lines: a line for every stage that made rows, the one that failed included.
    rejects: the file of the rejected rows of each line.
    """

    def __init__(self) -> None:
        self.lines: list[StageLine] = []
        self.rejects: list[Path] = []
        self.tables: list[str] = []

    def run(self, stage: Task[P, Table], *args: P.args, **kwargs: P.kwargs) -> Table:
        """Return the stage's table, made or found. A failed stage leaves a line where it made rows."""
        started = time.monotonic()
        try:
            # Through its state, because a stage that found its table answers with a state of its
            # own, named Cached.
            table = stage(*args, **kwargs, return_state=True).result()
        except MillError as exc:
            if exc.losses:
                lost = exc.losses
                self._note(lost.stage, lost.rows_in, lost.rows_out, lost.rejected, started)
                self.rejects.append(lost.rejects)
            raise
        self._note(table.stage, table.rows_in, table.rows_out, table.rejected, started)
        self.rejects.append(table.path / REJECTS)
        self.tables.append(f"{table.stage}/{table.fingerprint}")
        return table

    def _note(
        self, stage: str, rows_in: int, rows_out: int, rejected: Mapping[str, int], started: float
    ) -> None:
        self.lines.append(
            StageLine(
                stage=stage,
                rows_in=rows_in,
                rows_out=rows_out,
                rejected=dict(rejected),
                seconds=round(time.monotonic() - started, 3),
            )
        )
