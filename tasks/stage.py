"""How stages run as Prefect tasks: retries, GPU slots, and reuse of finished tables."""

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
"""Name of the concurrency limit for stages that use an accelerator.

It is not a tag of the tasks. Prefect requests the slots of tags before a task begins, outside its
retries, so a server that is down for one second would end the run.
"""
LEASE_SECONDS = 60
"""Time after which the GPU slot of a killed process is free again."""


# The loggers of the rooms get the level of Prefect's logger: Prefect gives them its handlers, but
# not its level.
logging.getLogger(__package__).setLevel(logging.getLogger("prefect").level)


def transient(task: Task[..., Any], run: TaskRun, state: State[Any]) -> bool:
    """Return whether Prefect may retry a failed task: after a Transient error. Logs a retry."""
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
    """The keyword arguments of every stage's `@task`."""

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
"""The arguments of every stage's `@task`. Only the store decides what is finished: a cache of
Prefect could outlive the table that it refers to.
"""


def settle(root: Path, key: Key, make: Callable[[], Made], *, on_gpu: bool = False) -> Table:
    """Return the table of a key; `make` is called only if the store lacks the table.

    A table that was found has the state Cached in Prefect's UI. The numbers of rows become an
    artifact. on_gpu: `make` uses an accelerator and waits for a GPU slot.
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
    """Hold a GPU slot during this block, if the server has such a limit; wait for a free slot.

    The slot is a lease that this process renews, so it is free a minute after a kill. A server
    that is down while the block runs does not end the work.
    """
    with ExitStack() as held:
        # Only errors of the request for the slot are caught, not errors of the work.
        try:
            if _limited():
                held.enter_context(
                    concurrency(
                        GPU_SLOT, lease_duration=LEASE_SECONDS, raise_on_lease_renewal_failure=False
                    )
                )
        except (ConcurrencySlotAcquisitionError, httpx.HTTPError) as exc:
            raise ServerUnreachable(
                f"the Prefect server did not give a GPU slot: {exc.__cause__ or exc}; "
                "is the server up?"
            ) from exc
        yield


def _limited() -> bool:
    """Return whether the server has a limit for the GPU.

    A build from the command line has its own server without such a limit.
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
