"""Ray's start: a failure is transient and leaves nothing behind, and old sessions are removed."""

import os
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest

from tasks.inference.cluster import KEPT_SESSIONS, WAIT, prune_sessions, start_seconds

FAILS = """
import psutil
import ray
from tasks.errors import RayNotStarted, Transient
from tasks.inference.cluster import join_ray
try:
    join_ray("local")
except RayNotStarted as exc:
    assert isinstance(exc, Transient)
    print(exc)
psutil.wait_procs(psutil.Process().children(recursive=True), timeout=30)
print(ray.is_initialized(), len(psutil.Process().children(recursive=True)))
"""


@pytest.mark.vllm
def test_a_start_of_ray_that_fails_is_transient_and_leaves_no_process() -> None:
    done = subprocess.run(
        [sys.executable, "-c", FAILS],
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | {WAIT: "0"},
    )
    said, left = done.stdout.splitlines()[-2:]
    assert "Ray did not start" in said and "load " in said and "cores" in said
    assert left == "False 0"


@pytest.mark.parametrize(("load", "seconds"), [(0, 60), (2, 60), (4, 120), (8, 240), (100, 300)])
def test_a_loaded_machine_gives_ray_more_time(load: float, seconds: int) -> None:
    assert start_seconds(load, 2) == seconds


def test_sessions_of_processes_that_are_gone_are_removed_but_for_the_latest(
    tmp_path: Path,
) -> None:
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    ended = [f"session_2026-01-0{day}_00-00-00_000000_{gone.pid}" for day in range(1, 7)]
    living = f"session_2025-01-01_00-00-00_000000_{os.getpid()}"
    for name in (*ended, living):
        (tmp_path / name / "logs").mkdir(parents=True)
    (tmp_path / "session_latest").symlink_to(tmp_path / ended[-1])
    assert prune_sessions(tmp_path) == ended[:-KEPT_SESSIONS]
    assert {path.name for path in tmp_path.iterdir()} == {
        living,
        "session_latest",
        *ended[-KEPT_SESSIONS:],
    }


def test_the_private_names_of_ray_are_where_ray_compat_takes_them_from() -> None:
    from ray._private import ray_logging, services, utils

    assert callable(utils.set_sigterm_handler)
    assert callable(services.start_api_server)
    lines = ray_logging.global_worker_stdstream_dispatcher
    assert callable(lines.add_handler) and callable(lines.remove_handler)
    assert version("ray").startswith("2.60."), "look at ray_compat.py, then raise the bound"


def test_only_ray_compat_uses_private_names_of_ray() -> None:
    house = Path(__file__).parents[2]
    found = {
        path.name
        for room in ("tasks", "flows", "deployments")
        for path in (house / room).rglob("*.py")
        if "ray._private" in path.read_text()
    }
    assert found == {"ray_compat.py"}
