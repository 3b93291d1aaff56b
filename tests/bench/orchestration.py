"""What orchestration costs: a whole build as a Prefect flow against the same stages called as plain functions.

`python -m tests.bench.orchestration [--rows 2000] [--repeats 3]`. Scripted engine, one Prefect server for all runs, every build into a root of its own.
Goal: at most 5 s and at most 3 % of a 2,000-row build. The engine is the cheapest there is, so the share is the largest it can be.
"""

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import ParamSpec

from prefect import Task

from flows.build_corpus import build, build_corpus
from flows.clock import Clock
from flows.recipe import Recipe
from tasks.store import Table
from tests.builders import TOPICS, recipe, write_rulebook

P = ParamSpec("P")


class PlainClock(Clock):
    """Calls a stage's function without its task."""

    def run(self, stage: Task[P, Table], *args: P.args, **kwargs: P.kwargs) -> Table:
        """Return the stage's table."""
        return stage.fn(*args, **kwargs)


def main() -> None:
    """Print the seconds of both, in alternation, and what lies between them."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=2000)
    parser.add_argument("--repeats", type=int, default=3)
    arguments = parser.parse_args()
    from prefect.testing.utilities import prefect_test_harness

    with tempfile.TemporaryDirectory() as folder, prefect_test_harness(server_startup_timeout=120):
        large = _recipe(Path(folder), arguments.rows)
        _seconds(lambda root: build_corpus(large, root), Path(folder) / "warm")
        flows, plains = [], []
        for number in range(arguments.repeats):
            flows.append(_seconds(lambda root: build_corpus(large, root), Path(folder) / f"flow{number}"))
            plains.append(_seconds(lambda root: build(large, root, PlainClock()), Path(folder) / f"plain{number}"))
            print(f"flow {flows[-1]:.2f} s, plain functions {plains[-1]:.2f} s", flush=True)
    between = statistics.median(flows) - statistics.median(plains)
    print(f"orchestration costs {between:.2f} s, {100 * between / statistics.median(plains):.1f} % of a build of {arguments.rows} prompts")


def _recipe(folder: Path, rows: int) -> Recipe:
    documents = min(4, len(TOPICS) // 5)
    write_rulebook(folder / "rules", documents=documents)
    forms = [f"What is rule {number} of {{topic}}?" for number in range(rows // (5 * documents) * 2)]
    family = {"name": "handbook_qa", "share": 1, "forms": forms}
    return recipe(folder / "rules", prompts={"rows": rows, "families": [family]}, traces={"samples": 1, "teacher": {"engine": "scripted"}})


def _seconds(job: Callable[[Path], object], root: Path) -> float:
    began = time.perf_counter()
    job(root.absolute())
    return time.perf_counter() - began


if __name__ == "__main__":
    main()
