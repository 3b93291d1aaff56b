"""Programs of models, run apart: a process of its own with limits, no network and no file writes.

What holds on Linux with user namespaces: no network at all (a network namespace without devices),
and all processes that a program starts end with it (a process namespace). What holds everywhere:
limits of processor time, memory, file size (0 bytes) and output, and an end by the clock. On top,
an audit hook ends a program that opens a socket, writes or reads a file outside Python's own
library, starts a process, sends a signal or loads native code.

What it does not promise: the audit hook is written in Python, and a program made to break out of
the interpreter can get past it. Such a program still meets the limits of the process, but it could
read files that the user of this process can read. Run untrusted models in a container of their own.
"""

import os
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import NamedTuple

from pydantic import Field

from tasks.spec import Spec

GUARD = Path(__file__).with_name("sandbox_guard.py")
"""The script that limits its own process and then runs the program."""
OUTPUT_BYTES = 65_536
"""Bytes of output that are kept; a program that writes more is stopped."""
PROGRAM_BYTES = 262_144
"""Bytes of a program; a longer one is not run."""
UNSHARE = ("--user", "--map-root-user", "--net", "--ipc", "--pid", "--fork", "--kill-child")
"""Options of util-linux's unshare: own users, own network without devices, own processes."""
START_SECONDS = 2.0
"""Seconds by the clock beyond the processor time: an interpreter needs some to start."""
REFUSED = 90
"""Exit status of the guard for a refused action; the last line of its errors names the action."""
TOO_LARGE = 91
"""Exit status of the guard for a program that needs more memory than it may have."""
TOO_SLOW = 92
"""Exit status of the guard for a program that has used its processor time."""


class Limits(Spec):
    """What a program may use."""

    seconds: int = Field(5, ge=1, le=60)
    """Seconds of processor time. By the clock, a program may run two seconds longer."""
    memory_mb: int = Field(512, ge=128, le=4096)
    """Megabytes of memory."""


class Ran(NamedTuple):
    """What a program did. output: what it printed. fault: why it did not end well, "" if it did."""

    output: str
    fault: str = ""


def ran(program: str, limits: Limits) -> Ran:
    """Return what a Python program prints in the sandbox. It raises nothing about the program."""
    code = program.encode("utf-8", errors="replace")
    if len(code) > PROGRAM_BYTES:
        return Ran("", f"too_long: the program has more than {PROGRAM_BYTES:,} bytes")
    with tempfile.TemporaryDirectory(prefix="sandbox-") as folder:
        Path(folder).chmod(0o555)
        return _ran_in(folder, code, limits)


def _ran_in(folder: str, code: bytes, limits: Limits) -> Ran:
    process = subprocess.Popen(
        [*_isolated(), *_command(limits)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd=folder,
        env={},
        start_new_session=True,
        close_fds=True,
    )
    assert process.stdin and process.stdout and process.stderr
    try:
        _give(process, code)
        output, errors, stopped = _read(process, time.monotonic() + limits.seconds + START_SECONDS)
    finally:
        _end(process)
    return _told(output, errors, stopped, process.returncode)


def _give(process: "subprocess.Popen[bytes]", code: bytes) -> None:
    """Send the program. The guard reads all of it before it prints anything."""
    assert process.stdin
    try:
        process.stdin.write(code)
        process.stdin.close()
    except BrokenPipeError:
        return  # the guard has ended; its exit status says why


def _read(process: "subprocess.Popen[bytes]", deadline: float) -> tuple[bytes, bytes, str]:
    """Return what a process prints, its errors, and why it must be stopped, "" if it ends."""
    assert process.stdout and process.stderr
    found = {process.stdout.fileno(): b"", process.stderr.fileno(): b""}
    out, err = found
    is_open = set(found)
    stopped = ""
    while is_open and not stopped:
        left = deadline - time.monotonic()
        ready = select.select(list(is_open), [], [], left)[0] if left > 0 else []
        if not ready:
            stopped = "too_slow: it ran too long"
        for one in ready:
            chunk = os.read(one, 65_536)
            found[one] += chunk
            is_open -= set() if chunk else {one}
            if len(found[one]) > OUTPUT_BYTES:
                stopped = f"too_much: it printed more than {OUTPUT_BYTES:,} bytes"
    return found[out], found[err], stopped


def _end(process: "subprocess.Popen[bytes]") -> None:
    """End the process and all processes that it started."""
    with suppress(ProcessLookupError):  # it may have ended by itself
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    for pipe in (process.stdout, process.stderr):
        if pipe:
            pipe.close()


def _told(output: bytes, errors: bytes, stopped: str, status: int) -> Ran:
    text = output[:OUTPUT_BYTES].decode("utf-8", errors="replace")
    last = (errors.decode("utf-8", errors="replace").strip().splitlines() or [""])[-1][:200]
    if stopped:
        return Ran(text, stopped)
    match status:
        case 0:
            return Ran(text)
        case _ if status == REFUSED:
            return Ran(text, f"refused: {last}")
        case _ if status == TOO_LARGE:
            return Ran(text, "too_large: it needs more memory than it may have")
        case _ if status == TOO_SLOW or _killed(status, last):
            return Ran(text, "too_slow: it used all its processor time")
        case _:
            return Ran(text, f"failed: {last or f'exit status {status}'}")


def _killed(status: int, last: str) -> bool:
    # unshare fails with a message of its own after its child was killed.
    return -status in (signal.SIGXCPU, signal.SIGKILL) or last.startswith("unshare: ")


def _command(limits: Limits) -> list[str]:
    # -I: no environment, no user packages, no current folder on the path. -S: no packages at all.
    numbers = [str(limits.seconds), str(limits.memory_mb)]
    return [sys.executable, "-I", "-S", "-B", str(GUARD), *numbers]


@cache
def _isolated() -> tuple[str, ...]:
    """Return the command that takes network and other processes away, () if it cannot run here."""
    found = shutil.which("unshare")
    if not found:
        return ()
    for options in (UNSHARE, UNSHARE[:3]):
        tried = subprocess.run(
            [found, *options, "true"], capture_output=True, check=False, timeout=30
        )
        if tried.returncode == 0:
            return (found, *options)
    return ()
