"""Ray: join or start a cluster, start and end actors with engines, remove old sessions."""

import contextlib
import logging
import os
import shutil
from pathlib import Path
from typing import Any

from tasks.errors import BadRecipe, RayNotStarted
from tasks.inference.engine import EnginePlacement, TeacherSpec
from tasks.inference.host import EngineHost
from tasks.inference.ray_compat import (
    forward_worker_logs,
    keeping_sigterm_handler,
    without_dashboard,
)

QUIET = {"logging_level": "ERROR", "ignore_reinit_error": True}
START_SECONDS = 60.0
"""Time that Ray may take to start on an idle machine."""
MOST_START_SECONDS = 300.0
"""Time that Ray may take to start on a loaded machine, at most."""
WAIT = "RAY_gcs_server_port_wait_time_s"
"""Environment variable of Ray: seconds that it waits for its own server. A set value is kept."""
NICENESS = "RAY_worker_niceness"
"""Environment variable of Ray: niceness of its workers. A set value is kept."""
KEPT_SESSIONS = 3
"""Folders of ended Ray sessions that are kept for their logs."""
log = logging.getLogger(__name__)


def join_ray(address: str, *, niceness: int = 0) -> None:
    """Join a Ray cluster, or start one on this machine's loopback interface; do it only once.

    The output of its workers goes to the log of the caller. niceness: of the workers, if the
    cluster is started here. Raises RayNotStarted.
    """
    import ray

    if not ray.is_initialized():
        try:
            if address == "local":
                _start(niceness)
            else:
                _join(address)
        # Ray raises a bare Exception if its node is late, and other errors if a part of it is late.
        except Exception as exc:
            with contextlib.suppress(Exception):
                ray.shutdown()
            _end_parts()
            fault = "did not start" if address == "local" else f"at {address} cannot be joined"
            raise RayNotStarted(
                f"Ray {fault} ({_one_line(exc)}); load {os.getloadavg()[0]:.1f} on "
                f"{os.cpu_count()} cores. Finished rows are kept"
            ) from exc
    forward_worker_logs()


def prune_sessions(folder: Path) -> list[str]:
    """Remove the folders of ended Ray sessions, except the latest ones; return their names.

    Ray itself never removes them; each holds logs. The name of a session ends with the id of its
    process.
    """
    ended = [
        path
        for path in sorted(folder.glob("session_*_*"), key=lambda path: path.name)
        if not path.is_symlink() and not Path(f"/proc/{path.name.rpartition('_')[2]}").exists()
    ]
    for path in ended[:-KEPT_SESSIONS]:
        shutil.rmtree(path, ignore_errors=True)
    return [path.name for path in ended[:-KEPT_SESSIONS]]


def sessions_folder() -> Path:
    """Return the folder of this user's Ray sessions; other programs that use Ray do not share it.

    The path is short because Ray puts sockets below it, and a socket's path has at most 107
    characters.
    """
    return Path(f"/tmp/tracemill-ray-{os.getuid()}")


def _join(address: str) -> None:
    import ray

    with keeping_sigterm_handler():
        ray.init(address=address, **QUIET)


def _start(niceness: int) -> None:
    import ray

    prune_sessions(sessions_folder())
    os.environ.setdefault(NICENESS, str(niceness))
    os.environ.setdefault(WAIT, str(start_seconds(os.getloadavg()[0], os.cpu_count() or 1)))
    with keeping_sigterm_handler(), without_dashboard():
        ray.init(
            include_dashboard=False,
            object_store_memory=128 * 2**20,
            _node_ip_address="127.0.0.1",
            _temp_dir=str(sessions_folder()),
            **QUIET,
        )


def _end_parts() -> None:
    """Kill the processes of a failed start; Ray ends them only after a complete start."""
    import psutil

    for child in psutil.Process().children(recursive=True):
        with contextlib.suppress(psutil.Error):
            if any("/ray/" in word for word in child.cmdline()):
                child.kill()


def start_seconds(load: float, cores: int) -> int:
    """Return how many seconds Ray may take to start: more if the load exceeds the cores.

    >>> start_seconds(load=8.0, cores=4)
    120
    """
    return round(min(MOST_START_SECONDS, START_SECONDS * max(1.0, load / cores)))


def _one_line(exc: Exception) -> str:
    return " ".join(str(exc).split())[:300] or type(exc).__name__


def engine_actor(spec: TeacherSpec, placement: EnginePlacement, *, scores: bool = False) -> Any:
    """Return a new actor that holds an engine, on its own GPU; on any node if there are no GPUs.

    scores: the engine scores texts instead of answering requests. Raises BadRecipe if the cluster
    has too few GPUs.
    """
    import ray

    gpus = int(ray.cluster_resources().get("GPU", 0))
    needed = placement.replicas * placement.tensor_parallel
    if gpus and needed > gpus:
        raise BadRecipe(
            f"{placement.replicas} replicas x {placement.tensor_parallel} tensor_parallel "
            f"need {needed} GPUs, the cluster has {gpus}"
        )
    remote = ray.remote(EngineHost).options(
        num_cpus=0,
        num_gpus=placement.tensor_parallel if gpus else 0,
        scheduling_strategy="SPREAD",
        max_concurrency=placement.window + 8,
    )
    return remote.remote(spec, placement, scores)


def ray_error() -> type[Exception]:
    """Return the base class of all errors that Ray raises."""
    from ray.exceptions import RayError

    return RayError  # type: ignore[no-any-return]


def init_failed(exc: Exception) -> bool:
    """Return whether an actor failed while it was created; another one would fail the same way."""
    from ray.exceptions import RayActorError

    return isinstance(exc, RayActorError) and bool(exc.actor_init_failed)


def kill_actor(actor: Any) -> None:
    """Kill the process of an actor."""
    import ray

    ray.kill(actor)
