"""The probe flow: is the recipe's student still as able as its base?"""

from pathlib import Path

from prefect import flow
from pydantic import BaseModel

from flows.build_corpus import build
from flows.clock import Clock, StageLine
from flows.ending import telling
from flows.probe import probe
from flows.recipes.corpus import Recipe
from flows.recipes.load import Overlay, Root, laid_over
from flows.recipes.models import with_room_for_adapter
from flows.seen import announce_broken
from flows.train_student import teach
from tasks.inference.warm import WARM
from tasks.probe.metrics import Metric
from tasks.probe.weigh import PAGE, metrics_of
from tasks.store import Table
from tasks.train.adapter import adapter_of


class Probing(BaseModel):
    """How a student compares with its base. page: both models side by side."""

    stages: list[StageLine]
    passed: bool
    metrics: list[Metric]
    page: str


@flow(name="probe-student", on_failure=[announce_broken])
def probe_student(recipe: Recipe, root: Root = Path("mill"), settings: Overlay = ()) -> Probing:
    """Probe the recipe's student, building and training first what is not there; a student that
    fails is told of, not raised.
    """
    recipe = with_room_for_adapter(laid_over(recipe, settings))
    root, clock = root.absolute(), Clock()
    with telling(clock), WARM:
        built = build(recipe, root, clock)
        adapter = teach(recipe, built, root, clock).adapter
        return probing(probe(recipe, built, adapter_of(adapter), root, clock).weighed, clock)


def probing(weighed: Table, clock: Clock) -> Probing:
    """Return what is to be told of a probe."""
    metrics = metrics_of(weighed)
    return Probing(
        stages=clock.lines,
        passed=all(one.passed for one in metrics),
        metrics=metrics,
        page=str(weighed.path / PAGE),
    )
