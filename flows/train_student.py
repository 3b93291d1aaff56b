"""The training flow: corpus to examples to an adapter, checkpoints probed on the way."""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple, cast

from prefect import flow
from pydantic import BaseModel, JsonValue

from flows.build_corpus import Built, build
from flows.clock import Clock, StageLine
from flows.ending import telling
from flows.probe import probe
from flows.recipes.corpus import Recipe
from flows.recipes.load import Overlay, Root, laid_over
from flows.seen import announce_broken
from tasks.errors import GateBroken
from tasks.inference.warm import WARM
from tasks.probe.metrics import Metric, worst
from tasks.probe.weigh import metrics_of
from tasks.store import Table
from tasks.train.adapter import ADAPTER, CURVE, LOG, adapter_of, modules
from tasks.train.examples import RENDER_CHECK
from tasks.train.lora import speed
from tasks.train.task import RUNS, encode_examples, train_adapter


class Taught(NamedTuple):
    """What a stretch of training made: EXAMPLES, and the TENSORS of the adapter. metrics: of its
    probe, None where it is not probed.
    """

    examples: Table
    adapter: Table
    metrics: Sequence[Metric] | None = None


class Training(BaseModel):
    """How a student was trained. rendered: rows as the trainer saw them. moved: the isolation
    table. speed: of this run, None when all was there.
    """

    stages: list[StageLine]
    adapter: str
    step: int
    steps: int
    loss: float
    validation_loss: float | None
    curve: str
    rendered: list[dict[str, JsonValue]]
    moved: list[dict[str, JsonValue]]
    speed: dict[str, JsonValue] | None


@flow(name="train-student", on_failure=[announce_broken])
def train_student(recipe: Recipe, root: Root = Path("mill"), settings: Overlay = ()) -> Training:
    """Train the recipe's student, building the corpus first where it is not there."""
    recipe, root, clock = laid_over(recipe, settings), root.absolute(), Clock()
    with telling(clock), WARM:
        return training(teach(recipe, build(recipe, root, clock), root, clock), clock)


def training(taught: Taught, clock: Clock) -> Training:
    """Return what is to be told of a training."""
    adapter = taught.adapter
    told, ran = json.loads((adapter.path / LOG).read_bytes()), RUNS.get(adapter.fingerprint)
    return Training(
        stages=clock.lines,
        adapter=str(adapter.path / ADAPTER),
        step=told["step"],
        steps=told["steps"],
        loss=told["log"][-1]["loss"],
        validation_loss=told["validation_loss"],
        curve=str(adapter.path / CURVE),
        rendered=json.loads((taught.examples.path / RENDER_CHECK).read_bytes()),
        moved=cast(Any, modules(adapter.read().to_pylist())),
        speed=cast(Any, speed(ran)[0]) if ran else None,
    )


def teach(recipe: Recipe, built: Built, root: Path, clock: Clock) -> Taught:
    """Return the adapter that wins: the earliest checkpoint that passes the probe, or the last one
    where checkpoints are not probed.

    Raises GateBroken, naming the metric, when a checkpoint falls below the floor or none passes.
    """
    for taught in stretches(recipe, built, root, clock):
        if taught.metrics is None:
            return taught
        step, steps = progress(taught.adapter)
        refuse_collapsed(taught.metrics, step, recipe.probe.floor)
        if not worst(taught.metrics) and step >= recipe.probe.wins_from * steps:
            return taught
    raise _none_passes(worst(taught.metrics or ()), step)


def stretches(recipe: Recipe, built: Built, root: Path, clock: Clock) -> Iterator[Taught]:
    """Yield the student after every stretch of its training, the one before being where the next
    goes on.
    """
    spec = recipe.train
    encoded = clock.run(encode_examples, built.corpus, spec.student, spec.encode, root)
    adapter: Table | None = None
    step, steps = 0, 1
    while step < steps:
        until = step + spec.probe_every if spec.probe_every else None
        adapter = clock.run(
            train_adapter, encoded, spec, recipe.placement.train, root, adapter, until
        )
        step, steps = progress(adapter)
        yield Taught(
            encoded,
            adapter,
            _probed(recipe, built, adapter, root, clock) if spec.probe_every else None,
        )


def _probed(recipe: Recipe, built: Built, adapter: Table, root: Path, clock: Clock) -> list[Metric]:
    return metrics_of(
        probe(
            recipe, built, adapter_of(adapter), root, clock, rows=recipe.probe.checkpoint_rows
        ).weighed
    )


def progress(adapter: Table) -> tuple[int, int]:
    """Return the step an adapter was trained to, and the steps of the whole training."""
    told = json.loads((adapter.path / LOG).read_bytes())
    return int(told["step"]), int(told["steps"])


def refuse_collapsed(metrics: Sequence[Metric], step: int, floor: float) -> None:
    """Raise GateBroken when a metric lies below the floor: training on would waste the night."""
    collapsed = worst([one for one in metrics if one.ratio < floor])
    if collapsed:
        raise GateBroken(
            f"training stopped at step {step}, below the floor of {floor} x baseline: {collapsed.sentence()}"
        )


def _none_passes(failed: Metric | None, step: int) -> GateBroken:
    why = failed.sentence() if failed else "every checkpoint lies before probe.wins_from"
    return GateBroken(f"no checkpoint passes the probe; the last, at step {step}: {why}")
