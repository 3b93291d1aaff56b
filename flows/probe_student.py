"""The flow probe-student: compare the student of a recipe with its base model."""

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
    """The comparison of a student with its base model. page: path of the page with both models."""

    stages: list[StageLine]
    passed: bool
    metrics: list[Metric]
    page: str


@flow(name="probe-student", on_failure=[announce_broken])
def probe_student(recipe: Recipe, root: Root = Path("mill"), settings: Overlay = ()) -> Probing:
    """Probe the student of a recipe; build and train first if necessary.

    A student that fails raises nothing; the result says it.
    """
    recipe = with_room_for_adapter(laid_over(recipe, settings))
    root, clock = root.absolute(), Clock()
    with telling(clock), WARM:
        built = build(recipe, root, clock)
        adapter = teach(recipe, built, root, clock).adapter
        return probing(probe(recipe, built, adapter_of(adapter), root, clock).weighed, clock)


def probing(weighed: Table, clock: Clock) -> Probing:
    """Return the result of the flow for a weighed probe."""
    metrics = metrics_of(weighed)
    return Probing(
        stages=clock.lines,
        passed=all(one.passed for one in metrics),
        metrics=metrics,
        page=str(weighed.path / PAGE),
    )
