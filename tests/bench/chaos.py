"""Every fault at random moments of a build: does it end right, with the same corpus, no process and
no slot left behind?

`python -m tests.bench.chaos [--moments 20] [--faults flow worker …] [--engine scripted] [--seed
0]`. A whole mill (server, worker, reports) with the scripted engine, or with Ray, vLLM and the
built-in teacher; each fault strikes a fresh build at a moment drawn from the length of an
undisturbed one, and again where the build was over by then. The faults take turns.

| fault | what is done | right end |
|---|---|---|
| flow | the run's process is killed with -9 | Completed after a retry by itself |
| term | the run's process is asked to end (SIGTERM), as a system does that needs its memory | Completed after a retry by itself |
| worker | the worker is killed with -9; `tracemill up` | Completed |
| server | the server is killed with -9; `tracemill up` | Completed |
| power | everything is killed at once; `tracemill up` | Completed after a retry by itself |
| cancel | cancelled, as the button does; then retried | Cancelled, then Completed |
| deserted | the worker is killed with -9, and the run cancelled; `tracemill up`; then retried | Cancelled, then Completed |
| silence | worker and run are killed with -9, and nobody comes | called Crashed within two minutes; Completed after `tracemill up` |
| disk | the store's disk is full for up to a minute | Completed, by the stages' own retries |

The store lies on a small disk of its own, in memory, where this user may mount one; else there is
no fault `disk`. Engines that die alone, and nodes, are in `tests/bench/lost_engines.py`.
"""

import argparse
import contextlib
import random
import shutil
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import psutil
import yaml

from deployments.service.processes import descendants, end
from flows.recipes.load import load_recipe
from tests.support.builders import write_rulebook
from tests.support.builds import corpus_bytes
from tests.support.mills import Mill, command, kill, mill, write_recipe

FAULTS = ("flow", "term", "worker", "server", "power", "cancel", "deserted", "silence", "disk")
DISK_MIB, FULL_SECONDS = 96, 60.0
SILENT_SECONDS = 120.0
PARTS = {"server", "worker", "reports"}
POCKET = Path(__file__).parents[2] / "deployments" / "recipes" / "pocket.yaml"
REAL = [
    "prompts.rows=120",
    "traces.samples=2",
    "prompts.control=0.2",
    "corpus.suite.min_rows=5",
    "coherence.share=0",
]


class End(NamedTuple):
    """How a struck build ended. runs: times it was begun. seconds: from the fault to the end."""

    fault: str
    moment: float
    state: str
    runs: int
    seconds: float
    same: bool
    orphans: tuple[str, ...]
    slots: int

    @property
    def right(self) -> bool:
        """Whether nothing is left to be wished for."""
        return self.state == "Completed" and self.same and not self.orphans and not self.slots


def main() -> None:
    """Strike, wait, compare, and print a line per fault, again after every round."""
    arguments = _arguments()
    drawn = random.Random(arguments.seed)
    with tempfile.TemporaryDirectory() as folder, _small_disk(Path(folder) / "mill") as small:
        home = Path(folder)
        ends: dict[str, list[End]] = {
            fault: [] for fault in arguments.faults if fault != "disk" or small
        }
        with mill(home, [_recipe(arguments.engine, home)]) as running:
            _undisturbed(running)
            _empty(running.root)
            seconds, due = _undisturbed(running)
            print(f"an undisturbed build takes {seconds:.1f} s", flush=True)
            for number in range(arguments.moments):
                for fault, so_far in ends.items():
                    so_far.append(_struck(running, fault, lambda: drawn.uniform(0, seconds), due))
                    print(f"  {number + 1:2}: {so_far[-1]}", flush=True)
                print("\n".join(_line(fault, so_far) for fault, so_far in ends.items()), flush=True)


def _recipe(engine: str, home: Path) -> Path:
    """Write the recipe of a build that takes seconds with the scripted engine, a minute or two with
    the real one.
    """
    path = home / "small.yaml"
    if engine == "scripted":
        return write_recipe(path, write_rulebook(home / "rules"))
    real = load_recipe(POCKET, [*REAL, f"name={path.stem}"])
    path.write_text(yaml.safe_dump(real.model_dump(mode="json")))
    return path


def _undisturbed(running: Mill) -> tuple[float, dict[str, bytes]]:
    run = running.trigger("build-corpus/small")
    running.wait(run, ["RUNNING"])
    started = time.monotonic()
    ended = running.wait(run)
    assert ended["state_name"] == "Completed", running.words(run)
    return time.monotonic() - started, corpus_bytes(running.root)


def _struck(running: Mill, fault: str, draw: Callable[[], float], due: dict[str, bytes]) -> End:
    run, moment = _under_way(running, draw)
    began = time.monotonic()
    STRIKES[fault](running, run)
    state = _settled(running, run)
    seconds = time.monotonic() - began
    psutil.wait_procs(running.engines(), timeout=30)
    same = state["state_name"] == "Completed" and corpus_bytes(running.root) == due
    return End(
        fault,
        round(moment, 1),
        state["state_name"],
        state["run_count"],
        round(seconds, 1),
        same,
        _orphans(running),
        running.held_slots(),
    )


