"""Builds killed with -9 at twenty random moments each go on and end with the bytes of one that was
not.

`python -m tests.bench.resume [--kills 20] [--seed 0]`. Goal: 0 finished rows asked again, 0 lost, 0
twice, identical bytes.
"""

import argparse
import random
import tempfile
import time
from pathlib import Path

import deployments.cli.main  # noqa: F401  quiet environment
from tests.bench.measure import tell
from tests.support.answer_server import Server, answering
from tests.support.builders import write_rulebook
from tests.support.builds import (
    answered,
    corpus_bytes,
    finish,
    kill_when,
    orphans,
    start,
    write_recipe,
)

ROWS = (24 + 2) * 3


def killed_at(
    moment: float, recipe: Path, root: Path, *, api: str, server: Server
) -> tuple[int, int, int]:
    """Kill a build at a moment (seconds after its start), go on, and return (finished rows asked
    again, rows lost, orphans).
    """
    server.reset()
    process = start(recipe, root, server=api)
    deadline = time.monotonic() + moment
    kill_when(process, lambda: time.monotonic() >= deadline)
    kept = answered(root)
    while server.stats()["in_flight"]:
        time.sleep(0.05)
    summary = finish(start(recipe, root, server=api))
    stats = server.stats()
    return summary["requests"] - (ROWS - kept), ROWS - stats["distinct"], len(orphans(process.pid))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    from prefect.settings import PREFECT_API_URL
    from prefect.testing.utilities import prefect_test_harness

    with (
        tempfile.TemporaryDirectory() as name,
        answering(delay=0.15, sigma=1) as server,
        prefect_test_harness(server_startup_timeout=120),
    ):
        folder, api = Path(name), str(PREFECT_API_URL.value())
        recipe = write_recipe(
            folder / "recipe.yaml",
            write_rulebook(folder / "rules"),
            placement={"models": {"teacher": {"base_url": server.base_url, "window": 2}}},
            models={"teacher": {"engine": "endpoint", "model": "m"}},
            traces={"samples": 3},
        )
        began = time.monotonic()
        finish(start(recipe, folder / "whole", server=api))
        length, whole = time.monotonic() - began, corpus_bytes(folder / "whole")
        drawn = random.Random(options.seed)
        moments = sorted(drawn.uniform(0.1, 0.95) * length for _ in range(options.kills))
        found = [
            (killed_at(moment, recipe, folder / f"k{number}", api=api, server=server))
            for number, moment in enumerate(moments)
        ]
        identical = sum(
            corpus_bytes(folder / f"k{number}") == whole for number in range(options.kills)
        )
    again, lost, left = (sum(column) for column in zip(*found, strict=True))
    tell(
        "resume",
        kills=options.kills,
        asked_again=again,
        lost=lost,
        orphans=left,
        identical=f"{identical}/{options.kills}",
        goal="0 0 0 all",
    )


if __name__ == "__main__":
    main()
