"""The status of the local Prefect: which parts run, the next runs, and the last failed runs."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, NamedTuple

from pydantic import BaseModel

from deployments.service import processes
from deployments.service.home import DATABASE, POOL, Home
from deployments.service.server import Api, worker_online

UNSUCCESSFUL = ["FAILED", "CRASHED"]
SHOWN = 8
"""Runs of each kind in a status."""


class Run(BaseModel):
    """A flow run.

    recipe: recipe of its deployment, "" without a deployment. at: time when it is scheduled, began
    or ended, UTC. says: message of its state, in one line. page: address in the UI.
    """

    name: str
    flow: str
    recipe: str
    state: str
    at: datetime | None
    says: str
    page: str


class Status(BaseModel):
    """The current status. worker_heard_seconds: time since the last heartbeat of a worker; None if
    no worker is online.
    """

    ui: str
    root: str
    server: bool
    worker: bool
    reports: bool
    worker_heard_seconds: float | None
    database: str
    running: list[Run]
    scheduled: list[Run]
    failed: list[Run]

    @property
    def well(self) -> bool:
        """Whether a nightly run could start."""
        return self.server and self.worker and self.worker_heard_seconds is not None


def status(home: Home) -> Status:
    """Return the current status. If the server is down, it has no runs."""
    settings = home.settings()
    parts = {name: processes.alive(home, name) is not None for name in ("worker", "reports")}
    database = settings.get(DATABASE, "").partition(":")[0]
    seen = Status(
        ui=settings.get("PREFECT_API_URL", "").removesuffix("/api"),
        root=settings.get("TRACEMILL_ROOT", ""),
        server=False,
        worker_heard_seconds=None,
        database=database,
        running=[],
        scheduled=[],
        failed=[],
        **parts,
    )
    if not settings:
        return seen
    with Api(settings) as api:
        if not api.healthy():
            return seen
        names = {
            one["id"]: one["name"]
            for kind in ("flows", "deployments")
            for one in api.post(f"/{kind}/filter", {})
        }
        runs = {name: _runs(api, names, seen.ui, query) for name, query in QUERIES.items()}
        heard = worker_online(api, POOL)
        return seen.model_copy(update={"server": True, "worker_heard_seconds": heard, **runs})


class _Query(NamedTuple):
    """Runs to show. time: name of the field that `Run.at` is taken from."""

    states: list[str]
    sort: str
    time: str


QUERIES = {
    "running": _Query(["RUNNING", "PENDING", "CANCELLING"], "START_TIME_DESC", "start_time"),
    "scheduled": _Query(["SCHEDULED"], "EXPECTED_START_TIME_ASC", "expected_start_time"),
    "failed": _Query(UNSUCCESSFUL, "END_TIME_DESC", "end_time"),
}
"""The runs of each field of `Status`."""


def _runs(api: Api, names: dict[str, str], ui: str, query: _Query) -> list[Run]:
    """Return the runs of a query. names: of flows and deployments, by id."""
    body = {
        "flow_runs": {"state": {"type": {"any_": query.states}}},
        "sort": query.sort,
        "limit": SHOWN,
    }
    return [
        Run(
            name=run["name"],
            flow=names.get(run["flow_id"], ""),
            recipe=names.get(run["deployment_id"], ""),
            state=run["state_name"],
            at=_time(run[query.time]),
            says=_message(run),
            page=f"{ui}/runs/flow-run/{run['id']}",
        )
        for run in api.post("/flow_runs/filter", body)
    ]


def _message(run: Mapping[str, Any]) -> str:
    """Return the message of a run's state as one line of at most 200 characters."""
    state = run["state"] or {}
    return " ".join((state.get("message") or "").split())[:200]


def _time(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text.replace("Z", "+00:00")).astimezone(UTC) if text else None
