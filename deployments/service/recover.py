"""Reschedule runs that lost their process, for example in a power cut.

Usage before a worker starts: `python -m deployments.service.recover`, with settings from the
environment. The automation for crashed runs cannot do this, because a server that has just started
receives no events yet.
"""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import psutil

from deployments.prefect_compat import RUN_ID
from deployments.service.home import MARK, MOST_RUNS, POOL, Home
from deployments.service.leftovers import close_attempt, close_ended
from deployments.service.processes import descendants
from deployments.service.server import Api

UNDER_WAY = ["RUNNING", "PENDING", "CANCELLING"]
LOST = "the process of this run is gone; its machine or its worker was down"


def recover(home: Home, api: Api) -> list[str]:
    """Reschedule every run of our pool that has no process on this machine; return their names.

    A run whose cancellation was requested is cancelled; a run with MOST_RUNS attempts stays
    crashed.
    """
    alive = {_run_of(process) for process in descendants(home)}
    body = {
        "flow_runs": {"state": {"type": {"any_": UNDER_WAY}}},
        "work_pools": {"name": {"any_": [POOL]}},
        "limit": 200,
    }
    lost = [run for run in api.post("/flow_runs/filter", body) if run["id"] not in alive]
    for run in lost:
        close_attempt(api, run["id"])
        state = {**_next_state(run), "message": LOST}
        api.post(f"/flow_runs/{run['id']}/set_state", {"state": state, "force": True})
    close_ended(api)
    return [str(run["name"]) for run in lost]


def _next_state(run: Mapping[str, Any]) -> dict[str, str]:
    if run["state_type"] == "CANCELLING":
        return {"type": "CANCELLED", "name": "Cancelled"}
    if run["run_count"] >= MOST_RUNS:
        return {"type": "CRASHED", "name": "Crashed"}
    return {"type": "SCHEDULED", "name": "AwaitingRetry"}


def _run_of(process: psutil.Process) -> str:
    try:
        return process.environ().get(RUN_ID, "")
    except (psutil.Error, OSError):
        return ""


def main() -> None:
    """Reschedule the lost runs of the home that the environment names."""
    with Api(os.environ) as api:
        recover(Home(Path(os.environ[MARK])), api)


if __name__ == "__main__":
    main()
