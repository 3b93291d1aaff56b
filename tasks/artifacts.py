"""Artifacts that a stage shows on its run's page in Prefect: progress and tables."""

import logging
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import cast
from uuid import UUID

import httpx
from prefect.artifacts import (
    create_progress_artifact,
    create_table_artifact,
    update_progress_artifact,
)
from prefect.context import TaskRunContext
from prefect.exceptions import PrefectException

from tasks.ngrams import plain_text
from tasks.store import Table

PAGES = "tracemill_pages"
"""Name of the Prefect variable with the address of the store's reports."""


def in_task() -> bool:
    """Return whether this code runs inside a Prefect task."""
    return TaskRunContext.get() is not None


@contextmanager
def shown_or_not() -> Iterator[None]:
    """Log an error of the Prefect server in this block as a warning, and continue.

    A missing artifact must not end a run.
    """
    try:
        yield
    except (httpx.HTTPError, PrefectException) as exc:
        logging.getLogger(__name__).warning("an artifact could not be created: %s", exc)


class ProgressArtifact:
    """A progress bar on the run's page in Prefect."""

    def __init__(self, what: str) -> None:
        self._what = what
        self._artifact: UUID | None = None

    def __call__(self, share: float) -> None:
        """Create or update the artifact. share: from 0 to 1. Outside a task nothing happens."""
        if not in_task():
            return
        with shown_or_not():
            if self._artifact is None:
                made = create_progress_artifact(100 * share, description=self._what)
                self._artifact = cast(UUID, made)
            else:
                update_progress_artifact(self._artifact, 100 * share)


def leave_table(lines: Sequence[Mapping[str, object]], *, key: str, description: str) -> None:
    """Create a table artifact; outside a task nothing happens.

    lines: the table's rows. Control characters are replaced, because a row may quote a model.
    """
    if in_task():
        plain = [{name: _plain(value) for name, value in line.items()} for line in lines]
        with shown_or_not():
            create_table_artifact(plain, key=key, description=description)


def _plain(value: object) -> object:
    if isinstance(value, str):
        return plain_text(value)
    return [_plain(one) for one in value] if isinstance(value, list | tuple) else value


def leave_rows(table: Table) -> None:
    """Create a table artifact with the rows that went in, came out and were rejected."""
    lines: list[Mapping[str, object]] = [
        {"rows": "in", "reason": "", "count": table.rows_in},
        {"rows": "out", "reason": "", "count": table.rows_out},
    ]
    lines += [
        {"rows": "rejected", "reason": reason, "count": count}
        for reason, count in table.rejected.items()
    ]
    leave_table(lines, key=table.stage, description=f"{table.stage} `{table.fingerprint}`")
