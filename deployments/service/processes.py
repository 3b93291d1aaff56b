"""Start, find and end processes that continue after their command has ended."""

import contextlib
import os
import signal
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

import psutil

from deployments.service.home import MARK, Home

GRACE_SECONDS = 20.0
DEFAULT_SIGNALS = ("env", "--default-signal=INT,TERM,HUP")
"""Command prefix that restores the default signals. Jobs that a shell starts with & ignore SIGINT,
the only signal that ends Prefect's worker.
"""


def alive(home: Home, name: str) -> psutil.Process | None:
    """Return the live process that was started under a name; None if there is none.

    The start time is compared too, because another process may have got the same number.
    """
    try:
        number, began = (home.folder / f"{name}.pid").read_text().split()
        process = psutil.Process(int(number))
        same = abs(process.create_time() - float(began)) < 1
        return process if same and process.status() != psutil.STATUS_ZOMBIE else None
    except (OSError, ValueError, psutil.Error):
        return None


def start(
    home: Home, name: str, command: Sequence[str], environment: Mapping[str, str]
) -> psutil.Process:
    """Return a new process in its own session, with its output in a log.

    If a process of that name is alive, it is returned instead.
    """
    running = alive(home, name)
    if running:
        return running
    log = os.open(home.logs / f"{name}.log", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    try:
        child = subprocess.Popen(
            [*DEFAULT_SIGNALS, *command],
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
    """End the process of a name, by force after GRACE_SECONDS; return whether it was alive."""
    process = alive(home, name)
    if process:
        end([process])
    (home.folder / f"{name}.pid").unlink(missing_ok=True)
    return process is not None


def end(processes: Sequence[psutil.Process], grace_seconds: float = GRACE_SECONDS) -> None:
    """Send SIGTERM to processes, wait, and kill those that are left."""
    for process in processes:
        _signal(process, signal.SIGTERM)
    _, left = psutil.wait_procs(list(processes), timeout=grace_seconds)
    for process in left:
        _signal(process, signal.SIGKILL)
    psutil.wait_procs(left, timeout=5)


def descendants(home: Home) -> list[psutil.Process]:
    """Return all live processes that were started from this home, including those of Ray and vLLM.

    They are found by their environment, so children of ended processes are found too.
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


def log_end(path: Path, lines: int = 3) -> str:
    """Return the last lines of a log as one line."""
    try:
        last = path.read_text(errors="replace").splitlines()[-lines:]
    except OSError:
        return "there is no log"
    return " / ".join(line.strip() for line in last)
