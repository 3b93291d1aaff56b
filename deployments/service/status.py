"""What is alive, what comes next, what failed last."""

from datetime import UTC, datetime

from pydantic import BaseModel

from deployments.service import processes
from deployments.service.home import DATABASE, POOL, Home
from deployments.service.server import Api, worker_online

UNSUCCESSFUL = ["FAILED", "CRASHED"]
SHOWN = 8


class Run(BaseModel):
    """A flow run. recipe: its deployment's, "" where it has none. at: when it is due, began or
    ended, UTC. says: the state's message, one line.
    """

    name: str
    flow: str
    recipe: str
    state: str
    at: datetime | None
    says: str
    page: str


class Status(BaseModel):
    """The mill now. worker_heard_seconds: since its last sign of life, None when no worker is
    online.
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
        """Whether a nightly run would be done."""
        return self.server and self.worker and self.worker_heard_seconds is not None


def status(home: Home) -> Status:
    """Return what can be seen; of a server that is down, only that."""
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
        known = {
            one["id"]: one["name"]
            for kind in ("flows", "deployments")
            for one in api.post(f"/{kind}/filter", {})
        }
        return seen.model_copy(
            update={
                "server": True,
                "worker_heard_seconds": worker_online(api, POOL),
                "running": _runs(
                    api,
                    known,
                    seen.ui,
                    states=["RUNNING", "PENDING", "CANCELLING"],
                    sort="START_TIME_DESC",
                    time="start_time",
                ),
                "scheduled": _runs(
                    api,
                    known,
                    seen.ui,
                    states=["SCHEDULED"],
                    sort="EXPECTED_START_TIME_ASC",
                    time="expected_start_time",
                ),
                "failed": _runs(
                    api, known, seen.ui, states=UNSUCCESSFUL, sort="END_TIME_DESC", time="end_time"
                ),
            }
        )


def _runs(
    api: Api, known: dict[str, str], ui: str, *, states: list[str], sort: str, time: str
) -> list[Run]:
    body = {"flow_runs": {"state": {"type": {"any_": states}}}, "sort": sort, "limit": SHOWN}
    return [
        Run(
            name=run["name"],
            flow=known.get(run["flow_id"], ""),
            recipe=known.get(run["deployment_id"], ""),
            state=run["state_name"],
            at=_time(run[time]),
            says=" ".join(((run["state"] or {}).get("message") or "").split())[:200],
            page=f"{ui}/runs/flow-run/{run['id']}",
        )
        for run in api.post("/flow_runs/filter", body)
    ]


def _time(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text.replace("Z", "+00:00")).astimezone(UTC) if text else None
