"""After a power cut: runs that the server believes to be under way, though nothing on this machine runs them.

`python -m flows.service.recover` before a worker starts; settings from the environment. A run called crashed is then tried again by itself.
"""

import os
from pathlib import Path

import psutil

from flows.service.home import MARK, POOL, Home
from flows.service.processes import descendants
from flows.service.server import Api

UNDER_WAY = ["RUNNING", "PENDING", "CANCELLING"]
LOST = "its process is gone; the machine or its worker went down"


def recover(home: Home, api: Api) -> list[str]:
    """Call every run of our pool crashed that no process here carries on, a cancelled one cancelled; return their names."""
    alive = {_run_of(process) for process in descendants(home)}
    body = {"flow_runs": {"state": {"type": {"any_": UNDER_WAY}}}, "work_pools": {"name": {"any_": [POOL]}}, "limit": 200}
    lost = [run for run in api.post("/flow_runs/filter", body) if run["id"] not in alive]
    for run in lost:
        ended = "CANCELLED" if run["state_type"] == "CANCELLING" else "CRASHED"
        state = {"type": ended, "name": ended.capitalize(), "message": LOST}
        api.post(f"/flow_runs/{run['id']}/set_state", {"state": state, "force": True})
    return [str(run["name"]) for run in lost]


def _run_of(process: psutil.Process) -> str:
    try:
        return process.environ().get("PREFECT__FLOW_RUN_ID", "")
    except (psutil.Error, OSError):
        return ""


def main() -> None:
    """Recover what the environment's home has lost."""
    with Api(os.environ) as api:
        recover(Home(Path(os.environ[MARK])), api)


if __name__ == "__main__":
    main()