def _under_way(running: Mill, draw: Callable[[], float]) -> tuple[str, float]:
    """Start a build from nothing; return its run, and how long it has been running."""
    while True:
        _empty(running.root)
        run, moment = running.trigger("build-corpus/small"), draw()
        running.wait(run, ["RUNNING"])
        time.sleep(moment)
        if running.run(run)["state_type"] == "RUNNING":
            return run, moment
        for process in running.engines():
            process.wait(30)


def _empty(root: Path) -> None:
    for made in root.iterdir():
        shutil.rmtree(made)


def _orphans(running: Mill) -> tuple[str, ...]:
    """Return the command lines of what is left beside the mill's own parts, after ten seconds to
    end by itself; end it, so that it is counted once.
    """
    parts = {running.part(part).pid for part in PARTS}
    _, left = psutil.wait_procs(
        [process for process in descendants(running.home) if process.pid not in parts], timeout=10
    )
    lines = tuple(command(process) for process in left)
    kill(left)
    return lines


def _settled(running: Mill, run: str) -> dict[str, Any]:
    """Return the run once it has ended and nothing takes it up again."""
    while True:
        ended = running.wait(run, seconds=400)
        if ended["state_type"] != "CRASHED" or ended["run_count"] >= 3:
            return ended
        time.sleep(0.2)


def _cancelled(running: Mill, run: str) -> None:
    if running.run(run)["state_type"] == "COMPLETED":
        return
    running.cancel(run)
    ended = running.wait(run)["state_type"]
    assert ended in {"CANCELLED", "COMPLETED"}, f"a run that was cancelled is {ended}"
    if ended == "CANCELLED":
        psutil.wait_procs(running.engines(), timeout=40)
        running.up()
        running.retry(run)


def _deserted(running: Mill, run: str) -> None:
    """Cancel a run whose worker has gone."""
    kill([running.part("worker")])
    _cancelled(running, run)
    running.up()


def _silenced(running: Mill, run: str) -> None:
    kill([running.part("worker"), *running.engines()])
    if running.run(run)["state_type"] != "COMPLETED":
        began = time.monotonic()
        running.wait(run, ["CRASHED", "AwaitingRetry"])
        seconds = time.monotonic() - began
        print(
            f"      called crashed after {seconds:.0f} s{'' if seconds < SILENT_SECONDS else ': TOO LATE'}",
            flush=True,
        )
    running.up()


def _filled(running: Mill, run: str) -> None:
    """Fill the disk to its last block, and empty it after a while."""
    filler = running.root / "filler" / "0"
    filler.parent.mkdir()
    with contextlib.suppress(OSError), filler.open("wb", buffering=0) as file:
        while file.write(bytes(2**16)):
            pass
    time.sleep(random.uniform(0, FULL_SECONDS))
    shutil.rmtree(filler.parent)


@contextlib.contextmanager
def _small_disk(folder: Path) -> Iterator[bool]:
    """Yield whether the folder is a small disk of its own."""
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", f"size={DISK_MIB}m", "chaos", str(folder)]
    mounted = (
        shutil.which("mount") is not None
        and subprocess.run(command, capture_output=True, check=False).returncode == 0
    )
    try:
        yield mounted
    finally:
        if mounted:
            subprocess.run(["umount", "--lazy", folder], check=True)


def _restarted(*parts: str) -> Callable[[Mill, str], None]:
    def strike(running: Mill, run: str) -> None:
        kill([running.part(part) for part in parts])
        running.up()

    return strike


def _power(running: Mill, run: str) -> None:
    kill(descendants(running.home))
    running.up()


STRIKES: dict[str, Callable[[Mill, str], None]] = {
    "flow": lambda running, run: kill(running.engines()),
    "term": lambda running, run: end(running.engines()),
    "worker": _restarted("worker"),
    "server": _restarted("server"),
    "power": _power,
    "cancel": _cancelled,
    "deserted": _deserted,
    "silence": _silenced,
    "disk": _filled,
}


def _line(fault: str, ends: list[End]) -> str:
    right = sum(end.right for end in ends)
    return (
        f"{fault:7} right {right} of {len(ends)}, same corpus {sum(end.same for end in ends)}, orphans {sum(len(end.orphans) for end in ends)}, "
        f"slots held {sum(end.slots for end in ends)}, {statistics.median(end.seconds for end in ends):.0f} s to the end (median)"
    )


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--moments", type=int, default=20)
    parser.add_argument("--faults", nargs="+", choices=FAULTS, default=list(FAULTS))
    parser.add_argument("--engine", choices=("scripted", "vllm"), default="scripted")
    parser.add_argument("--seed", type=int, default=0)
    return parser.parse_args()


if __name__ == "__main__":
    main()
