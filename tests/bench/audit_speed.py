"""What an audit costs: CPU seconds and peak memory of `tracemill audit`, beside a bare loop that
reads the same file and counts its words.

`python -m tests.bench.audit_speed [--rows 100000] [--characters 2000] [--baseline-rows 0]`. Goal
for 100,000 rows of 2,000 characters: at most 60 s of CPU and 2 GiB; for 1,000,000 rows the same
memory.
"""

import argparse
import os
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import orjson

from tests.bench.leak_world.clean import clean_rows
from tests.bench.measure import spend, tell

VOICES = 20_000
BARE = """
import collections, sys, orjson
counted = collections.Counter()
for line in open(sys.argv[1], "rb"):
    counted.update(orjson.loads(line)["response"].split())
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--characters", type=int, default=2000)
    parser.add_argument("--baseline-rows", type=int, default=0)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        corpus, baseline = Path(folder, "corpus.jsonl"), Path(folder, "baseline.jsonl")
        write(corpus, options.rows, options.characters, seed=1)
        write(baseline, options.baseline_rows, options.characters, seed=2)
        bare = spend(["-c", BARE, str(corpus)])
        command = [
            "-c",
            "from deployments.cli.main import main; main()",
            "audit",
            str(corpus),
            "--json",
            f"{folder}/audit.json",
        ]
        began = time.monotonic()
        cpu, peak = _run(
            [*command, *(["--baseline", str(baseline)] if options.baseline_rows else [])]
        )
        tell(
            "audit_speed",
            rows=options.rows,
            baseline_rows=options.baseline_rows,
            cpu_seconds=cpu,
            wall=time.monotonic() - began,
            gibibytes=peak / 2**20,
            against_bare_loop=cpu / bare.cpu,
            goal="100,000 rows: <= 60 s, <= 2 GiB",
        )


def _run(arguments: list[str]) -> tuple[float, int]:
    """Return CPU seconds and peak KiB of the audit; 1 and 3 are verdicts, 2 is a failure."""
    process = subprocess.Popen(
        [sys.executable, *arguments], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
    )
    _, status, used = os.wait4(process.pid, 0)
    if os.waitstatus_to_exitcode(status) not in (0, 1, 3):
        sys.exit(process.stderr.read().decode() if process.stderr else "the audit failed")
    return used.ru_utime + used.ru_stime, used.ru_maxrss


def write(path: Path, rows: int, characters: int, *, seed: int) -> None:
    """Write JSON lines whose think blocks are runs of several clean ones, cut to length."""
    drawn = clean_rows(VOICES, seed=1, style="mixed")
    rng = random.Random(seed)
    with path.open("wb") as file:
        for number in range(rows):
            think = ""
            while len(think) < characters:
                think += rng.choice(drawn).think + " "
            row = {
                "id": f"r{number}",
                "prompt": f"{drawn[number % len(drawn)].prompt} {number}",
                "response": f"<think>\n{think[:characters]}\n</think>\n\nSo {number}.",
            }
            file.write(orjson.dumps(row) + b"\n")


if __name__ == "__main__":
    main()
