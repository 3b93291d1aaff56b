"""Rows a second with log-normal answer times and 64 in flight, against a bare aiohttp loop.

`python -m tests.bench.stragglers [--rows 1500] [--delay 0.4] [--sigma 1.0] [--runs 3]`. Goal: at
least 0.95 of the bare loop.
"""

import argparse
import asyncio
import statistics
import tempfile
import time
from pathlib import Path

from tasks.inference.engine import EnginePlacement, NamedModel, TeacherSpec
from tasks.traces.generate import TraceSpec, generate
from tests.bench.measure import bare_loop, tell
from tests.support.answer_server import answering
from tests.support.builders import prompts_table, silent


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1500)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--delay", type=float, default=0.4)
    parser.add_argument("--sigma", type=float, default=1.0)
    options = parser.parse_args()
    teacher = TeacherSpec(engine="endpoint", model="m", max_tokens=64)
    prompts = prompts_table(options.rows)
    ratios = []
    with answering(delay=options.delay, sigma=options.sigma) as server:
        placement = EnginePlacement(base_url=server.base_url, window=64)
        for _ in range(options.runs):
            with tempfile.TemporaryDirectory() as folder:
                bare = _seconds(
                    lambda folder=folder: asyncio.run(
                        bare_loop(server.base_url, options.rows, f"{folder}/out.jsonl")
                    )
                )
                ours = _seconds(
                    lambda folder=folder: generate(
                        prompts,
                        TraceSpec(samples=1),
                        [NamedModel("m", teacher, placement)],
                        journals=Path(folder),
                        progress=silent,
                    )
                )
            ratios.append(bare / ours)
    tell(
        "stragglers",
        rows=options.rows,
        sigma=options.sigma,
        speed_against_bare=statistics.median(ratios),
        goal=">= 0.95",
    )


def _seconds(work: object) -> float:
    started = time.monotonic()
    work()  # type: ignore[operator]
    return time.monotonic() - started


if __name__ == "__main__":
    main()
