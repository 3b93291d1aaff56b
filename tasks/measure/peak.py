"""The largest amount of memory in use during some work."""

import os
import threading
from collections.abc import Callable
from itertools import chain
from pathlib import Path
from types import TracebackType

from tasks.inference.memory import Device, devices

LOOK_SECONDS = 1.0
"""Seconds between two readings."""


class Peak:
    """Reads the memory in use once per second and keeps the largest value."""

    def __init__(self, used: Callable[[], int]) -> None:
        self._used, self._most = used, 0
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> "Peak":
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        exc: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._ended.set()
        self._thread.join()

    def look(self) -> None:
        """Read the memory in use now."""
        self._most = max(self._most, self._used())

    def take(self) -> int:
        """Return the most bytes since the last call, with a reading now."""
        self.look()
        most, self._most = self._most, 0
        return most

    def _watch(self) -> None:
        while not self._ended.wait(LOOK_SECONDS):
            self.look()


def used_bytes() -> int:
    """Return the memory in use: of all visible GPUs by all processes, or without a GPU, of this
    process and all its children.

    On unified memory, this is the memory of the whole machine. Engines on other machines of a
    cluster are not counted.
    """
    found = devices()
    if found[0].gpu:
        return sum(map(_used, found))
    return sum(map(_own_bytes, _family(os.getpid())))


def _used(device: Device) -> int:
    return device.memory.total - device.memory.free


def _family(pid: int) -> list[int]:
    """Return a process and all its descendants."""
    try:
        lists = [path.read_text() for path in Path(f"/proc/{pid}/task").glob("*/children")]
    except OSError:
        return []
    children = [int(child) for text in lists for child in text.split()]
    return [pid, *chain.from_iterable(map(_family, children))]


def _own_bytes(pid: int) -> int:
    """Return a process' share of memory (PSS): what only it holds, and its part of what several
    processes hold. 0 if it has ended.
    """
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0
    sizes = (int(line.split()[1]) * 1024 for line in lines if line.startswith("Pss:"))
    return next(sizes, 0)
