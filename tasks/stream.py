"""Work on shards of rows in parallel: on all cores of this machine, or on a joined Ray cluster."""

import os
import sys
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures.process import BrokenProcessPool
from itertools import islice
from typing import Any, Protocol, TypeVar

from tasks import processes

Shard = TypeVar("Shard")
Item = TypeVar("Item")
Result = TypeVar("Result")
AHEAD = 2
"""Shards per worker that are in work or whose results are not taken yet."""


class _Pending(Protocol):
    """A result of a worker, finished or not."""

    def result(self) -> Any:
        """Return the result; wait until it is finished."""
        ...


def shards(items: Iterable[Item], size: int) -> Iterator[list[Item]]:
    """Yield the items in lists of `size`; the last list may be shorter.

    >>> list(shards("abcde", 2))
    [['a', 'b'], ['c', 'd'], ['e']]
    """
    source = iter(items)
    while shard := list(islice(source, size)):
        yield shard


def map_shards(
    work: Callable[[Shard], Result], several: Iterable[Shard], *, most: int = 0
) -> Iterator[Result]:
    """Yield the result of every shard, in the order of the shards.

    Few shards are in memory at a time: the next ones are read when results are taken. The work runs
    in processes of this machine, or as Ray tasks if a cluster of several machines is joined. work:
    a function of a module, or a `functools.partial` of one. most: workers at most; 0 for one per
    core. Raises what the work raises, and BrokenProcessPool when a worker dies, here or on the
    cluster.
    """
    cluster = cluster_cores()
    workers = cluster or os.cpu_count() or 1
    workers = min(workers, most) if most else workers
    if cluster:
        yield from _in_order(_ray_submit(work), several, workers)
        return
    with processes.pool(workers) as pool:
        yield from _in_order(lambda shard: pool.submit(work, shard), several, workers)


def cluster_cores() -> int:
    """Return the cores of the Ray cluster that this process has joined, 0 for a single machine."""
    if "ray" not in sys.modules:
        return 0
    import ray

    if not ray.is_initialized():
        return 0
    alive = sum(bool(node["Alive"]) for node in ray.nodes())
    return int(ray.cluster_resources().get("CPU", 0)) if alive > 1 else 0


def _in_order(
    submit: Callable[[Shard], _Pending], several: Iterable[Shard], workers: int
) -> Iterator[Any]:
    pending: deque[_Pending] = deque()
    for shard in several:
        pending.append(submit(shard))
        if len(pending) >= AHEAD * workers:
            yield pending.popleft().result()
    while pending:
        yield pending.popleft().result()


class _RayResult:
    """The result of a Ray task."""

    def __init__(self, reference: Any) -> None:
        self._reference = reference

    def result(self) -> Any:
        """Return the result of the task; wait until it is finished."""
        import ray
        from ray.exceptions import RayError, RayTaskError

        try:
            return ray.get(self._reference)
        except RayTaskError:  # the work itself raised
            raise
        except RayError as exc:
            raise BrokenProcessPool(f"a worker of the Ray cluster was lost: {exc}") from exc


def _ray_submit(work: Callable[[Shard], Result]) -> Callable[[Shard], _RayResult]:
    import ray

    # Ray makes no task of a functools.partial, so the work is an argument.
    task = ray.remote(num_cpus=1, max_retries=3)(_worked)
    return lambda shard: _RayResult(task.remote(work, shard))


def _worked(work: Callable[[Shard], Result], shard: Shard) -> Result:
    return work(shard)
