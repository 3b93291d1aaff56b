"""How every stage runs as a Prefect task: when it is retried, and when its table is found."""

import logging
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, nullcontext
from pathlib import Path
from typing import Any, TypedDict, cast

import httpx
from prefect import Task, get_run_logger
from prefect.cache_policies import NO_CACHE, CachePolicy
from prefect.client.orchestration import get_client
from prefect.client.schemas.objects import State, TaskRun
from prefect.concurrency.asyncio import ConcurrencySlotAcquisitionError
from prefect.concurrency.sync import concurrency
from prefect.exceptions import MissingContextError, ObjectNotFound
from prefect.states import Completed

from tasks.artifacts import ProgressArtifact, in_task, leave_rows
from tasks.errors import ServerUnreachable, Transient
from tasks.progress import watched_by
from tasks.reporting import ProgressReport
from tasks.store import Key, Made, Table, find, once

GPU_SLOT = "tracemill-gpu"
"""The concurrency limit that stages share which want an accelerator. They carry no tag: Prefect
asks the server for a turn on every tag of a task before it begins, where a stage's own retries do
not reach, and a server that is away for a second would end the run.
"""
LEASE_SECONDS = 60


# What the rooms say is as loud as Prefect itself: it gives the loggers it is told of its handlers,
# but not its level.
logging.getLogger(__package__).setLevel(logging.getLogger("prefect").level)


def transient(task: Task[..., Any], run: TaskRun, state: State[Any]) -> bool:
    """Whether a failed task may be tried again: only after an error that is transient. Says so in
    the log.
    """
    error = state.result(raise_on_failure=False)
    again = isinstance(error, Transient)
    if again and run.run_count <= STAGE["retries"]:
        seconds = STAGE["retry_delay_seconds"][run.run_count - 1]
        logging.getLogger(__name__).warning(
            "%s failed (%s); retry %d of %d in %.0f s",
            task.name,
            error,
            run.run_count,
            STAGE["retries"],
            seconds,
        )
    return again


class StagePolicy(TypedDict):
    """The keyword arguments that every stage's task shares."""

    cache_policy: CachePolicy
    persist_result: bool
    retries: int
    retry_delay_seconds: list[float]
    retry_condition_fn: Callable[[Task[..., Any], TaskRun, State[Any]], bool]


STAGE = StagePolicy(
    cache_policy=NO_CACHE,
    persist_result=False,
    retries=3,
    retry_delay_seconds=[5, 30, 120],
    retry_condition_fn=transient,
)
"""The store is the one truth of "done": a Prefect cache could only outlive the table it points at.
"""


def settle(root: Path, key: Key, make: Callable[[], Made], *, on_gpu: bool = False) -> Table:
    """Return the stage's table, made or found; a found one shows as Cached in the UI. Leaves a
    table of its rows as an artifact.

    on_gpu: whether making it wants an accelerator, and waits for its turn.
    """
    log = _logger()
    found = find(root, key)
    if found:
        log.info("%s %s: found, %d rows", key.stage, key.fingerprint, found.rows)
        return cast(Table, Completed(name="Cached", data=found)) if in_task() else found
    with _gpu_slot() if on_gpu and in_task() else nullcontext():
        log.info("%s %s: started", key.stage, key.fingerprint)
        shown = ProgressReport(key.stage, share=ProgressArtifact(key.stage))
        with shown as progress, watched_by(progress):
            table = once(root, key, make)
    log.info(
        "%s %s: %d in, %d out, rejected %s",
        key.stage,
        key.fingerprint,
        table.rows_in,
        table.rows_out,
        dict(table.rejected) or "none",
    )
    if in_task():
        leave_rows(table)
    return table


@contextmanager
def _gpu_slot() -> Iterator[None]:
    """Hold one of the machine's GPU slots, waiting for it, where a limit is set.

    The slot is a lease that this process renews: unlike a tag's own limit it comes free within a
    minute of a kill. A server that is away for longer does not end the work.
    """
    with ExitStack() as held:
        # What the work itself raises is not caught: only the asking is.
        try:
            if _limited():
                held.enter_context(
                    concurrency(
                        GPU_SLOT, lease_duration=LEASE_SECONDS, raise_on_lease_renewal_failure=False
                    )
                )
        except (ConcurrencySlotAcquisitionError, httpx.HTTPError) as exc:
            raise ServerUnreachable(
                f"the Prefect server could not be asked for a turn on the GPU: {exc.__cause__ or exc}"
            ) from exc
        yield


def _limited() -> bool:
    """Whether this server limits the GPU at all; a build on the command line has a server of its
    own, that does not.
    """
    with get_client(sync_client=True) as client:
        try:
            client.read_global_concurrency_limit_by_name(GPU_SLOT)
        except ObjectNotFound:
            return False
    return True


def _logger() -> Any:
    try:
        return get_run_logger()
    except MissingContextError:
        return logging.getLogger("tracemill")
