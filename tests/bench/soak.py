"""Two hundred nights in fast motion: does anything grow that should not?

`python -m tests.bench.soak [--nights 200] [--worker-every 20] [--keep 14]`. A real server on
SQLite, its worker and the reports. Each night is a small build of its own (another seed of the
traces, scripted engine); every twentieth is triggered and goes through the worker, the others run
in this process, which therefore makes as many builds as no process of a real mill ever will. After
each night everything is made a day older: the times in the database, those of the store's folders,
the days of the journal. So the retention that users have (runs 30 days, events 7, builds 14) is
what is watched, and not a shorter one; only the server's hourly sweep comes every 30 seconds.

Printed: megabytes and open files of each process, rows and megabytes of the database, tables and
megabytes of the store. Goal: once the longest retention has passed, nothing grows; of the nights
after that, the second half is printed beside the first.
"""

import argparse
import os
import sqlite3
import statistics
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import psutil

from deployments.service import processes
from deployments.service.home import RETENTION_DAYS, Home
from deployments.service.server import Api
from deployments.service.service import down, up
from tasks.manifest import MANIFEST
from tests.support.builders import recipe, write_rulebook
from tests.support.mills import Mill, free_port, within, write_recipe

TIMES = {
    "flow_run": ("start_time", "end_time", "created"),
    "task_run": ("end_time",),
    "log": ("timestamp",),
    "artifact": ("created",),
    "events": ("occurred",),
    "event_resources": ("occurred", "updated"),
}
SWEEP_SECONDS = "30"

Measured = dict[str, float]


def main() -> None:
    """Live through the nights and print what was seen."""
    arguments = _arguments()
    with tempfile.TemporaryDirectory() as folder, _mill(Path(folder), arguments.keep) as running:
        seen: list[Measured] = []
        for night in range(1, arguments.nights + 1):
            began = time.monotonic()
            (_through_the_worker if night % arguments.worker_every == 0 else _in_this_process)(
                running, night, arguments.keep
            )
            _a_day_passes(running)
            seen.append(_measured(running))
            if night == 1 or night % 10 == 0:
                print(
                    f"night {night}, {time.monotonic() - began:.1f} s",
                    *(f"{name} {value:g}" for name, value in seen[-1].items()),
                    sep="  ",
                    flush=True,
                )
        for line in _growth(seen, settled=max(RETENTION_DAYS["runs"], arguments.keep) + 5):
            print(line)


@contextmanager
def _mill(folder: Path, keep: int) -> Iterator[Mill]:
    # Before Prefect is imported, here and by the server.
    os.environ |= {
        "PREFECT_LOGGING_LEVEL": "WARNING",
        "PREFECT_SERVER_SERVICES_DB_VACUUM_LOOP_SECONDS": SWEEP_SECONDS,
    }
    home, root, port = Home(folder / "home"), folder / "mill", free_port()
    path = write_recipe(folder / "small.yaml", write_rulebook(folder / "rules"), **_kept(keep))
    try:
        up(home, port=port, root=root, database="", recipes=[path])
        with Api(home.settings()) as api, within(running := Mill(home, root, port, (path,), api)):
            yield running
    finally:
        down(home)


def _kept(days: int) -> dict[str, object]:
    return {"placement": {"keep": {"builds": days, "days": days}}}


def _in_this_process(running: Mill, night: int, keep: int) -> None:
    from flows.build_corpus import build_corpus

    build_corpus(
        recipe(running.recipes[0].parent / "rules", **_kept(keep)),
        running.root,
        [f"traces.seed={night}"],
    )


def _through_the_worker(running: Mill, night: int, keep: int) -> None:
    ended = running.wait(running.trigger("build-corpus/small", f"traces.seed={night}"))
    assert ended["state_name"] == "Completed", ended


def _a_day_passes(running: Mill) -> None:
    """Make what the database and the store hold a day older, but for what is still to come."""
    with closing(
        sqlite3.connect(running.home.folder / "prefect.db", timeout=60, isolation_level=None)
    ) as database:
        database.execute("BEGIN IMMEDIATE")
        for table, columns in TIMES.items():
            for column in columns:
                older = f"strftime('%Y-%m-%d %H:%M:%f', {column}, '-1 day')"
                database.execute(
                    f"UPDATE {table} SET {column} = {older} WHERE {column} <= strftime('%Y-%m-%d %H:%M:%f', 'now')"
                )
        database.execute("COMMIT")
    for journal in running.root.glob("journal/*.sqlite"):
        with closing(sqlite3.connect(journal, timeout=60)) as book, book:
            book.execute("UPDATE completions SET used = used - 1")
    for path in (*running.root.glob("*/*"), *running.root.glob("*/*/*")):
        if not path.is_symlink():
            told = path.stat()
            os.utime(path, (told.st_atime - 86_400, told.st_mtime - 86_400))


def _measured(running: Mill) -> Measured:
    parts = {"self": psutil.Process()} | {
        name: found
        for name in ("server", "worker", "reports")
        if (found := processes.alive(running.home, name))
    }
    megabytes = {
        f"{name}_mb": round(part.memory_info().rss / 2**20) for name, part in parts.items()
    }
    handles = {f"{name}_fds": part.num_fds() for name, part in parts.items()}
    with closing(sqlite3.connect(running.home.folder / "prefect.db", timeout=60)) as database:
        rows = {
            f"{table} rows": database.execute(f"SELECT count(*) FROM {table}").fetchone()[0]
            for table in TIMES
        }
    base = (running.home.folder / "prefect.db").stat().st_size
    tables = list(running.root.glob(f"*/*/{MANIFEST}"))
    store = sum(path.stat().st_size for path in running.root.rglob("*") if path.is_file())
    logs = sum(path.stat().st_size for path in running.home.logs.glob("*"))
    sizes = {
        "database_mb": round(base / 2**20, 1),
        "store_tables": len(tables),
        "store_mb": round(store / 2**20, 1),
        "logs_mb": round(logs / 2**20, 2),
    }
    return {**megabytes, **handles, **rows, **sizes}


def _growth(seen: list[Measured], settled: int) -> Iterator[str]:
    """Yield, for each thing, the medians of both halves of the nights after everything has settled."""
    later = seen[settled:]
    if len(later) < 8:
        return
    half = len(later) // 2
    for name in later[0]:
        before, after = (
            statistics.median(one[name] for one in part) for part in (later[:half], later[half:])
        )
        yield f"{name:20} nights {settled + 1} to {settled + half}: {before:g}; after: {after:g} ({100 * (after - before) / max(before, 1e-9):+.1f} %)"


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--nights", type=int, default=200)
    parser.add_argument("--worker-every", type=int, default=20)
    parser.add_argument("--keep", type=int, default=14, help="placement.keep: builds, and days")
    return parser.parse_args()


if __name__ == "__main__":
    main()
