"""What the server does by itself.

It marks a silent run as crashed, tries a crashed run again, up to three times in all, and cancels
a run whose cancellation was asked for but never carried out.
"""

from datetime import timedelta
from typing import Any, cast

from prefect.automations import Automation
from prefect.client.schemas.objects import StateType
from prefect.events.actions import ChangeFlowRunState
from prefect.events.schemas.automations import EventTrigger, Posture

from deployments.service.home import MOST_RUNS, SILENT, SILENT_SECONDS

SETTLED_SECONDS = 10
Labels = dict[str, str | list[str]]
OURS: Labels = {"prefect.resource.role": "tag", "prefect.resource.id": "prefect.tag.tracemill"}
HEARTBEAT = "prefect.flow-run.heartbeat"
ENDED = tuple(
    f"prefect.flow-run.{state}" for state in ("Completed", "Failed", "Cancelled", "Crashed", SILENT)
)
TAKEN_UP = tuple(f"prefect.flow-run.{state}" for state in ("AwaitingRetry", "Pending", "Running"))


def zombies() -> Automation:
    """Call a run crashed that gave no sign of life for ninety seconds: its process, its worker or
    its machine is gone.
    """
    return _silent("tracemill: a silent run has crashed", HEARTBEAT, of={})


def stillborn() -> Automation:
    """Call a run of ours crashed that began and gave no sign of life at all: it was killed before
    its first heartbeat, which zombies() waits for.

    Only of ours: who runs a flow against this server in a process of one's own may have switched
    heartbeats off.
    """
    return _silent(
        "tracemill: a run that was never heard of has crashed", "prefect.flow-run.Running", of=OURS
    )


def abandoned() -> Automation:
    """Call a run cancelled that was to be cancelled ninety seconds ago: its worker would have said
    so, had it not gone.

    Prefect lets such a run end in no other way. Where its process lives it ends itself: see
    `attempt.py`.
    """
    return Automation(
        name="tracemill: a run that nobody cancels is cancelled",
        description=f"{SILENT_SECONDS} s after it was asked for.",
        trigger=_nothing_heard(
            {"prefect.flow-run.Cancelling"}, {*ENDED}, of={}, seconds=SILENT_SECONDS
        ),
        actions=[
            ChangeFlowRunState(
                state=StateType.CANCELLED,
                name="Cancelled",
                message="the worker that should have cancelled it is gone",
            )
        ],
    )


def retries() -> Automation:
    """Try a crashed run again, once nobody has anything more to say of it. The bound is in the
    match: a run that began three times stays crashed.

    The run itself, Prefect's runner and its worker call one crash a crash each, within seconds; a
    word that came after the new start would be taken for the new attempt's.
    """
    counts = [str(count) for count in range(MOST_RUNS)]
    return Automation(
        name="tracemill: a crashed run is tried again",
        description=f"After {SETTLED_SECONDS} s. It resumes where it was; after {MOST_RUNS} runs it stays crashed.",
        trigger=_nothing_heard(
            {"prefect.flow-run.Crashed", f"prefect.flow-run.{SILENT}"},
            {*ENDED, *TAKEN_UP},
            of=OURS,
            seconds=SETTLED_SECONDS,
            resource={"prefect.run-count": counts},
        ),
        actions=[
            ChangeFlowRunState(
                state=StateType.SCHEDULED,
                name="AwaitingRetry",
                message="crashed; tried again by itself",
            )
        ],
    )


def _silent(name: str, after: str, of: Labels) -> Automation:
    """Call a run crashed that gives no sign of life for ninety seconds after this one."""
    return Automation(
        name=name,
        description=f"No heartbeat for {SILENT_SECONDS} s. The next worker takes it up again.",
        trigger=_nothing_heard({after}, {after, HEARTBEAT, *ENDED}, of=of, seconds=SILENT_SECONDS),
        actions=[
            ChangeFlowRunState(
                state=StateType.CRASHED,
                name=SILENT,
                message=f"no sign of life for {SILENT_SECONDS} seconds",
            )
        ],
    )


def _nothing_heard(
    after: set[str], expect: set[str], *, of: Labels, seconds: int, resource: Labels | None = None
) -> EventTrigger:
    """Fire for a run of which, after one of these events, none of those expected is heard for so
    many seconds.
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
    """Register the automations; one of the same name is brought up to date, and stays off where a
    person has turned it off.

    One that says the same already is left alone: an update gives it a new trigger, and whoever was
    silent under the old one is forgotten.
    """
    for wanted in (zombies(), stillborn(), abandoned(), retries()):
        try:
            known = cast(Automation, Automation.read(name=wanted.name))
        except ValueError:
            wanted.create()
            continue
        if said(known) == said(wanted):
            continue
        wanted.id, wanted.enabled = known.id, known.enabled
        wanted.update()


def said(automation: Automation) -> dict[str, Any]:
    """Return what an automation does, without what the server adds; its sets stay sets, which as
    lists would have any order.
    """
    return automation.model_dump(
        include={
            "description": True,
            "trigger": set(EventTrigger.model_fields) - {"id"},
            "actions": True,
        }
    )
