"""The cost of a build: requests, hours at the measured speed, disk."""

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from flows.plan.chains import ChainCost, costs_of
from flows.plan.fault import Fault
from flows.plan.supply import Supply
from flows.recipes.corpus import Recipe
from flows.recipes.models import teachers
from tasks.inference.models import identity
from tasks.measure.budget import duration
from tasks.prompts.plan import control_rows
from tasks.store import tables

VECTOR_BYTES = 384 * 4 * 2
"""Bytes of an embedded passage: its vector, and as much again for the search graph."""
TEXT_COPIES = 4
"""Copies of an answer on disk: journal, traces (raw and parsed), corpus."""
BYTES_PER_TOKEN = 4


class Speed(NamedTuple):
    """The measured speed of a teacher. per_trace: completion tokens per answer."""

    tokens_per_second: float
    per_trace: float
    hardware: str


class Cost(NamedTuple):
    """The cost of a recipe's traces.

    control: control prompts. disk, free: bytes. speed, hours: None without a measurement; hours
    hold the chains' calls too. chains: name → upper bounds.
    """

    prompts: int
    control: int
    requests: int
    disk: int
    free: int
    speed: Speed | None
    hours: float | None
    chains: Mapping[str, ChainCost]


def cost(recipe: Recipe, supply: Supply, root: Path, *, control: int) -> Cost:
    """Return the cost of a build. control: number of control prompts."""
    speed = measured(recipe, root)
    prompts = recipe.prompts.rows
    models = teachers(recipe)
    requests = (prompts + control) * recipe.traces.samples * len(models)
    per_trace = speed.per_trace if speed else max(one.model.max_tokens for one in models)
    texts = 2 * sum(len(one.text) for one in supply.passages)
    answers = requests * per_trace * BYTES_PER_TOKEN * TEXT_COPIES
    chains = costs_of(recipe, supply)
    tokens = requests * speed.per_trace if speed else 0
    tokens += sum(one.tokens for one in chains.values())
    hours = tokens / speed.tokens_per_second / 3600 if speed else None
    return Cost(
        prompts,
        control,
        requests,
        round(texts + len(supply.passages) * VECTOR_BYTES + answers),
        _free(root),
        speed,
        hours,
        chains,
    )


def measured(recipe: Recipe, root: Path) -> Speed | None:
    """Return the latest measured speed of the teacher, at the highest level of concurrency.

    None without a measurement in the store, and for several teachers, whose speeds differ.
    """
    first, *more = teachers(recipe)
    if more:
        return None
    teacher = first.model
    wanted = identity(teacher.model, teacher.revision)
    found = [one for one in tables(root, "measurements") if one.inputs.get("model") == wanted]
    if not found:
        return None
    last = found[-1].table.read().to_pylist()[-1]
    return Speed(last["tokens_per_second"], last["completion_tokens"], last["hardware"])


def too_much(recipe: Recipe, found: Cost) -> list[Fault]:
    """Return warnings for a build that exceeds the budget of hours or the free disk space."""
    faults = []
    budget = recipe.measure.budget_hours
    if budget and found.hours is not None and found.hours > budget:
        faults.append(
            Fault(
                "measure.budget_hours",
                f"the traces take {duration(found.hours)} at the measured speed, more than the "
                f"budget of {duration(budget)}; reduce prompts or samples",
                stops=False,
            )
        )
    if found.disk > found.free:
        faults.append(
            Fault(
                "prompts.rows",
                f"the build may write {found.disk / 2**30:,.1f} GiB, and {found.free / 2**30:,.1f} "
                "GiB are free; free some, or name another folder with --root",
                stops=False,
            )
        )
    return faults


def expected_control(recipe: Recipe) -> int:
    """Return the number of control prompts in the recipe."""
    return control_rows(recipe.prompts)


def _free(root: Path) -> int:
    there = next(path for path in (root.absolute(), *root.absolute().parents) if path.is_dir())
    return shutil.disk_usage(there).free
