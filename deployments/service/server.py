"""Talking to the local Prefect over its REST interface."""

import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import httpx
from tenacity import RetryCallState, retry, retry_if_result, stop_after_attempt, wait_exponential

from deployments.service.home import Home
from deployments.service.processes import alive, last_words
from tasks.errors import ServiceDown

STARTUP_SECONDS = 180.0
IDLE_SECONDS = 2.0
"""The server closes a connection that was idle for five seconds; one that is used at that moment
would fail.
"""


def _busy(answer: httpx.Response) -> bool:
    """Whether the database was not free, which Prefect answers with 503; asking again is safe,
    nothing was written.
    """
    return answer.status_code == httpx.codes.SERVICE_UNAVAILABLE


def _last(attempts: RetryCallState) -> httpx.Response:
    return attempts.outcome.result()  # type: ignore[union-attr, no-any-return]


class Api:
    """The REST interface of the server that a home's settings name; closed when the block ends."""

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
        """Whether a server answers at all."""
        try:
            return self._client.get("/health").status_code == httpx.codes.OK
        except httpx.HTTPError:
            return False

    def get(self, path: str) -> Any:
        """Return what lies at a path. Raises ServiceDown when the server cannot be reached or will
        not answer us.
        """
        return self._told("GET", path, None)

    def post(self, path: str, body: Mapping[str, object] | Sequence[object]) -> Any:
        """Return what the server answers to a body. Raises ServiceDown, with its own words, when it
        refuses.
        """
        return self._told("POST", path, body)

    def patch(self, path: str, body: Mapping[str, object]) -> Any:
        """Change what lies at a path. Raises as `post` does."""
        return self._told("PATCH", path, body)

    def _told(
        self, method: str, path: str, body: Mapping[str, object] | Sequence[object] | None
    ) -> Any:
        try:
            answer = self._asked(method, path, body)
        except httpx.HTTPError as exc:
            raise ServiceDown(
                f"the Prefect server at {self._client.base_url} does not answer ({exc}); start it with `tracemill up`"
            ) from exc
        if answer.status_code == httpx.codes.UNAUTHORIZED:
            raise ServiceDown(
                f"the server at {self._client.base_url} refuses our password: another Prefect runs there; choose another --port"
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
    def _asked(
        self, method: str, path: str, body: Mapping[str, object] | Sequence[object] | None
    ) -> httpx.Response:
        return self._client.request(method, path, json=body)


def trigger(
    api: Api, deployment: str, *, settings: Sequence[str] = (), idempotency_key: str = ""
) -> str:
    """Start a deployment, flow/recipe, now, and return the run's id; the same key starts nothing
    twice.
    """
    parameters: dict[str, object] = {"settings": list(settings)} if settings else {}
    known = api.get(f"/deployments/name/{deployment}")["id"]
    body: dict[str, object] = {"parameters": parameters} | (
        {"idempotency_key": idempotency_key} if idempotency_key else {}
    )
    return str(api.post(f"/deployments/{known}/create_flow_run", body)["id"])


def await_health(home: Home, api: Api) -> None:
    """Return when the server answers; ServiceDown, with the end of its log, when it died or is not
    up in three minutes.
    """
    deadline = time.monotonic() + STARTUP_SECONDS
    while not api.healthy():
        if not alive(home, "server"):
            raise ServiceDown(
                f"the Prefect server ended while it started: {last_words(home.logs / 'server.log')}"
            )
        if time.monotonic() > deadline:
            raise ServiceDown(
                f"the Prefect server is not up after {STARTUP_SECONDS:.0f} s; see {home.logs / 'server.log'}"
            )
        time.sleep(0.25)


def worker_online(api: Api, pool: str) -> float | None:
    """Return how many seconds ago a worker of the pool was last heard of; None when none is online."""
    online = [
        one
        for one in api.post(f"/work_pools/{pool}/workers/filter", {})
        if one["status"] == "ONLINE"
    ]
    if not online:
        return None
    heard = max(
        datetime.fromisoformat(one["last_heartbeat_time"].replace("Z", "+00:00")) for one in online
    )
    return (datetime.now(UTC) - heard).total_seconds()
