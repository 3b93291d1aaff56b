"""Ray: joined or started, given engines to hold, heard, and cleaned up after."""

import contextlib
import logging
import os
import shutil
from pathlib import Path
from typing import Any

from tasks.errors import BadRecipe, RayNotStarted
from tasks.inference.engine import EnginePlacement, TeacherSpec
from tasks.inference.host import EngineHost
from tasks.inference.ray_compat import heeding_sigterm, relay, without_dashboard

QUIET = {"logging_level": "ERROR", "ignore_reinit_error": True}
START_SECONDS, MOST_START_SECONDS = 60.0, 300.0
WAIT = "RAY_gcs_server_port_wait_time_s"
"""Ray's setting for how long it waits for its own server. What you set yourself stands."""
NICENESS = "RAY_worker_niceness"
"""Ray's setting for how far its workers give way to other processes. What you set yourself stands.
"""
KEPT_SESSIONS = 3
log = logging.getLogger(__name__)


def join_ray(address: str, *, niceness: int = 0) -> None:
    """Join a cluster, or start one on this machine's loopback, unless that is done; its workers'
    words go to the caller's log.

    niceness: of the workers of a cluster that is started here.
    """
    import ray

    if not ray.is_initialized():
        try:
            _join(address) if address != "local" else _start(niceness)
        # Ray raises a bare Exception when its node is late, and others when a part of it is.
        except Exception as exc:
            with contextlib.suppress(Exception):
                ray.shutdown()
            _end_parts()
            where = "did not start" if address == "local" else f"at {address} cannot be joined"
            raise RayNotStarted(
                f"Ray {where} ({_one_line(exc)}); load {os.getloadavg()[0]:.1f} on "
                f"{os.cpu_count()} cores. Finished rows are kept"
            ) from exc
    relay()


def prune_sessions(folder: Path) -> list[str]:
    """Remove the folders of Ray sessions that have ended, but for the latest; return their names.

    Ray never removes them; each holds its logs. A session's name ends with the id of its process.
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
    """Return where this user's sessions lie: apart from those of other programs that use Ray.

    The path is short: Ray puts sockets below it, whose names may have 107 characters.
    """
    return Path(f"/tmp/tracemill-ray-{os.getuid()}")


def _join(address: str) -> None:
    import ray

    with heeding_sigterm():
        ray.init(address=address, **QUIET)


def _start(niceness: int) -> None:
    import ray

    prune_sessions(sessions_folder())
    os.environ.setdefault(NICENESS, str(niceness))
    os.environ.setdefault(WAIT, str(start_seconds(os.getloadavg()[0], os.cpu_count() or 1)))
    with heeding_sigterm(), without_dashboard():
        ray.init(
            include_dashboard=False,
            object_store_memory=128 * 2**20,
            _node_ip_address="127.0.0.1",
            _temp_dir=str(sessions_folder()),
            **QUIET,
        )


def _end_parts() -> None:
    """Kill the processes of a start that failed; Ray ends them only after a whole start."""
    import psutil

    for child in psutil.Process().children(recursive=True):
        with contextlib.suppress(psutil.Error):
            if any("/ray/" in word for word in child.cmdline()):
                child.kill()


def start_seconds(load: float, cores: int) -> int:
    """Return how long Ray may take to start: longer where more processes than cores want to run."""
    return round(min(MOST_START_SECONDS, START_SECONDS * max(1.0, load / cores)))


def _one_line(exc: Exception) -> str:
    return " ".join(str(exc).split())[:300] or type(exc).__name__


def engine_actor(spec: TeacherSpec, placement: EnginePlacement, *, scores: bool = False) -> Any:
    """Start an actor on a GPU of its own, or, where the cluster has none, wherever there is room."""
    import ray

    gpus, due = (
        int(ray.cluster_resources().get("GPU", 0)),
        placement.replicas * placement.tensor_parallel,
    )
    if gpus and due > gpus:
        raise BadRecipe(
            f"{placement.replicas} replicas x {placement.tensor_parallel} tensor_parallel need {due} GPUs, the cluster has {gpus}"
        )
    own = {"num_gpus": placement.tensor_parallel} if gpus else {"num_gpus": 0}
    remote = ray.remote(EngineHost).options(
        num_cpus=0, scheduling_strategy="SPREAD", max_concurrency=placement.window + 8, **own
    )
    return remote.remote(spec, placement, scores)


def ray_error() -> type[Exception]:
    """Return what every error of Ray's is."""
    from ray.exceptions import RayError

    return RayError  # type: ignore[no-any-return]


def init_failed(exc: Exception) -> bool:
    """Whether an actor could not be built at all: another would fail in the same way."""
    from ray.exceptions import RayActorError

    return isinstance(exc, RayActorError) and bool(exc.actor_init_failed)


def kill_actor(actor: Any) -> None:
    """End an actor's process at once."""
    import ray

    ray.kill(actor)
