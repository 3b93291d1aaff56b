"""Processes that outlive the command that started them, and how to find and end them again."""

import contextlib
import os
import signal
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

import psutil

from deployments.service.home import MARK, Home

GRACE_SECONDS = 20.0
HEED_SIGNALS = ("env", "--default-signal=INT,TERM,HUP")
"""A shell that starts jobs with & has them ignore an interrupt, and Prefect's worker ends on
nothing else.
"""


def alive(home: Home, name: str) -> psutil.Process | None:
    """Return the process started here under this name, if it lives. A number that another process
    has since been given is not taken for it.
    """
    try:
        number, began = (home.folder / f"{name}.pid").read_text().split()
        process = psutil.Process(int(number))
        return (
            process
            if abs(process.create_time() - float(began)) < 1
            and process.status() != psutil.STATUS_ZOMBIE
            else None
        )
    except (OSError, ValueError, psutil.Error):
        return None


def start(
    home: Home, name: str, command: Sequence[str], environment: Mapping[str, str]
) -> psutil.Process:
    """Start a process in a session of its own, its words going to a log; a living one of that name
    is kept.
    """
    running = alive(home, name)
    if running:
        return running
    log = os.open(home.logs / f"{name}.log", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    try:
        child = subprocess.Popen(
            [*HEED_SIGNALS, *command],
            env=dict(environment),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
            cwd=home.folder,
        )
    finally:
        os.close(log)
    process = psutil.Process(child.pid)
    (home.folder / f"{name}.pid").write_text(f"{child.pid} {process.create_time()}\n")
    return process


def stop(home: Home, name: str) -> bool:
    """Ask the named process to end, and make it after twenty seconds; return whether there was one."""
    process = alive(home, name)
    if process:
        end([process])
    (home.folder / f"{name}.pid").unlink(missing_ok=True)
    return process is not None


def end(processes: Sequence[psutil.Process], grace_seconds: float = GRACE_SECONDS) -> None:
    """Send SIGTERM, wait, and kill what is left."""
    for process in processes:
        _signal(process, signal.SIGTERM)
    _, left = psutil.wait_procs(list(processes), timeout=grace_seconds)
    for process in left:
        _signal(process, signal.SIGKILL)
    psutil.wait_procs(left, timeout=5)


def descendants(home: Home) -> list[psutil.Process]:
    """Return every living process that was started here, however deep and whoever its parent is
    now: Ray's and vLLM's as well.
    """
    return [
        process
        for process in psutil.process_iter()
        if process.pid != os.getpid() and _home_of(process) == str(home.folder)
    ]


def _home_of(process: psutil.Process) -> str:
    try:
        return process.environ().get(MARK, "") if process.status() != psutil.STATUS_ZOMBIE else ""
    except (psutil.Error, OSError):
        return ""


def _signal(process: psutil.Process, number: signal.Signals) -> None:
    with contextlib.suppress(psutil.Error):
        process.send_signal(number)


def last_words(path: Path, lines: int = 3) -> str:
    """Return the end of a log, on one line."""
    try:
        return " / ".join(
            line.strip() for line in path.read_text(errors="replace").splitlines()[-lines:]
        )
    except OSError:
        return "it left no log"
