"""Builds as a user starts them, in processes of their own that may be killed at any moment."""

import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
import yaml

TRACEMILL = Path(sys.executable).parent / "tracemill"
Ready = Callable[[], bool]


def write_recipe(path: Path, rulebook: Path, **changes: object) -> Path:
    """Write the recipe of a small build and return its path."""
    from tests.support.builders import recipe

    path.write_text(yaml.safe_dump(recipe(rulebook, **changes).model_dump(mode="json")))
    return path


def start(
    recipe: Path, root: Path, *arguments: str, server: str = "", **environment: str
) -> subprocess.Popen[str]:
    """Start a build in a session of its own; server is a running Prefect API, none starts one for
    the build.
    """
    own = os.environ | {"PREFECT_API_URL": server} if server else dict(os.environ)
    own.pop("PREFECT_API_DATABASE_CONNECTION_URL", None)
    return subprocess.Popen(
        [TRACEMILL, "build", str(recipe), "--root", str(root), *arguments],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        env=own | environment,
    )


def finish(process: subprocess.Popen[str], *, seconds: float = 1500) -> dict[str, Any]:
    """Wait for a build that must succeed and return its summary."""
    out, err = process.communicate(timeout=seconds)
    assert process.returncode == 0, f"exit {process.returncode}\n{out}\n{err}"
    line = next(line for line in out.splitlines() if line.startswith("summary") and "/" in line)
    return dict(json.loads(Path(line.split(maxsplit=1)[1]).read_text()))


def kill_when(process: subprocess.Popen[str], ready: Ready) -> bool:
    """Kill -9 the build and everything it started, once ready; False when it ended first."""
    while process.poll() is None:
        if ready():
            _kill_tree(process.pid)
            process.communicate()
            return True
        time.sleep(0.002)
    return False


def answered(root: Path) -> int:
    """Return how many rows the journal holds."""
    files = list((root / "journal").glob("*.sqlite"))
    if not files:
        return 0
    try:
        with sqlite3.connect(f"file:{files[0]}?mode=ro", uri=True) as db:
            return int(db.execute("SELECT count(*) FROM completions").fetchone()[0])
    except sqlite3.OperationalError:
        return 0


def corpus_bytes(root: Path) -> dict[str, bytes]:
    """Return every file of the one corpus below root."""
    (folder,) = [path for path in (root / "corpus").iterdir() if not path.name.startswith(".")]
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def orphans(session: int) -> list[int]:
    """Return the processes still alive in a session."""
    return [
        process.pid
        for process in psutil.process_iter()
        if _session(process.pid) == session and process.status() != psutil.STATUS_ZOMBIE
    ]


def _kill_tree(pid: int) -> None:
    for child in (*psutil.Process(pid).children(recursive=True), psutil.Process(pid)):
        try:
            child.send_signal(signal.SIGKILL)
        except psutil.NoSuchProcess:
            continue


def _session(pid: int) -> int:
    try:
        return os.getsid(pid)
    except ProcessLookupError:
        return -1
