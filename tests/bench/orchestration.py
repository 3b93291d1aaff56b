"""What orchestration costs: a whole build as a Prefect flow against the same stages called as plain
functions.

`python -m tests.bench.orchestration [--rows 2000] [--repeats 3]`. Scripted engine, a whole mill
that is up, every build into a root of its own. Goal: at most 5 s and at most 3 % of a 2,000-row
build. The engine is the cheapest there is, so the share is the largest it can be.
"""

import argparse
import json
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import ParamSpec

from prefect import Task

from flows.build_corpus import build, build_corpus
from flows.clock import Clock
from flows.recipes.corpus import Recipe
from flows.recipes.load import load_recipe
from tasks.store import Table
from tests.support.mills import mill, within

P = ParamSpec("P")
POCKET = Path(__file__).parents[2] / "deployments" / "recipes" / "pocket.yaml"


class PlainClock(Clock):
    """Calls a stage's function without its task."""

    def run(self, stage: Task[P, Table], *args: P.args, **kwargs: P.kwargs) -> Table:
        """Return the stage's table."""
        return stage.fn(*args, **kwargs)


def main() -> None:
    """Print the seconds of both, in alternation, and what lies between them."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rows", type=int, default=2000)
    parser.add_argument("--repeats", type=int, default=3)
    arguments = parser.parse_args()
    with (
        tempfile.TemporaryDirectory() as folder,
        mill(Path(folder), [POCKET]) as running,
        within(running),
    ):
        large = _recipe(arguments.rows)
        _seconds(lambda root: build_corpus(large, root), Path(folder) / "warm")
        flows, plains = [], []
        for number in range(arguments.repeats):
            flows.append(
                _seconds(lambda root: build_corpus(large, root), Path(folder) / f"flow{number}")
            )
            plains.append(
                _seconds(
                    lambda root: build(large, root, PlainClock()), Path(folder) / f"plain{number}"
                )
            )
            print(f"flow {flows[-1]:.2f} s, plain functions {plains[-1]:.2f} s", flush=True)
    between = statistics.median(flows) - statistics.median(plains)
    print(
        f"orchestration costs {between:.2f} s, {100 * between / statistics.median(plains):.1f} % of a build of {arguments.rows} prompts"
    )


def _recipe(rows: int) -> Recipe:
    """Return the pocket recipe at this size, answered by the scripted engine; more problems and
    fewer passages, of which there are only so many.
    """
    problems = {
        "lookup": rows // 3,
        "irac": rows // 3,
        "addition": rows // 8,
        "equation": rows // 8,
        "date": rows // 8,
    }
    settings = [
        f"prompts.rows={rows}",
        "traces.samples=1",
        "models.teacher.engine=scripted",
        "coherence.share=0",
        "prompts.saturation=1",
    ]
    made = load_recipe(
        POCKET,
        [
            *settings,
            "corpus.suite.general_min=0",
            "corpus.suite.general_max=1",
            f"questions.problems={json.dumps(problems)}",
        ],
    )
    shares = dict(zip(made.prompts.families, (30, 20, 20, 30), strict=True))
    families = tuple(family.model_copy(update={"share": share}) for family, share in shares.items())
    return made.model_copy(
        update={"prompts": made.prompts.model_copy(update={"families": families})}
    )


def _seconds(job: Callable[[Path], object], root: Path) -> float:
    began = time.perf_counter()
    job(root.absolute())
    return time.perf_counter() - began


if __name__ == "__main__":
    main()
