"""Close task runs that a dead process left open; the server takes them for running ones."""

from collections.abc import Mapping

from deployments.service.server import Api

OPEN = ["PENDING", "RUNNING", "CANCELLING"]
ENDED = ["COMPLETED", "FAILED", "CRASHED", "CANCELLED"]
CLOSED = {
    "type": "CRASHED",
    "name": "Crashed",
    "message": "the process of this attempt ended without a report",
}
PAGE = 200
"""Task runs per request."""


def close_attempt(api: Api, run: str) -> int:
    """Close the open task runs of a run without a process; return their number."""
    return _close(api, {"id": {"any_": [run]}})


def close_ended(api: Api) -> int:
    """Close the open task runs of all ended runs, at most PAGE of them; return their number."""
    return _close(api, {"state": {"type": {"any_": ENDED}}})


def _close(api: Api, flow_runs: Mapping[str, object]) -> int:
    body = {
        "flow_runs": flow_runs,
        "task_runs": {"state": {"type": {"any_": OPEN}}},
        "limit": PAGE,
    }
    task_runs = api.post("/task_runs/filter", body)
    for one in task_runs:
        api.post(f"/task_runs/{one['id']}/set_state", {"state": CLOSED, "force": True})
    return len(task_runs)
