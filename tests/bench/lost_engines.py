"""Engines that die and nodes that vanish at random moments: is every row answered once, and the
same as if nothing had happened?

`python -m tests.bench.lost_engines [--moments 20] [--faults engine node] [--rows 48] [--seed 0]`.
The real engine with the built-in teacher.

| fault | what is done | right end |
|---|---|---|
| engine | the actor's process is killed with -9, its engine core with it | the rows are asked again of the next engine |
| node | of a cluster of three nodes on this machine, the one that holds the actor is killed | the next engine starts on another node |

Losing the cluster's head loses the cluster, and with it the run, which is then retried; it is not
struck here.
"""

import argparse
import asyncio
import random
import statistics
import time
from typing import Any

import psutil

from tasks.inference.engine import Ask, EnginePlacement, TeacherSpec
from tasks.inference.sharded import ShardedEngine
from tasks.sources.problems import draw

SPEC = TeacherSpec(max_tokens=300)
WORKERS = 2


def main() -> None:
    """Strike, wait, compare, and print a line per fault."""
    arguments = _arguments()
    drawn = random.Random(arguments.seed)
    asks = [
        Ask(f"k{n}", ({"role": "user", "content": draw("addition", n).prompt},), seed=n)
        for n in range(arguments.rows)
    ]
    for fault in arguments.faults:
        cluster = _cluster() if fault == "node" else None
        asyncio.run(_strikes(fault, arguments.moments, asks, drawn, cluster))
        _ends(cluster)


async def _strikes(
    fault: str, moments: int, asks: list[Ask], drawn: random.Random, cluster: Any
) -> None:
    # A lost node costs two: Ray may choose it once more before it knows.
    placement = EnginePlacement(
        window=16, restarts=2 * moments, ray_address=cluster.address if cluster else "local"
    )
    engine = await ShardedEngine.start(SPEC, placement)
    began = time.monotonic()
    due = await asyncio.gather(*map(engine.ask, asks))
    seconds = time.monotonic() - began
    print(f"{fault}: {len(asks)} rows take {seconds:.1f} s undisturbed", flush=True)
    same, orphans, times = 0, 0, []
    for number in range(moments):
        await engine.ask(asks[0])  # a strike after the last answer is noticed by the next row
        moment, waiting = (
            drawn.uniform(0, seconds),
            [asyncio.create_task(engine.ask(ask)) for ask in asks],
        )
        await asyncio.sleep(moment)
        struck = time.monotonic()
        orphans += await asyncio.to_thread(_kill, fault, engine.pids[0], cluster)
        same += await asyncio.gather(*waiting) == due
        times.append(time.monotonic() - struck)
        if cluster:
            _fill_up(cluster)
        print(
            f"  {number + 1:2}: struck after {moment:.1f} s, all answered {times[-1]:.1f} s later, {same} of {number + 1} the same, "
            f"{orphans} processes left over",
            flush=True,
        )
    await engine.close()
    end = f"{orphans} processes left over, {statistics.median(times):.0f} s to the last answer (median)"
    print(f"{fault:7} same answers {same} of {moments}, {end}", flush=True)


def _kill(fault: str, actor: int, cluster: Any) -> int:
    """Kill the actor, or the node that holds it; return how many of the processes that it had
    started outlive it by half a minute.
    """
    process = psutil.Process(actor)
    started = process.children(recursive=True)
    if fault == "engine":
        process.kill()
    else:
        _kill_node(process, cluster)
    return len(psutil.wait_procs([process, *started], timeout=30)[1])


def _kill_node(process: psutil.Process, cluster: Any) -> None:
    raylets = {
        node: psutil.Process(node.all_processes["raylet"][0].process.pid)
        for node in cluster.worker_nodes
    }
    node = next(
        (node for node, raylet in raylets.items() if process in raylet.children(recursive=True)),
        None,
    )
    if node is None:
        print("  (the actor was on the head: it alone is killed)", flush=True)
        process.kill()
        return
    cluster.remove_node(node, allow_graceful=False)


def _cluster() -> Any:
    from ray.cluster_utils import Cluster

    cluster = Cluster(
        initialize_head=True, head_node_args={"num_cpus": 0, "include_dashboard": False}
    )
    _fill_up(cluster)
    return cluster


def _fill_up(cluster: Any) -> None:
    """Bring the cluster to two nodes beside its head; Ray wants to be in the main thread for that."""
    while len(cluster.worker_nodes) < WORKERS:
        cluster.add_node(num_cpus=1)


def _ends(cluster: Any) -> None:
    import ray

    ray.shutdown()
    if cluster:
        cluster.shutdown()


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--moments", type=int, default=20)
    parser.add_argument(
        "--faults", nargs="+", choices=("engine", "node"), default=["engine", "node"]
    )
    parser.add_argument("--rows", type=int, default=48)
    parser.add_argument("--seed", type=int, default=0)
    return parser.parse_args()


if __name__ == "__main__":
    main()
