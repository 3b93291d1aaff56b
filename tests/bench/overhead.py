"""CPU a row of the generation path against an instant local server, start-up included, beside a
bare aiohttp loop.

`python -m tests.bench.overhead [--rows 2000] [--runs 5]`. Goal: at most 1.0 ms a row with durable
rows.
"""

import argparse
import statistics
import tempfile
from pathlib import Path

from tests.bench.measure import spend, tell
from tests.support.answer_server import answering

BARE = "import asyncio, sys; from tests.bench.measure import bare_loop; asyncio.run(bare_loop(sys.argv[1], int(sys.argv[2]), sys.argv[3] + '/out.jsonl'))"
OURS = """
import sys
from pathlib import Path
from tasks.inference.engine import EnginePlacement, NamedModel, TeacherSpec
from tasks.traces.generate import TraceSpec, generate
from tests.support.builders import prompts_table, silent
asked = TeacherSpec(engine="endpoint", model="m", max_tokens=64)
named = NamedModel("m", asked, EnginePlacement(base_url=sys.argv[1]))
made = generate(prompts_table(int(sys.argv[2])), TraceSpec(samples=1), [named], journals=Path(sys.argv[3]), progress=silent)
assert made.traces.num_rows == int(sys.argv[2]), made.rejected.to_pylist()[:3]
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=2000)
    parser.add_argument("--runs", type=int, default=5)
    options = parser.parse_args()
    costs: dict[str, list[float]] = {"bare": [], "ours": []}
    with answering() as server:
        for _ in range(options.runs):
            for name, code in (("bare", BARE), ("ours", OURS)):
                with tempfile.TemporaryDirectory() as folder:
                    cost = spend(
                        ["-c", code, server.base_url, str(options.rows), str(Path(folder))]
                    )
                costs[name].append(1000 * cost.cpu / options.rows)
    ours, bare = statistics.median(costs["ours"]), statistics.median(costs["bare"])
    tell(
        "overhead",
        rows=options.rows,
        ours_ms_a_row=ours,
        bare_ms_a_row=bare,
        ratio=ours / bare,
        goal="ours <= 1.0 ms",
    )


if __name__ == "__main__":
    main()
