"""Memory of this machine's devices, and the share of it that an engine may take."""

import math
import os
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

UNIFIED_SHARE = 0.85
"""Largest share of a memory that CPU and GPU have in common. An engine that takes more fails when
it starts, or the desktop fails (vllm-project/recipes, pull request 632).
"""
RESERVE = 0.01
"""Share of a GPU's memory that an engine leaves free."""
UNIFIED_RESERVE = 0.05
"""Share of unified memory that an engine leaves free."""
QUERY = ("nvidia-smi", "--query-gpu=name,memory.total,memory.free", "--format=csv,noheader,nounits")


class Memory(NamedTuple):
    """The memory of a device in bytes. unified: the CPU uses the same memory."""

    total: int
    free: int
    unified: bool


class Device(NamedTuple):
    """A GPU or CPU that an engine runs on. name: as the driver or the kernel reports it."""

    name: str
    gpu: bool
    memory: Memory


def memory_share(memory: Memory, wanted: float) -> float:
    """Return the share of a device's memory that an engine may take, rounded down to hundredths.

    It is at most the wanted share, and at most what is free now minus a reserve: 0.01 of the
    memory, or 0.05 of unified memory, of which an engine takes at most 0.85.

    >>> memory_share(Memory(total=100, free=60, unified=False), wanted=0.85)
    0.59
    """
    reserve, most = (UNIFIED_RESERVE, UNIFIED_SHARE) if memory.unified else (RESERVE, 1.0)
    share = min(wanted, most, memory.free / memory.total - reserve)
    return max(0, math.floor(100 * share + 1e-9)) / 100


def room_for_training() -> bool:
    """Return whether a training fits beside a loaded engine.

    It does on a machine without a GPU of which more than half of the memory is free.
    """
    (device, *_) = devices()
    return not device.gpu and device.memory.free > device.memory.total / 2


def devices() -> list[Device]:
    """Return the GPUs that this process may use; the CPU if there are none."""
    visible = os.environ.get("CUDA_VISIBLE_DEVICES")
    if visible == "":
        return [_cpu()]
    try:
        # nvidia-smi is used, because a process that calls the CUDA runtime keeps half a GiB of GPU
        # memory.
        listed = subprocess.run(
            [*QUERY, *(["-i", visible] if visible else [])],
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
    except (OSError, subprocess.TimeoutExpired):
        return [_cpu()]
    return gpus(listed.stdout if listed.returncode == 0 else "", host_memory()) or [_cpu()]


def tightest() -> Device:
    """Return the device with the least free memory."""
    return min(devices(), key=lambda device: device.memory.free)


def gpus(listed: str, host: Memory) -> list[Device]:
    """Return the GPUs in the output of nvidia-smi.

    listed: lines of "name, total MiB, free MiB". host: memory of a GPU that reports [N/A], because
    it shares the memory of the CPU (GB10).
    """
    found = []
    for line in filter(str.strip, listed.splitlines()):
        name, total, free = (part.strip() for part in line.rsplit(",", 2))
        memory = host
        if total.isdigit() and free.isdigit():
            memory = Memory(int(total) * 2**20, int(free) * 2**20, unified=False)
        found.append(Device(name, gpu=True, memory=memory))
    return found


def host_memory() -> Memory:
    """Return the memory of this machine; `free` is what is available without swapping."""
    lines = (line.split(":") for line in Path("/proc/meminfo").read_text().splitlines())
    kib: Mapping[str, int] = {name: int(value.split()[0]) for name, value in lines}
    return Memory(kib["MemTotal"] * 1024, kib["MemAvailable"] * 1024, True)


def _cpu() -> Device:
    names = [
        line.partition(":")[2].strip()
        for line in Path("/proc/cpuinfo").read_text().splitlines()
        if line.startswith("model name")
    ]
    return Device(
        f"{names[0] if names else os.uname().machine}, {os.cpu_count()} cores", False, host_memory()
    )
