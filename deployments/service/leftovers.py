"""Task runs that a dead process left: the server believes that they are under way for ever."""

from collections.abc import Mapping

from deployments.service.server import Api

OPEN = ["PENDING", "RUNNING", "CANCELLING"]
ENDED = ["COMPLETED", "FAILED", "CRASHED", "CANCELLED"]
CLOSED = {
    "type": "CRASHED",
    "name": "Crashed",
    "message": "the process of this attempt ended without a word",
}
PAGE = 200


def close_attempt(api: Api, run: str) -> int:
    """Close the open task runs of a run that has no process; return how many there were."""
    return _close(api, {"id": {"any_": [run]}})


def close_ended(api: Api) -> int:
    """Close the open task runs of every run that has ended; return how many there were."""
    return _close(api, {"state": {"type": {"any_": ENDED}}})


def _close(api: Api, flow_runs: Mapping[str, object]) -> int:
    body = {
        "flow_runs": flow_runs,
        "task_runs": {"state": {"type": {"any_": OPEN}}},
        "limit": PAGE,
    }
    left = api.post("/task_runs/filter", body)
    for one in left:
        api.post(f"/task_runs/{one['id']}/set_state", {"state": CLOSED, "force": True})
    return len(left)
