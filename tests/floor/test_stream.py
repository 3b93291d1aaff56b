"""Shards worked on side by side: in order, few at a time, on one machine or several."""

import functools
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.stream import AHEAD, map_shards, shards

TWO_NODES = """
import sys
from concurrent.futures.process import BrokenProcessPool
from functools import partial

import numpy as np
from ray.cluster_utils import Cluster

from tasks.inference.cluster import join_ray
from tasks.inference.embedding import MINILM, embed
from tasks.stream import map_shards
from tests.floor.test_stream import doubled, dying, failing, nodes_at_work

cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 1, "include_dashboard": False})
cluster.add_node(num_cpus=1)
join_ray(cluster.address)
given = [[n] for n in range(40)]
assert list(map_shards(doubled, given)) == [doubled(one) for one in given]
texts = [f"text {n} on " + "matter " * (n % 7) for n in range(600)]
alone = embed(texts[:1], MINILM)
together = embed(texts, MINILM)
assert together.shape == (600, 384) and np.abs(together[0] - alone[0]).max() < 1e-5
for work, error in ((dying, BrokenProcessPool), (partial(failing, at=7), ValueError)):
    try:
        list(map_shards(work, given))
    except error:
        continue
    raise SystemExit(f"{work} did not raise {error}")
print(*map_shards(nodes_at_work, [[sys.argv[1]]] * 4))
import ray

ray.shutdown()
cluster.shutdown()
"""
"""Two Ray nodes on this machine; prints, for each of four shards, how many nodes work."""


def doubled(shard: list[int]) -> list[int]:
    return [2 * one for one in shard]


def process_of(shard: list[int]) -> int:
    return os.getpid()


def nodes_at_work(shard: list[str]) -> int:
    """Note this node in a folder; return how many nodes are noted once a second one is there."""
    import ray

    (folder,) = map(Path, shard)
    (folder / ray.get_runtime_context().get_node_id()).touch()
    deadline = time.monotonic() + 120
    while len(list(folder.iterdir())) < 2 and time.monotonic() < deadline:
        time.sleep(0.05)
    return len(list(folder.iterdir()))


def dying(shard: list[int]) -> None:
    os._exit(9)


def failing(shard: list[int], *, at: int) -> list[int]:
    if at in shard:
        raise ValueError(f"shard with {at}")
    return shard


@given(st.lists(st.integers()), st.integers(1, 9))
def test_shards_hold_every_item_once_in_order_and_are_full_but_for_the_last(
    items: list[int], size: int
) -> None:
    made = list(shards(items, size))
    assert [one for shard in made for one in shard] == items
    assert all(len(shard) == size for shard in made[:-1])
    assert all(0 < len(shard) <= size for shard in made[-1:])


def test_results_come_in_the_order_of_the_shards_from_other_processes() -> None:
    given_ = [[n, n + 1] for n in range(0, 60, 2)]
    assert list(map_shards(doubled, given_)) == [doubled(one) for one in given_]
    assert os.getpid() not in set(map_shards(process_of, given_))
    assert list(map_shards(doubled, [])) == []


def test_a_shard_is_read_only_when_a_result_has_been_taken() -> None:
    read: list[int] = []

    def endless() -> Iterator[list[int]]:
        for number in range(10**9):
            read.append(number)
            yield [number]

    made = map_shards(doubled, endless(), most=2)
    assert [next(made) for _ in range(10)] == [[2 * n] for n in range(10)]
    assert len(read) <= 10 + 2 * AHEAD
    made.close()  # type: ignore[attr-defined]


def test_what_the_work_raises_is_raised_and_a_killed_worker_too() -> None:
    with pytest.raises(ValueError, match="shard with 7"):
        list(map_shards(functools.partial(failing, at=7), [[n] for n in range(20)]))
    with pytest.raises(BrokenProcessPool):
        list(map_shards(dying, [[1], [2]]))


@pytest.mark.service
def test_a_joined_cluster_does_the_work_on_all_its_machines(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", TWO_NODES, str(tmp_path)],
        capture_output=True,
        text=True,
        check=False,
        timeout=600,
        env={**os.environ, "PYTHONPATH": str(Path.cwd())},
    )
    assert "2 2 2 2" in done.stdout.splitlines(), done.stderr[-2000:]
