"""Run stages, and record the rows and the time of each."""

import time
from collections.abc import Mapping
from pathlib import Path
from typing import ParamSpec, Protocol

from prefect import Task
from pydantic import BaseModel

from tasks.errors import MillError
from tasks.store import REJECTS, Table

P = ParamSpec("P")


class StageLine(BaseModel):
    """The record of a stage in this run. seconds is near 0 for a table that the store had."""

    stage: str
    rows_in: int
    rows_out: int
    rejected: dict[str, int]
    seconds: float


class Stages(Protocol):
    """Runs stages one after the other."""

    def run(self, stage: Task[P, Table], *args: P.args, **kwargs: P.kwargs) -> Table:
        """Return the table of a stage."""
        ...

    def call_last(self, stage: str) -> None:
        """Give the last stage another name, where one stage runs several times."""
        ...


class WithoutPrefect:
    """Runs stages as plain functions, without a server. tables: by name, in order."""

    def __init__(self) -> None:
        self.tables: list[tuple[str, Table]] = []

    def run(self, stage: Task[P, Table], *args: P.args, **kwargs: P.kwargs) -> Table:
        """Return the table of a stage."""
        table = stage.fn(*args, **kwargs)
        self.tables.append((table.stage, table))
        return table

    def call_last(self, stage: str) -> None:
        """Give the last stage another name."""
        self.tables[-1] = (stage, self.tables[-1][1])


class Clock:
    """Runs stages and records each of them.

    lines: a record of every stage that made rows, including a failed one. rejects: the file of
    rejected rows for each line. tables: finished tables as stage/fingerprint.
    """

    def __init__(self) -> None:
        self.lines: list[StageLine] = []
        self.rejects: list[Path] = []
        self.tables: list[str] = []

    def run(self, stage: Task[P, Table], *args: P.args, **kwargs: P.kwargs) -> Table:
        """Return the table of a stage, made or found. A failed stage with rows is recorded too."""
        started = time.monotonic()
        try:
            # The state is requested, because a stage that found its table returns a state named
            # Cached.
            table = stage(*args, **kwargs, return_state=True).result()
        except MillError as exc:
            if exc.losses:
                lost = exc.losses
                self._record(lost.stage, lost.rows_in, lost.rows_out, lost.rejected, started)
                self.rejects.append(lost.rejects)
            raise
        self._record(table.stage, table.rows_in, table.rows_out, table.rejected, started)
        self.rejects.append(table.path / REJECTS)
        self.tables.append(f"{table.stage}/{table.fingerprint}")
        return table

    def call_last(self, stage: str) -> None:
        """Give the record of the last stage another name, where one stage runs several times."""
        self.lines[-1].stage = stage

    def _record(
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
