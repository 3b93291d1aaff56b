"""How long it takes from an API call to a running flow.

`python -m tests.bench.trigger [--times 10]`. A whole mill (SQLite); `build-corpus/small` is created
over the REST interface, and timed until its state is Running. Each is cancelled and over before the
next. Beside it stands what no trigger can be quicker than: a bare Python that imports Prefect's
engine and the flow, as lightly as we know how to. Goal: at most 5 s.
"""

import argparse
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tests.support.builders import write_rulebook
from tests.support.mills import Mill, bare, mill, write_recipe


def main() -> None:
    """Print every trigger, and the medians."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--times", type=int, default=10)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        with mill(
            home, [write_recipe(home / "small.yaml", write_rulebook(home / "rules"))]
        ) as running:
            _triggered(running, seed=0)
            triggers, imports = [], []
            for seed in range(1, arguments.times + 1):
                imports.append(_imported())
                triggers.append(_triggered(running, seed))
                print(
                    f"  {seed:2}: running {triggers[-1]:.2f} s after the call; bare imports {imports[-1]:.2f} s",
                    flush=True,
                )
    trigger, floor = statistics.median(triggers), statistics.median(imports)
    print(
        f"API trigger to running {trigger:.2f} s (median; longest {max(triggers):.2f} s), {trigger / floor:.2f} times the bare imports"
    )


def _triggered(running: Mill, seed: int) -> float:
    began = time.monotonic()
    run = running.trigger("build-corpus/small", f"traces.seed={seed}")
    running.wait(run, ["RUNNING"])
    seconds = time.monotonic() - began
    running.cancel(run)
    running.wait(run)
    for process in running.flow_processes():
        process.wait(60)
    return seconds


def _imported() -> float:
    began = time.monotonic()
    subprocess.run(
        [sys.executable, "-c", "import deployments.lean, prefect.engine, flows.build_corpus"],
        env=bare(),
        check=True,
    )
    return time.monotonic() - began


if __name__ == "__main__":
    main()
