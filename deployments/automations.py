"""What the server does by itself: a run that fell silent is called crashed, and a crashed run is tried again, three times at most."""

from datetime import timedelta
from typing import Any, cast

from prefect.automations import Automation
from prefect.client.schemas.objects import StateType
from prefect.events.actions import ChangeFlowRunState
from prefect.events.schemas.automations import EventTrigger, Posture

from flows.service.home import MOST_RUNS

SILENT_SECONDS = 90
ENDED = tuple(f"prefect.flow-run.{state}" for state in ("Completed", "Failed", "Cancelled", "Crashed"))


def zombies() -> Automation:
    """Call a run crashed that gave no sign of life for ninety seconds: its process, its worker or its machine is gone."""
    return Automation(
        name="tracemill: a silent run has crashed", description=f"No heartbeat for {SILENT_SECONDS} s. The next worker takes it up again.",
        trigger=EventTrigger(
            after={"prefect.flow-run.heartbeat"}, expect={"prefect.flow-run.heartbeat", *ENDED},
            match={"prefect.resource.id": "prefect.flow-run.*"}, for_each={"prefect.resource.id"}, posture=Posture.Proactive, threshold=1,
            within=timedelta(seconds=SILENT_SECONDS),
        ),
        actions=[ChangeFlowRunState(state=StateType.CRASHED, name="Crashed", message=f"no sign of life for {SILENT_SECONDS} seconds")],
    )  # fmt: skip


def retries() -> Automation:
    """Try a crashed run again. The bound is in the match: a run that began three times stays crashed."""
    counts = [str(count) for count in range(MOST_RUNS)]
    return Automation(
        name="tracemill: a crashed run is tried again", description=f"It resumes where it was; after {MOST_RUNS} runs it stays crashed.",
        trigger=EventTrigger(
            expect={"prefect.flow-run.Crashed"}, match={"prefect.resource.id": "prefect.flow-run.*", "prefect.run-count": counts},
            match_related={"prefect.resource.role": "tag", "prefect.resource.id": "prefect.tag.tracemill"}, for_each={"prefect.resource.id"},
            posture=Posture.Reactive, threshold=1, within=timedelta(0),
        ),
        actions=[ChangeFlowRunState(state=StateType.SCHEDULED, name="AwaitingRetry", message="crashed; tried again by itself")],
    )  # fmt: skip


def register() -> None:
    """Register the automations; one of the same name is brought up to date, and stays off where a person has turned it off.

    One that says the same already is left alone: an update gives it a new trigger, and whoever was silent under the old one is forgotten.
    """
    for wanted in (zombies(), retries()):
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
    """Return what an automation does, without what the server adds; its sets stay sets, which as lists would have any order."""
    return automation.model_dump(include={"description": True, "trigger": set(EventTrigger.model_fields) - {"id"}, "actions": True})
