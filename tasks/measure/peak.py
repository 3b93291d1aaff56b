"""The most memory that was taken while something ran."""

import os
import threading
from collections.abc import Callable
from pathlib import Path
from types import TracebackType

from tasks.inference.memory import Device, devices

LOOK_SECONDS = 1.0


class Peak:
    """Looks once a second how much memory is taken, and remembers the most."""

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
        """Note what is taken now."""
        self._most = max(self._most, self._used())

    def take(self) -> int:
        """Return the most bytes since the last call, now included."""
        self.look()
        most, self._most = self._most, 0
        return most

    def _watch(self) -> None:
        while not self._ended.wait(LOOK_SECONDS):
            self.look()


def used_bytes() -> int:
    """Return the memory in use: of all GPUs that may be used, whoever uses them; without one, of
    this process and those it started.

    On unified memory the whole machine's counts. Engines on other machines of a cluster are not
    seen.
    """
    seen = devices()
    return sum(map(_taken, seen)) if seen[0].gpu else sum(map(_own_bytes, _family(os.getpid())))


def _taken(device: Device) -> int:
    return device.memory.total - device.memory.free


def _family(pid: int) -> list[int]:
    """Return a process and all that it started, near and far."""
    try:
        children = [
            int(child)
            for path in Path(f"/proc/{pid}/task").glob("*/children")
            for child in path.read_text().split()
        ]
    except OSError:
        return []
    return [pid, *(one for child in children for one in _family(child))]


def _own_bytes(pid: int) -> int:
    """Return a process' share of memory: what it alone holds, and its part of what several hold
    (PSS); 0 when it is gone.
    """
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith("Pss:")), 0)
