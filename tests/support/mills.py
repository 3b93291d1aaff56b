"""A whole mill of its own, brought up as a user brings it up, for tests that trigger, break and
retry real runs.
"""

import contextlib
import os
import signal
import socket
import subprocess
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import psutil

from deployments.service import processes
from deployments.service.home import Home
from deployments.service.server import Api, trigger
from tasks.stage import LEASE_SECONDS
from tests.support.builds import TRACEMILL, write_recipe

FINAL = {"COMPLETED", "FAILED", "CRASHED", "CANCELLED"}


class Mill(NamedTuple):
    """A mill that is up: its home, its store, its port, the recipes it deploys, its REST interface."""

    home: Home
    root: Path
    port: int
    recipes: tuple[Path, ...]
    api: Api

    def up(self, *more: str) -> str:
        """Bring up what is down and return what the command said."""
        return tracemill(
            "up",
            *map(str, self.recipes),
            "--home",
            self.home.folder,
            "--root",
            self.root,
            "--port",
            self.port,
            *more,
        )

    def trigger(self, deployment: str, *settings: str, key: str = "") -> str:
        """Start a run and return its id."""
        return trigger(self.api, deployment, settings=settings, idempotency_key=key)

    def run(self, run: str) -> dict[str, Any]:
        """Return a run as the API tells it."""
        return dict(self.api.get(f"/flow_runs/{run}"))

    def wait(
        self, run: str, states: Sequence[str] = tuple(FINAL), *, seconds: float = 900
    ) -> dict[str, Any]:
        """Wait until a run's state is of one of these types or names."""
        deadline = time.monotonic() + seconds
        while True:
            seen = self.run(run)
            if {seen["state_type"], seen["state_name"]} & set(states):
                return seen
            assert time.monotonic() < deadline, (
                f"{seen['state_name']} after {seconds} s, due {states}: {self.words(run)}"
            )
            time.sleep(0.2)

    def words(self, run: str) -> str:
        """Return the run's log."""
        lines = self.api.post(
            "/logs/filter",
            {"logs": {"flow_run_id": {"any_": [run]}}, "limit": 200, "sort": "TIMESTAMP_ASC"},
        )
        return "\n".join(line["message"] for line in lines)

    def artifacts(self, run: str) -> list[dict[str, Any]]:
        """Return what a run left to be seen."""
        return list(
            self.api.post(
                "/artifacts/filter", {"artifacts": {"flow_run_id": {"any_": [run]}}, "limit": 200}
            )
        )

    def state(self, run: str, kind: str, name: str = "") -> None:
        """Set a run's state."""
        self.api.post(
            f"/flow_runs/{run}/set_state", {"state": {"type": kind, "name": name or kind.title()}}
        )

    def retry(self, run: str) -> None:
        """Retry a run, as the button in the UI does."""
        self.state(run, "SCHEDULED", "AwaitingRetry")

    def cancel(self, run: str) -> None:
        """Cancel a run, as the button in the UI does."""
        self.state(run, "CANCELLING")

    def unworked(self, **fields: object) -> str:
        """Return a run that is running and that no process works on."""
        flow = self.api.get("/flows/name/build-corpus")["id"]
        where = self.api.post("/deployments/", {"name": "without a pool", "flow_id": flow})["id"]
        pending = {"state": {"type": "PENDING", "name": "Pending"}}
        run = str(
            self.api.post(f"/deployments/{where}/create_flow_run", {**pending, **fields})["id"]
        )
        self.state(run, "RUNNING")
        return run

    def heard(self, event: str, *, count: int = 1, seconds: float = 300) -> None:
        """Wait until the server has written down this many events; it does so in batches."""
        deadline = time.monotonic() + seconds
        while (
            self.api.post("/events/filter", {"filter": {"event": {"name": [event]}}})["total"]
            < count
        ):
            assert time.monotonic() < deadline, f"no {count} events {event} after {seconds} s"
            time.sleep(0.2)

    def flow_processes(self) -> list[psutil.Process]:
        """Return the processes of runs under way, with everything they started."""
        return [
            one
            for one in processes.descendants(self.home)
            if "PREFECT__FLOW_RUN_ID" in _environment(one)
        ]

    def engines(self, run: str = "") -> list[psutil.Process]:
        """Return the processes that Prefect itself started for this run, or for any: one that has
        told its end takes a moment to be gone.
        """
        begun = [one for one in self.flow_processes() if "deployments.lean" in command(one)]
        return [one for one in begun if run in ("", _environment(one).get("PREFECT__FLOW_RUN_ID"))]

    def part(self, name: str) -> psutil.Process:
        """Return the process of the server, the worker or the reports."""
        found = processes.alive(self.home, name)
        assert found is not None, f"{name} is not alive"
        return found

    def held_slots(self) -> int:
        """Return how many concurrency slots are held, of the GPU and of the deployments, after the
        minute in which one that was lost comes free.
        """
        deadline = time.monotonic() + LEASE_SECONDS + 15
        while True:
            held = sum(
                int(one["active_slots"])
                for one in self.api.post("/v2/concurrency_limits/filter", {})
            )
            if not held or time.monotonic() > deadline:
                return held
            time.sleep(0.5)


