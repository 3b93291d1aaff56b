"""Automations of the Prefect server.

They mark a silent run as crashed, retry a crashed run until it has begun three times, and cancel a
run whose worker is gone before it could cancel the run.
"""

from datetime import timedelta
from typing import Any, cast

from prefect.automations import Automation
from prefect.client.schemas.objects import StateType
from prefect.events.actions import ChangeFlowRunState
from prefect.events.schemas.automations import EventTrigger, Posture

from deployments.service.home import MOST_RUNS, SILENT, SILENT_SECONDS

SETTLED_SECONDS = 10
"""Time from the last report of a crash to the retry."""
Labels = dict[str, str | list[str]]
OUR_RUNS: Labels = {"prefect.resource.role": "tag", "prefect.resource.id": "prefect.tag.tracemill"}
"""Matches runs of deployments with the tag tracemill."""
HEARTBEAT = "prefect.flow-run.heartbeat"
ENDED = tuple(
    f"prefect.flow-run.{state}" for state in ("Completed", "Failed", "Cancelled", "Crashed", SILENT)
)
TAKEN_UP = tuple(f"prefect.flow-run.{state}" for state in ("AwaitingRetry", "Pending", "Running"))


def crash_silent_runs() -> Automation:
    """Return the automation that marks a run as crashed after ninety seconds without a heartbeat.

    Such a run has lost its process, its worker or its machine.
    """
    return _silent("tracemill: a silent run has crashed", HEARTBEAT, of={})


def crash_runs_without_heartbeat() -> Automation:
    """Return the automation that marks a run as crashed if its first heartbeat never comes.

    Such a run was killed too early for `crash_silent_runs`, which waits for a first heartbeat. It
    covers only our own runs: a person's script may run a flow with heartbeats switched off.
    """
    return _silent(
        "tracemill: a run that was never heard of has crashed",
        "prefect.flow-run.Running",
        of=OUR_RUNS,
    )


def cancel_abandoned_runs() -> Automation:
    """Return the automation that cancels a run ninety seconds after its cancellation was requested.

    The worker should have cancelled it, so the worker is gone, and Prefect has no other way to end
    the run. If the run's process is alive, it ends itself: see `attempt.py`.
    """
    return Automation(
        name="tracemill: a run that nobody cancels is cancelled",
        description=f"{SILENT_SECONDS} s after the cancellation was requested.",
        trigger=_no_event({"prefect.flow-run.Cancelling"}, {*ENDED}, of={}, seconds=SILENT_SECONDS),
        actions=[
            ChangeFlowRunState(
                state=StateType.CANCELLED,
                name="Cancelled",
                message="the worker that should have cancelled this run is gone",
            )
        ],
    )


def retry_crashed_runs() -> Automation:
    """Return the automation that retries a crashed run; after three attempts it stays crashed.

    The run itself, Prefect's runner and its worker report the same crash within a few seconds. A
    report after the new start would be attributed to the retry, so the retry waits for ten seconds
    without a report. The `match` of the trigger limits the number of attempts.
    """
    counts = [str(count) for count in range(MOST_RUNS)]
    return Automation(
        name="tracemill: a crashed run is tried again",
        description=(
            f"After {SETTLED_SECONDS} s. The run resumes where it stopped; "
            f"after {MOST_RUNS} attempts it stays crashed."
        ),
        trigger=_no_event(
            {"prefect.flow-run.Crashed", f"prefect.flow-run.{SILENT}"},
            {*ENDED, *TAKEN_UP},
            of=OUR_RUNS,
            seconds=SETTLED_SECONDS,
            resource={"prefect.run-count": counts},
        ),
        actions=[
            ChangeFlowRunState(
                state=StateType.SCHEDULED,
                name="AwaitingRetry",
                message="crashed; retried automatically",
            )
        ],
    )


def _silent(name: str, after: str, of: Labels) -> Automation:
    """Return the automation that crashes a run if no heartbeat follows the event `after`."""
    return Automation(
        name=name,
        description=f"No heartbeat for {SILENT_SECONDS} s. The next worker resumes the run.",
        trigger=_no_event({after}, {after, HEARTBEAT, *ENDED}, of=of, seconds=SILENT_SECONDS),
        actions=[
            ChangeFlowRunState(
                state=StateType.CRASHED,
                name=SILENT,
                message=f"no heartbeat for {SILENT_SECONDS} seconds",
            )
        ],
    )


def _no_event(
    after: set[str], expect: set[str], *, of: Labels, seconds: int, resource: Labels | None = None
) -> EventTrigger:
    """Return a trigger: for a run without an expected event for some seconds after an event.

    after, expect: names of events. of: labels that the run must have. resource: further labels of
    the run itself.
    """
    return EventTrigger(
        after=after,
        expect=expect,
        match={"prefect.resource.id": "prefect.flow-run.*", **(resource or {})},
        match_related=of,
        for_each={"prefect.resource.id"},
        posture=Posture.Proactive,
        threshold=1,
        within=timedelta(seconds=seconds),
    )


def register() -> None:
    """Register the automations; update those that exist; a disabled one stays disabled.

    An automation that needs no change is not updated: an update replaces the trigger, which then
    forgets the runs it was watching.
    """
    for wanted in (
        crash_silent_runs(),
        crash_runs_without_heartbeat(),
        cancel_abandoned_runs(),
        retry_crashed_runs(),
    ):
        try:
            known = cast(Automation, Automation.read(name=wanted.name))
        except ValueError:
            wanted.create()
            continue
        if content_of(known) == content_of(wanted):
            continue
        wanted.id, wanted.enabled = known.id, known.enabled
        wanted.update()


def content_of(automation: Automation) -> dict[str, Any]:
    """Return the content of an automation without the fields that the server adds.

    Sets stay sets, because lists of their elements would differ in order.
    """
    return automation.model_dump(
        include={
            "description": True,
            "trigger": set(EventTrigger.model_fields) - {"id"},
            "actions": True,
        }
    )
