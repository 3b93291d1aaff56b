"""The flow train-student: from the corpus to an adapter; checkpoints can be probed."""

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
    """A checkpoint. examples: EXAMPLES. adapter: TENSORS. metrics: of its probe, if it has one."""

    examples: Table
    adapter: Table
    metrics: Sequence[Metric] | None = None


class Training(BaseModel):
    """The result of a training.

    rendered: rows of the render check. moved: table of the isolation check. speed: of this run,
    None if the adapter was in the store.
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
    """Train the student of a recipe; build the corpus first if the store lacks it."""
    recipe, root, clock = laid_over(recipe, settings), root.absolute(), Clock()
    with telling(clock), WARM:
        return training(teach(recipe, build(recipe, root, clock), root, clock), clock)


def training(taught: Taught, clock: Clock) -> Training:
    """Return the result of the flow for a trained adapter."""
    adapter = taught.adapter
    log, run = json.loads((adapter.path / LOG).read_bytes()), RUNS.get(adapter.fingerprint)
    return Training(
        stages=clock.lines,
        adapter=str(adapter.path / ADAPTER),
        step=log["step"],
        steps=log["steps"],
        loss=log["log"][-1]["loss"],
        validation_loss=log["validation_loss"],
        curve=str(adapter.path / CURVE),
        rendered=json.loads((taught.examples.path / RENDER_CHECK).read_bytes()),
        moved=cast(Any, modules(adapter.read().to_pylist())),
        speed=cast(Any, speed(run)[0]) if run else None,
    )


def teach(recipe: Recipe, built: Built, root: Path, clock: Clock) -> Taught:
    """Return the earliest checkpoint that passes the probe; the last one without probes.

    Raises GateBroken, with the metric, if a checkpoint falls below the floor or none passes.
    """
    for taught in checkpoints(recipe, built, root, clock):
        if taught.metrics is None:
            return taught
        step, steps = progress(taught.adapter)
        refuse_collapsed(taught.metrics, step, recipe.probe.floor)
        if not worst(taught.metrics) and step >= recipe.probe.wins_from * steps:
            return taught
    raise _none_passes(worst(taught.metrics or ()), step)


def checkpoints(recipe: Recipe, built: Built, root: Path, clock: Clock) -> Iterator[Taught]:
    """Yield the checkpoints of the training; each one continues from the checkpoint before.

    Without `train.probe_every` there is one checkpoint, at the end.
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
        metrics = _metrics(recipe, built, adapter, root, clock) if spec.probe_every else None
        yield Taught(encoded, adapter, metrics)


def _metrics(
    recipe: Recipe, built: Built, adapter: Table, root: Path, clock: Clock
) -> list[Metric]:
    """Return the metrics of a checkpoint's probe."""
    rows = recipe.probe.checkpoint_rows
    return metrics_of(probe(recipe, built, adapter_of(adapter), root, clock, rows=rows).weighed)


def progress(adapter: Table) -> tuple[int, int]:
    """Return (step of a checkpoint, steps of the whole training)."""
    log = json.loads((adapter.path / LOG).read_bytes())
    return int(log["step"]), int(log["steps"])


def refuse_collapsed(metrics: Sequence[Metric], step: int, floor: float) -> None:
    """Raise GateBroken if a metric is below the floor; more training would be wasted."""
    collapsed = worst([one for one in metrics if one.ratio < floor])
    if collapsed:
        raise GateBroken(
            f"training stopped at step {step}, below the floor of {floor} x baseline: "
            f"{collapsed.sentence()}"
        )


def _none_passes(failed: Metric | None, step: int) -> GateBroken:
    why = failed.sentence() if failed else "every checkpoint lies before probe.wins_from"
    return GateBroken(f"no checkpoint passes the probe; the last, at step {step}: {why}")
