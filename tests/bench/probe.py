"""Twenty questions of a probe put to one engine at once and one by one; and one row alone against
the whole probe.

`python -m tests.bench.probe [--root DIR]`. Goals: at least 10 times as fast at once; a row alone in
under a tenth of the probe's time.
"""

import argparse
import asyncio
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

import deployments.cli.main  # noqa: F401  quiet environment
from tasks.inference.complete import ask_all
from tasks.inference.engine import Ask, Completion, EnginePlacement, TeacherSpec
from tasks.inference.sharded import ShardedEngine
from tasks.sources.problems import draw
from tests.bench.measure import spend, tell

ROWS = 20
FAMILIES = ("addition", "equation", "date", "irac", "rulebook")
POCKET = Path(__file__).parents[2] / "deployments" / "recipes" / "pocket.yaml"
CLI = "import sys; from deployments.cli.main import main; sys.argv = ['tracemill', *sys.argv[1:]]; main()"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--root",
        type=Path,
        help="A store in which the pocket recipe's corpus and student lie already.",
    )
    options = parser.parse_args()
    asyncio.run(batched())
    with tempfile.TemporaryDirectory() as folder:
        one_row(options.root or Path(folder))


async def batched() -> None:
    """Ask the same rows with all in flight, and with one in flight; the first round warms up."""
    asks = [
        Ask(
            f"k{number}",
            (
                {
                    "role": "user",
                    "content": draw(FAMILIES[number % len(FAMILIES)], 9000 + number).prompt,
                },
            ),
            seed=number,
        )
        for number in range(ROWS)
    ]
    engine = await ShardedEngine.start(TeacherSpec(temperature=0.6), EnginePlacement(window=ROWS))
    try:
        rounds = [await _round(engine, asks, window) for window in (ROWS, ROWS, 1, ROWS, 1)]
    finally:
        await engine.close()
    at_once, apart = (
        min(rounds[1].seconds, rounds[3].seconds),
        min(rounds[2].seconds, rounds[4].seconds),
    )
    same = sum(rounds[1].texts[key] == text for key, text in rounds[2].texts.items())
    tokens = rounds[1].tokens / rounds[2].tokens
    tell(
        "probe",
        rows=ROWS,
        same_text=same,
        at_once_seconds=at_once,
        one_by_one_seconds=apart,
        ratio=apart / at_once * tokens,
        goal=">= 10",
    )


class Round(NamedTuple):
    """A round of all rows. texts: by key."""

    seconds: float
    tokens: int
    texts: dict[str, str]


async def _round(engine: ShardedEngine, asks: list[Ask], window: int) -> Round:
    said: list[Completion] = []
    started = time.perf_counter()
    await ask_all(asks, engine, window=window, keep=said.append)
    return Round(
        time.perf_counter() - started,
        sum(one.completion_tokens for one in said),
        {one.key: one.text for one in said},
    )


def one_row(root: Path) -> None:
    """Run the recipe's probe afresh, all before it being there, then ask one of its rows alone."""
    import pyarrow.parquet as pq

    recipe = [str(POCKET), "--root", str(root)]
    spend(["-c", CLI, "train", *recipe])
    found = spend(["-c", CLI, "train", *recipe]).wall
    probe = (
        spend(["-c", CLI, "probe", *recipe, "--set", f"probe.seed={time.time_ns() % 10**9}"]).wall
        - found
    )
    newest = max((root / "answers").glob("[!.]*"), key=lambda folder: folder.stat().st_mtime)
    row = next(
        row
        for row in pq.read_table(newest / "answers.parquet").to_pylist()
        if row["model"] == "student"
    )
    alone = spend(["-c", CLI, "reproduce", *recipe, row["answer_id"]]).wall
    tell("reproduce", probe_seconds=probe, alone_seconds=alone, ratio=alone / probe, goal="< 0.1")


if __name__ == "__main__":
    main()
