"""The local Prefect: server, work pool, worker, deployments and reports, brought up, looked at and
taken down.
"""

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

ONLINE_SECONDS, SCHEDULE_SECONDS = 180.0, 150.0
PARTS = ("worker", "reports", "server")
"""What runs, in the order in which it is stopped."""


class Up(NamedTuple):
    """Where the mill answers. settings: the file that holds the password."""

    ui: str
    reports: str
    settings: Path
    root: Path
    deployed: list[str]


def up(home: Home, *, port: int, root: Path, database: str, recipes: Sequence[Path]) -> Up:
    """Bring up what is not up yet; what runs is left alone. Raises ServiceDown with the reason when
    a part does not start.
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
    """Register every deployment with the running server; return their names, flow/recipe."""
    # A process of its own: deployments stand above the flows, and Prefect reads its settings when
    # it is imported.
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
    """Stop everything that was started from this home, runs and their engines included; return what
    was running.
    """
    stopped = [name for name in PARTS if processes.stop(home, name)]
    left = processes.descendants(home)
    processes.end(left)
    return [*stopped, *(["runs"] if left else [])]


def _await_worker(home: Home, api: Api) -> None:
    deadline = time.monotonic() + ONLINE_SECONDS
    while worker_online(api, POOL) is None:
        if not processes.alive(home, "worker"):
            raise ServiceDown(
                f"the worker ended while it started: {processes.last_words(home.logs / 'worker.log')}"
            )
        if time.monotonic() > deadline:
            raise ServiceDown(
                f"no worker is online after {ONLINE_SECONDS:.0f} s; see {home.logs / 'worker.log'}"
            )
        time.sleep(0.25)


def _await_scheduled(api: Api) -> None:
    """Return when every schedule that is on has a run waiting: one can be shown and never fire,
    when the server's scheduler fails.
    """
    due = [
        one
        for one in api.post("/deployments/filter", {})
        if not one["paused"] and any(each["active"] for each in one["schedules"])
    ]
    wanting = {one["id"]: one["name"] for one in due}
    deadline = time.monotonic() + SCHEDULE_SECONDS
    while wanting:
        body = {
            "flow_runs": {
                "state": {"type": {"any_": ["SCHEDULED"]}},
                "deployment_id": {"any_": list(wanting)},
            },
            "limit": 200,
        }
        for run in api.post("/flow_runs/filter", body):
            wanting.pop(run["deployment_id"], None)
        if time.monotonic() > deadline:
            raise ServiceDown(
                f"nothing is scheduled for {', '.join(sorted(set(wanting.values())))} though a schedule is on; see the server's log"
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
    """Raise when what runs was started with other settings: it would have to be stopped first, and
    a run may be under way.
    """
    asked = {"PREFECT_SERVER_API_PORT": str(port), "TRACEMILL_ROOT": str(root)}
    if database:
        asked[DATABASE] = database
    for name, value in asked.items():
        if settings.get(name) != value:
            said = (
                "another database"
                if name == DATABASE
                else f"{name.removeprefix('PREFECT_SERVER_API_').lower()} {settings.get(name)}"
            )
            raise ServiceDown(
                f"the mill is up with {said}; stop it with `tracemill down` before you change that"
            )
