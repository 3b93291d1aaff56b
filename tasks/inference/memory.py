"""How much memory an engine may take: what is free now, with room left for others where all share
one memory.
"""

import math
import os
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

UNIFIED_SHARE = 0.85
"""On one memory for CPU and GPU an engine that takes more dies at its start, or takes the desktop
with it (vllm-project/recipes, pull request 632).
"""
RESERVE, UNIFIED_RESERVE = 0.01, 0.05
"""Share of all memory that stays free of what is free now."""
QUERY = ("nvidia-smi", "--query-gpu=name,memory.total,memory.free", "--format=csv,noheader,nounits")


class Memory(NamedTuple):
    """A device's memory in bytes. unified: CPU and desktop live in it too."""

    total: int
    free: int
    unified: bool


class Device(NamedTuple):
    """What an engine runs on. name: as the driver or the kernel has it."""

    name: str
    gpu: bool
    memory: Memory


def memory_share(memory: Memory, wanted: float) -> float:
    """Return the share of all memory an engine may take, in hundredths, rounded down: never more
    than wanted, nor than is free less a reserve.

    On unified memory never above 0.85, and a twentieth of the whole stays free for the desktop.
    """
    reserve, most = (UNIFIED_RESERVE, UNIFIED_SHARE) if memory.unified else (RESERVE, 1.0)
    share = min(wanted, most, memory.free / memory.total - reserve)
    return max(0, math.floor(100 * share + 1e-9)) / 100


def roomy() -> bool:
    """Return whether a training fits beside a loaded engine: no GPU, and half of the memory free."""
    (device, *_) = devices()
    return not device.gpu and device.memory.free > device.memory.total / 2


def devices() -> list[Device]:
    """Return the GPUs this process may use, or the CPU where there is none."""
    visible = os.environ.get("CUDA_VISIBLE_DEVICES")
    if visible == "":
        return [_cpu()]
    try:
        # Asked of the driver's tool: a process that asks the runtime keeps half a GiB of GPU memory
        # for having asked.
        asked = subprocess.run(
            [*QUERY, *(["-i", visible] if visible else [])],
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
    except (OSError, subprocess.TimeoutExpired):
        return [_cpu()]
    return gpus(asked.stdout if asked.returncode == 0 else "", host_memory()) or [_cpu()]


def tightest() -> Device:
    """Return the device with the least free memory."""
    return min(devices(), key=lambda device: device.memory.free)


def gpus(listed: str, host: Memory) -> list[Device]:
    """Return the devices that nvidia-smi listed: name, MiB in all, MiB free. A GB10 has no memory
    of its own to tell of ([N/A]).
    """
    found = []
    for line in filter(str.strip, listed.splitlines()):
        name, total, free = (part.strip() for part in line.rsplit(",", 2))
        own = total.isdigit() and free.isdigit()
        found.append(
            Device(
                name, True, Memory(int(total) * 2**20, int(free) * 2**20, False) if own else host
            )
        )
    return found


def host_memory() -> Memory:
    """Return the machine's memory; free is what could be had without swapping."""
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
