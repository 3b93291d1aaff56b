"""Start and stop the local Prefect: server, work pool, worker, deployments and reports."""

import socket
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from deployments.service import processes
from deployments.service.home import DATABASE, POOL, WORKER, Home
from deployments.service.recover import recover
from deployments.service.server import Api, await_health, worker_online
from tasks.errors import ServiceDown

ONLINE_SECONDS = 180.0
"""Longest wait for the worker."""
SCHEDULE_SECONDS = 150.0
"""Longest wait for the scheduled runs."""
PARTS = ("worker", "reports", "server")
"""The processes of the local Prefect, in the order in which they are stopped."""


class Up(NamedTuple):
    """Addresses of the running Prefect. settings: the file that has the password."""

    ui: str
    reports: str
    settings: Path
    root: Path
    deployed: list[str]


def up(home: Home, *, port: int, root: Path, database: str, recipes: Sequence[Path]) -> Up:
    """Start the parts that do not run yet, and return their addresses.

    root: folder of the store. database: see `Home.write`. Raises ServiceDown if a part does not
    start, or if the running parts were started with other settings.
    """
    if any(processes.alive(home, part) for part in PARTS):
        _refuse_other(home.settings(), port, root, database)
    else:
        home.write(port=port, root=root, database=database)
    for part, number in (("server", port), ("reports", port + 1)):
        if not processes.alive(home, part):
            _refuse_taken(number)
    settings, environment = home.settings(), home.environment()
    prefect = [sys.executable, "-m", "prefect"]
    processes.start(
        home,
        "server",
        [*prefect, "server", "start", "--host", "127.0.0.1", "--port", str(port)],
        home.environment(server=True),
    )
    processes.start(
        home, "reports", [sys.executable, "-m", "deployments.service.pages"], environment
    )
    with Api(settings) as api:
        await_health(home, api)
        deployed = deploy(home, recipes)
        if not processes.alive(home, "worker"):
            recover(home, api)
        processes.start(
            home,
            "worker",
            [*prefect, "worker", "start", "--pool", POOL, "--type", "process", "--name", WORKER],
            environment,
        )
        _await_worker(home, api)
        _await_scheduled(api)
    return Up(
        f"http://127.0.0.1:{port}",
        f"http://127.0.0.1:{port + 1}",
        home.settings_file,
        root,
        deployed,
    )


def deploy(home: Home, recipes: Sequence[Path]) -> list[str]:
    """Register all deployments with the running server; return their names, flow/recipe."""
    # In another process, because Prefect reads its settings when it is imported.
    done = subprocess.run(
        [sys.executable, "-m", "deployments.deploy", *map(str, recipes)],
        env=home.environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise ServiceDown(
            f"the deployments could not be registered: {' '.join(done.stderr.split())[-600:]}"
        )
    return done.stdout.split()


def down(home: Home) -> list[str]:
    """Stop everything that was started from this home, with runs and engines; return what ran."""
    stopped = [name for name in PARTS if processes.stop(home, name)]
    left = processes.descendants(home)
    processes.end(left)
    return [*stopped, *(["runs"] if left else [])]


def _await_worker(home: Home, api: Api) -> None:
    deadline = time.monotonic() + ONLINE_SECONDS
    while worker_online(api, POOL) is None:
        if not processes.alive(home, "worker"):
            raise ServiceDown(
                f"the worker ended while it started: {processes.log_end(home.logs / 'worker.log')}"
            )
        if time.monotonic() > deadline:
            raise ServiceDown(
                f"no worker is online after {ONLINE_SECONDS:.0f} s; see {home.logs / 'worker.log'}"
            )
        time.sleep(0.25)


def _await_scheduled(api: Api) -> None:
    """Return when every active schedule has a scheduled run.

    The UI also shows a schedule that never starts a run, because the server's scheduler has failed.
    """
    waiting = {
        one["id"]: one["name"]
        for one in api.post("/deployments/filter", {})
        if not one["paused"] and any(schedule["active"] for schedule in one["schedules"])
    }
    deadline = time.monotonic() + SCHEDULE_SECONDS
    while waiting:
        scheduled = {
            "state": {"type": {"any_": ["SCHEDULED"]}},
            "deployment_id": {"any_": list(waiting)},
        }
        for run in api.post("/flow_runs/filter", {"flow_runs": scheduled, "limit": 200}):
            waiting.pop(run["deployment_id"], None)
        if time.monotonic() > deadline:
            raise ServiceDown(
                f"nothing is scheduled for {', '.join(sorted(set(waiting.values())))}, "
                "although a schedule is on; see the server's log"
            )
        time.sleep(0.25)


def _refuse_taken(port: int) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except (OSError, OverflowError) as exc:
            raise ServiceDown(
                f"port {port} is taken or may not be used ({exc}); choose another with --port"
            ) from exc


def _refuse_other(settings: dict[str, str], port: int, root: Path, database: str) -> None:
    """Raise ServiceDown if the running parts have other settings.

    They would have to be stopped first, and a run may be in progress.
    """
    wanted = {"PREFECT_SERVER_API_PORT": str(port), "TRACEMILL_ROOT": str(root)}
    if database:
        wanted[DATABASE] = database
    for name, value in wanted.items():
        if settings.get(name) == value:
            continue
        running = f"{name.removeprefix('PREFECT_SERVER_API_').lower()} {settings.get(name)}"
        if name == DATABASE:
            running = "another database"
        raise ServiceDown(
            f"the mill is up with {running}; stop it with `tracemill down` before you change that"
        )
