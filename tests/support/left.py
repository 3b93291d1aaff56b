"""What a run left at a Prefect server that other runs share: only its own, and all of it."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

from prefect import State
from prefect.client.orchestration import get_client
from prefect.client.schemas.filters import (
    ArtifactFilter,
    ArtifactFilterFlowRunId,
    FlowRunFilter,
    FlowRunFilterId,
    LogFilter,
    LogFilterFlowRunId,
)
from prefect.client.schemas.objects import Artifact, FlowRun, Log, TaskRun

PAGE = 200
"""What the server gives at once, at most."""


def run_of(state: State[Any]) -> UUID:
    """Return the id of the flow run that a state belongs to."""
    run = state.state_details.flow_run_id
    assert run is not None
    return run


def artifacts_of(run: UUID) -> list[Artifact]:
    """Return every artifact of a run."""
    wanted = ArtifactFilter(flow_run_id=ArtifactFilterFlowRunId(any_=[run]))
    with get_client(sync_client=True) as client:
        return _every(client.read_artifacts, artifact_filter=wanted)


def logs_of(run: UUID) -> list[Log]:
    """Return every line of a run's log."""
    wanted = LogFilter(flow_run_id=LogFilterFlowRunId(any_=[run]))
    with get_client(sync_client=True) as client:
        return _every(client.read_logs, log_filter=wanted)


def runs_of(run: UUID) -> list[FlowRun | TaskRun]:
    """Return a flow run and every task run of it."""
    wanted = FlowRunFilter(id=FlowRunFilterId(any_=[run]))
    with get_client(sync_client=True) as client:
        return [
            *_every(client.read_flow_runs, flow_run_filter=wanted),
            *_every(client.read_task_runs, flow_run_filter=wanted),
        ]


def _every(read: Callable[..., Any], **wanted: object) -> list[Any]:
    """Return what a reader gives, page by page."""
    found: list[Any] = []
    while True:
        page = list(read(**wanted, limit=PAGE, offset=len(found)))
        found += page
        if len(page) < PAGE:
            return found
