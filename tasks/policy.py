"""How every stage runs as a Prefect task: when it is retried, when it is not run again, what it leaves to be seen."""

import logging
import sys
import threading
from collections.abc import Callable
from contextvars import copy_context
from pathlib import Path
from types import TracebackType
from typing import Any, TypedDict, cast
from uuid import UUID

from prefect import Task, get_run_logger
from prefect.artifacts import create_progress_artifact, create_table_artifact, update_progress_artifact
from prefect.cache_policies import NO_CACHE, CachePolicy
from prefect.client.schemas.objects import State, TaskRun
from prefect.context import TaskRunContext
from prefect.exceptions import MissingContextError
from prefect.states import Completed

from tasks.errors import Transient
from tasks.ngrams import plain_text
from tasks.store import Key, Made, Table, find, once

REPORT_SECONDS = 2.0


def transient(task: Task[..., Any], run: TaskRun, state: State[Any]) -> bool:
    """Whether a failed task may be tried again: only after an error that says so of itself."""
    return isinstance(state.result(raise_on_failure=False), Transient)


class StagePolicy(TypedDict):
    """The keyword arguments that every stage's task shares."""

    cache_policy: CachePolicy
    persist_result: bool
    retries: int
    retry_delay_seconds: list[float]
    retry_condition_fn: Callable[[Task[..., Any], TaskRun, State[Any]], bool]


STAGE = StagePolicy(cache_policy=NO_CACHE, persist_result=False, retries=3, retry_delay_seconds=[5, 30, 120], retry_condition_fn=transient)
"""The store is the one truth of "done": a Prefect cache could only outlive the table it points at."""


def settle(root: Path, key: Key, make: Callable[[], Made]) -> Table:
    """Return the stage's table, made or found; a found one shows as Cached in the UI. Leaves a table of its rows as an artifact."""
    log = _logger()
    found = find(root, key)
    if found:
        log.info("%s %s: found, %d rows", key.stage, key.fingerprint, found.rows)
        return cast(Table, Completed(name="Cached", data=found)) if in_task() else found
    log.info("%s %s: started", key.stage, key.fingerprint)
    table = once(root, key, make)
    log.info("%s %s: %d in, %d out, rejected %s", key.stage, key.fingerprint, table.rows_in, table.rows_out, dict(table.rejected) or "none")
    if in_task():
        _leave_artifact(table)
    return table


def in_task() -> bool:
    """Whether this code runs inside a Prefect task."""
    return TaskRunContext.get() is not None


class ProgressReport:
    """Shows how far long work has come: a bar on a terminal, a progress artifact in Prefect. Telling it costs three assignments."""

    def __init__(self, what: str, *, unit: str = "row") -> None:
        self._what, self._unit = what, unit
        self._done = self._total = self._tokens = 0
        self._ended = threading.Event()
        self._artifact: UUID | None = None
        self._thread = threading.Thread(target=copy_context().run, args=(self._watch,), daemon=True)

    def __call__(self, *, done: int, total: int, tokens: int) -> None:
        """Note the state; it is shown within two seconds."""
        self._done, self._total, self._tokens = done, total, tokens

    def __enter__(self) -> "ProgressReport":
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, exc: BaseException | None, trace: TracebackType | None) -> None:
        self._ended.set()
        self._thread.join()

    def _watch(self) -> None:
        from tqdm import tqdm

        with tqdm(desc=self._what, unit=self._unit, total=None, disable=not sys.stderr.isatty(), leave=False) as bar:
            while not self._ended.wait(REPORT_SECONDS):
                self._show(bar)
            self._show(bar)

    def _show(self, bar: Any) -> None:
        if not self._total:
            return
        bar.total = self._total
        bar.set_postfix(tokens=self._tokens, refresh=False)
        bar.update(self._done - bar.n)
        if in_task():
            self._update_artifact(100 * self._done / self._total)

    def _update_artifact(self, percent: float) -> None:
        if self._artifact is None:
            self._artifact = cast(UUID, create_progress_artifact(percent, description=self._what))
        else:
            update_progress_artifact(self._artifact, percent)


def leave_table(lines: list[dict[str, object]], *, key: str, description: str) -> None:
    """Leave lines as a table artifact; outside a task there is nobody to leave it to. They may quote a model: no control character is left."""
    if in_task():
        create_table_artifact([{name: _plain(value) for name, value in line.items()} for line in lines], key=key, description=description)


def _plain(value: object) -> object:
    if isinstance(value, str):
        return plain_text(value)
    return [_plain(one) for one in value] if isinstance(value, list | tuple) else value


def _leave_artifact(table: Table) -> None:
    lines = [{"rows": "in", "reason": "", "count": table.rows_in}, {"rows": "out", "reason": "", "count": table.rows_out}]
    lines += [{"rows": "rejected", "reason": reason, "count": count} for reason, count in table.rejected.items()]
    create_table_artifact(lines, key=table.stage, description=f"{table.stage} `{table.fingerprint}`")


def _logger() -> Any:
    try:
        return get_run_logger()
    except MissingContextError:
        return logging.getLogger("tracemill")
