"""The measuring flow: how fast each candidate teacher is here, what the corpus would take and cost,
and which teacher fits.
"""

import json
from pathlib import Path

from prefect import flow
from pydantic import BaseModel

from flows.build_corpus import summary_file, write
from flows.clock import Clock
from flows.recipes.corpus import Recipe
from flows.recipes.load import Overlay, Root, laid_over
from flows.recipes.models import named
from tasks.corpus.task import teachers_digest
from tasks.errors import MillError
from tasks.inference.engine import NamedModel
from tasks.inference.memory import memory_share, tightest
from tasks.inference.warm import WARM
from tasks.measure.budget import Outcome, choose, judged, needed, project, unaffordable
from tasks.measure.levels import PLOT, levels_of
from tasks.measure.machine import unfit
from tasks.measure.shape import shape_of
from tasks.measure.task import choose_teacher, measure_throughput
from tasks.store import Table, find, tables
from tasks.traces.task import traces_key


class Measured(BaseModel):
    """What became of every candidate, in order of preference, and the one that is chosen; None when
    none fits. budget_hours: 0 for none.
    """

    outcomes: list[Outcome]
    chosen: str | None
    budget_hours: float
    currency: str


@flow(name="measure-teacher")
def measure_teacher(
    recipe: Recipe, root: Root = Path("mill"), again: bool = False, settings: Overlay = ()
) -> Measured:
    """Measure the recipe's candidate teachers until one fits its budget; one that cannot be
    measured is told of, not raised.

    again: on this machine too, where it was measured before.
    """
    recipe, root = laid_over(recipe, settings), root.absolute()
    prompts = write(recipe, root, Clock()).prompts
    with WARM:
        outcomes = choose(
            candidates(recipe),
            lambda one: weighed(recipe, one, prompts, root, again=again),
        )
    fits = choose_teacher(outcomes)
    return Measured(
        outcomes=outcomes,
        chosen=fits.teacher.name if fits else None,
        budget_hours=recipe.measure.budget_hours,
        currency=recipe.measure.currency,
    )


def with_teacher(recipe: Recipe, root: Path) -> Recipe:
    """Return the recipe with the first candidate that fits as its teacher; as it is when it names
    neither candidates nor a budget.

    A candidate whose traces are finished has no hours left to spend, so it fits: a factory that is
    run again stays with its teacher, whatever the yield has turned out to be. Raises GateBroken
    when none fits.
    """
    if not recipe.measure.candidates and not recipe.measure.budget_hours:
        return recipe
    prompts = write(recipe, root, Clock()).prompts

    def weigh(teacher: NamedModel) -> Outcome:
        asked = taught_by(recipe, teacher.name).traces
        if find(root, traces_key(prompts, asked, (teacher,))):
            return Outcome(teacher, True, "its traces are finished")
        return weighed(recipe, teacher, prompts, root)

    outcomes = choose(candidates(recipe), weigh)
    fits = choose_teacher(outcomes)
    if fits is None:
        raise unaffordable(outcomes, recipe.measure.budget_hours)
    return taught_by(recipe, fits.teacher.name)


def candidates(recipe: Recipe) -> tuple[NamedModel, ...]:
    """Return the recipe's candidate teachers in order of preference."""
    return tuple(named(recipe, name) for name in recipe.measure.candidates or recipe.traces.models)


def taught_by(recipe: Recipe, name: str) -> Recipe:
    """Return the recipe with this model as its only teacher: another corpus."""
    traces = recipe.traces.model_copy(update={"models": (name,)})
    return recipe.model_copy(update={"traces": traces})


def weighed(
    recipe: Recipe, candidate: NamedModel, prompts: Table, root: Path, *, again: bool = False
) -> Outcome:
    """Return what becomes of a candidate; one whose weights do not fit is not started."""
    _, teacher, placement = candidate
    device = tightest()
    why = unfit(
        teacher,
        shape_of(teacher),
        placement,
        device,
        memory_share(device.memory, placement.memory_share),
    )
    if why:
        return Outcome(candidate, False, why)
    asked = (prompts, teacher, placement, recipe.measure, recipe.traces.samples)
    try:
        return projected(
            recipe,
            candidate,
            measure_throughput(*asked, root, again, return_state=True).result(),
            root,
        )
    except MillError as exc:
        return Outcome(candidate, False, f"not measured: {exc}")


def projected(recipe: Recipe, teacher: NamedModel, table: Table, root: Path) -> Outcome:
    """Return what MEASUREMENTS mean for the recipe's corpus, asked as its placement asks: with the
    highest level in flight.
    """
    last, levels = table.read().to_pylist()[-1], levels_of(table.read())
    observed, origin = observed_yield(root, recipe.name, teacher)
    need = needed(
        recipe.measure,
        prompts=recipe.prompts.rows,
        control=recipe.prompts.control,
        samples=recipe.traces.samples,
        observed=observed,
    )
    speed = last["tokens_per_second"]
    projection = project(
        need, recipe.measure, tokens_per_trace=last["completion_tokens"], tokens_per_second=speed
    )
    fits, says = judged(projection, speed, recipe.measure.budget_hours)
    return Outcome(
        teacher,
        fits,
        says,
        levels=levels,
        projection=projection,
        hardware=last["hardware"],
        bandwidth=last["bandwidth"],
        yield_=need.yield_,
        yield_of=origin,
        plot=str(table.path / PLOT),
    )


def observed_yield(root: Path, name: str, teacher: NamedModel) -> tuple[float | None, str]:
    """Return the rows a prompt of the recipe's latest build by the same teacher, and where that
    stands; None when there is none.
    """
    for one in reversed(tables(root, "corpus")):
        told = summary_file(root, one.table.fingerprint)
        due = (name, teachers_digest({teacher.name: teacher.model.model}))
        if (one.inputs.get("name"), one.inputs.get("teachers")) == due and told.is_file():
            observed = json.loads(told.read_bytes())["yield"] or None
            return observed, f"observed in corpus {one.table.fingerprint}"
    return None, "assumed"
