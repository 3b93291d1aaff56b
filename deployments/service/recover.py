"""After a power cut: runs that the server believes to be under way, though nothing on this machine
runs them.

`python -m deployments.service.recover` before a worker starts; settings from the environment. They are
tried again here, and not by the automation for crashed runs: a server that has just started hears
no events yet.
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
LOST = "its process is gone; the machine or its worker went down"


def recover(home: Home, api: Api) -> list[str]:
    """Schedule every run of our pool again that no process here carries on; return their names. One
    that was being cancelled is cancelled.
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
        api.post(
            f"/flow_runs/{run['id']}/set_state",
            {"state": {**_next(run), "message": LOST}, "force": True},
        )
    close_ended(api)
    return [str(run["name"]) for run in lost]


def _next(run: Mapping[str, Any]) -> dict[str, object]:
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
    """Recover what the environment's home has lost."""
    with Api(os.environ) as api:
        recover(Home(Path(os.environ[MARK])), api)


if __name__ == "__main__":
    main()
