"""The finished job again, against a flow that does nothing: both in processes of their own, against
one Prefect server.

`python -m tests.bench.rerun [--runs 5]`. Goal: 0 requests, at most 1.5 times the empty flow.
"""

import argparse
import statistics
import tempfile
from pathlib import Path

import deployments.cli.main  # noqa: F401  quiet environment
from tests.bench.measure import spend, tell
from tests.support.builders import write_rulebook
from tests.support.builds import finish, start, write_recipe

EMPTY = """
import deployments.cli.main
from prefect import flow
@flow
def empty(): pass
empty()
"""
AGAIN = "import sys; from deployments.cli.main import main; sys.argv = ['tracemill', 'build', sys.argv[1], '--root', sys.argv[2]]; main()"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=5)
    options = parser.parse_args()
    from prefect.settings import PREFECT_API_URL
    from prefect.testing.utilities import prefect_test_harness

    walls: dict[str, list[float]] = {"again": [], "empty": []}
    with tempfile.TemporaryDirectory() as name, prefect_test_harness(server_startup_timeout=120):
        folder, api = Path(name), str(PREFECT_API_URL.value())
        recipe = write_recipe(folder / "recipe.yaml", write_rulebook(folder / "rules"))
        finish(start(recipe, folder / "mill", server=api))
        for _ in range(options.runs):
            walls["empty"].append(spend(["-c", EMPTY], PREFECT_API_URL=api).wall)
            walls["again"].append(
                spend(["-c", AGAIN, str(recipe), str(folder / "mill")], PREFECT_API_URL=api).wall
            )
        requests = finish(start(recipe, folder / "mill", server=api))["requests"]
    again, empty = (statistics.median(walls[name]) for name in ("again", "empty"))
    tell(
        "rerun",
        requests=requests,
        again_seconds=again,
        empty_seconds=empty,
        ratio=again / empty,
        goal="0 requests, <= 1.5",
    )


if __name__ == "__main__":
    main()