@contextlib.contextmanager
def mill(folder: Path, recipes: Sequence[Path], *more: str) -> Iterator[Mill]:
    """Yield a mill that is up; whatever it started is gone afterwards."""
    port, home = free_port(), Home(folder / "home")
    arguments = ["--home", str(home.folder), "--root", str(folder / "mill"), "--port", str(port)]
    try:
        tracemill("up", *map(str, recipes), *arguments, *more)
        with Api(home.settings()) as api:
            yield Mill(home, folder / "mill", port, tuple(recipes), api)
    finally:
        tracemill("down", "--home", home.folder)
        assert processes.descendants(home) == []


@contextlib.contextmanager
def within(running: Mill) -> Iterator[None]:
    """Let flows of this process run against the mill's server."""
    from prefect.settings import PREFECT_API_AUTH_STRING, PREFECT_API_URL, temporary_settings

    settings = running.home.settings()
    told = {
        PREFECT_API_URL: settings["PREFECT_API_URL"],
        PREFECT_API_AUTH_STRING: settings["PREFECT_API_AUTH_STRING"],
    }
    with temporary_settings(told):
        yield


def tracemill(*arguments: object, code: int = 0) -> str:
    """Run a command that must end with this exit code, and return what it said."""
    done = subprocess.run(
        [str(TRACEMILL), *map(str, arguments)],
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        env=bare(),
        check=False,
        timeout=1200,
    )
    assert done.returncode == code, f"exit {done.returncode}\n{done.stdout}\n{done.stderr}"
    return done.stdout + done.stderr


def bare() -> dict[str, str]:
    """Return the environment without what names another Prefect."""
    return {
        name: value
        for name, value in os.environ.items()
        if not name.startswith("PREFECT_") or name.startswith("PREFECT_SERVER_ANALY")
    }


def free_port() -> int:
    """Return a port that is free, and so is the next."""
    while True:
        with socket.socket() as one, socket.socket() as other:
            one.bind(("127.0.0.1", 0))
            with contextlib.suppress(OSError, OverflowError):
                other.bind(("127.0.0.1", one.getsockname()[1] + 1))
                return int(one.getsockname()[1])


def kill(several: Sequence[psutil.Process]) -> None:
    """Send SIGKILL to all of them at once."""
    for one in several:
        with contextlib.suppress(psutil.Error):
            one.send_signal(signal.SIGKILL)
    psutil.wait_procs(list(several), timeout=10)


def _environment(process: psutil.Process) -> dict[str, str]:
    with contextlib.suppress(psutil.Error, OSError):
        return dict(process.environ())
    return {}


def command(process: psutil.Process) -> str:
    """Return a process' command line, "" when it has gone."""
    with contextlib.suppress(psutil.Error, OSError):
        return " ".join(process.cmdline())
    return ""


__all__ = [
    "FINAL",
    "Mill",
    "bare",
    "command",
    "free_port",
    "kill",
    "mill",
    "tracemill",
    "within",
    "write_recipe",
]
