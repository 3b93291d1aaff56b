"""Requests to the REST interface of the local Prefect server."""

import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import httpx
from tenacity import RetryCallState, retry, retry_if_result, stop_after_attempt, wait_exponential

from deployments.service.home import Home
from deployments.service.processes import alive, log_end
from tasks.errors import ServiceDown

STARTUP_SECONDS = 180.0
"""Longest wait for the server's first answer."""
IDLE_SECONDS = 2.0
"""Time after which an idle connection is closed here. The server closes it after five seconds, and
a request at that moment would fail.
"""


def _busy(answer: httpx.Response) -> bool:
    """Return whether the database was busy. A request can then be repeated: nothing was written."""
    return answer.status_code == httpx.codes.SERVICE_UNAVAILABLE


def _last(attempts: RetryCallState) -> httpx.Response:
    return attempts.outcome.result()  # type: ignore[union-attr, no-any-return]


class Api:
    """The REST interface of the server in some settings; closed at the end of a `with` block."""

    def __init__(self, settings: Mapping[str, str]) -> None:
        user, _, password = settings["PREFECT_API_AUTH_STRING"].partition(":")
        limits = httpx.Limits(keepalive_expiry=IDLE_SECONDS)
        self._client = httpx.Client(
            base_url=settings["PREFECT_API_URL"],
            auth=(user, password),
            timeout=30,
            trust_env=False,
            limits=limits,
        )

    def __enter__(self) -> "Api":
        return self

    def __exit__(self, *_: object) -> None:
        self._client.close()

    def healthy(self) -> bool:
        """Return whether the server answers."""
        try:
            return self._client.get("/health").status_code == httpx.codes.OK
        except httpx.HTTPError:
            return False

    def get(self, path: str) -> Any:
        """Return the JSON value at a path.

        Raises ServiceDown if the server does not answer or refuses the request.
        """
        return self._json("GET", path, None)

    def post(self, path: str, body: Mapping[str, object] | Sequence[object]) -> Any:
        """Return the JSON value of the answer to a body. Raises ServiceDown as `get` does."""
        return self._json("POST", path, body)

    def patch(self, path: str, body: Mapping[str, object]) -> Any:
        """Change the object at a path. Raises ServiceDown as `get` does."""
        return self._json("PATCH", path, body)

    def _json(
        self, method: str, path: str, body: Mapping[str, object] | Sequence[object] | None
    ) -> Any:
        try:
            answer = self._request(method, path, body)
        except httpx.HTTPError as exc:
            raise ServiceDown(
                f"the Prefect server at {self._client.base_url} does not answer ({exc}); "
                "start it with `tracemill up`"
            ) from exc
        if answer.status_code == httpx.codes.UNAUTHORIZED:
            raise ServiceDown(
                f"the server at {self._client.base_url} refuses our password: another Prefect "
                "runs there; choose another --port"
            )
        if answer.is_error:
            raise ServiceDown(f"the Prefect server refuses {path}: {answer.text[:500]}")
        return answer.json() if answer.content else None

    @retry(
        retry=retry_if_result(_busy),
        wait=wait_exponential(0.2, max=5),
        stop=stop_after_attempt(8),
        retry_error_callback=_last,
    )
    def _request(
        self, method: str, path: str, body: Mapping[str, object] | Sequence[object] | None
    ) -> httpx.Response:
        return self._client.request(method, path, json=body)


def trigger(
    api: Api, deployment: str, *, settings: Sequence[str] = (), idempotency_key: str = ""
) -> str:
    """Start a run of a deployment now and return the run's id.

    deployment: its name, flow/recipe. settings: lines key.path=value. idempotency_key: a key that
    was used before starts no second run; it returns the first run's id.
    """
    parameters = {"settings": list(settings)} if settings else {}
    key = {"idempotency_key": idempotency_key} if idempotency_key else {}
    deployment_id = api.get(f"/deployments/name/{deployment}")["id"]
    created = api.post(
        f"/deployments/{deployment_id}/create_flow_run", {"parameters": parameters, **key}
    )
    return str(created["id"])


def await_health(home: Home, api: Api) -> None:
    """Return when the server answers.

    Raises ServiceDown if it dies, with the end of its log, or takes longer than STARTUP_SECONDS.
    """
    deadline = time.monotonic() + STARTUP_SECONDS
    while not api.healthy():
        if not alive(home, "server"):
            raise ServiceDown(
                f"the Prefect server ended while it started: {log_end(home.logs / 'server.log')}"
            )
        if time.monotonic() > deadline:
            raise ServiceDown(
                f"the Prefect server is not up after {STARTUP_SECONDS:.0f} s; "
                f"see {home.logs / 'server.log'}"
            )
        time.sleep(0.25)


def worker_online(api: Api, pool: str) -> float | None:
    """Return the seconds since the last heartbeat of the pool's workers; None if none is online."""
    workers = api.post(f"/work_pools/{pool}/workers/filter", {})
    heartbeats = [
        datetime.fromisoformat(worker["last_heartbeat_time"].replace("Z", "+00:00"))
        for worker in workers
        if worker["status"] == "ONLINE"
    ]
    if not heartbeats:
        return None
    return (datetime.now(UTC) - max(heartbeats)).total_seconds()
