"""The flow measure-teacher: speed of each candidate, hours and cost of the corpus, the choice."""

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
    """The outcomes of all candidates, in order of preference, and the choice.

    chosen: name of the first candidate that fits; None if none fits. budget_hours: 0 for no budget.
    """

    outcomes: list[Outcome]
    chosen: str | None
    budget_hours: float
    currency: str


@flow(name="measure-teacher")
def measure_teacher(
    recipe: Recipe, root: Root = Path("mill"), again: bool = False, settings: Overlay = ()
) -> Measured:
    """Measure the candidate teachers of a recipe until one fits the budget of hours.

    A candidate that cannot be measured raises nothing; its outcome says why. again: also repeat
    measurements that this machine has already.
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
    """Return the recipe with the first candidate that fits as its teacher.

    A recipe without candidates and budget is returned unchanged. A candidate with finished traces
    fits, because it needs no more hours; so a repeated run keeps its teacher, even if the yield has
    changed. Raises GateBroken if no candidate fits.
    """
    if not recipe.measure.candidates and not recipe.measure.budget_hours:
        return recipe
    prompts = write(recipe, root, Clock()).prompts

    def weigh(teacher: NamedModel) -> Outcome:
        spec = with_only(recipe, teacher.name).traces
        if find(root, traces_key(prompts, spec, (teacher,))):
            return Outcome(teacher, True, "its traces are finished")
        return weighed(recipe, teacher, prompts, root)

    outcomes = choose(candidates(recipe), weigh)
    fits = choose_teacher(outcomes)
    if fits is None:
        raise unaffordable(outcomes, recipe.measure.budget_hours)
    return with_only(recipe, fits.teacher.name)


def candidates(recipe: Recipe) -> tuple[NamedModel, ...]:
    """Return the candidate teachers of a recipe, in order of preference."""
    return tuple(named(recipe, name) for name in recipe.measure.candidates or recipe.traces.models)


def with_only(recipe: Recipe, name: str) -> Recipe:
    """Return the recipe with one model as its only teacher, which makes another corpus."""
    traces = recipe.traces.model_copy(update={"models": (name,)})
    return recipe.model_copy(update={"traces": traces})


def weighed(
    recipe: Recipe, candidate: NamedModel, prompts: Table, root: Path, *, again: bool = False
) -> Outcome:
    """Return the outcome of a candidate. If its weights do not fit in memory, it is not started."""
    _, teacher, placement = candidate
    device = tightest()
    share = memory_share(device.memory, placement.memory_share)
    why = unfit(teacher, shape_of(teacher), placement, device, share)
    if why:
        return Outcome(candidate, False, why)
    work = (prompts, teacher, placement, recipe.measure, recipe.traces.samples)
    try:
        table = measure_throughput(*work, root, again, return_state=True).result()
        return projected(recipe, candidate, table, root)
    except MillError as exc:
        return Outcome(candidate, False, f"not measured: {exc}")


def projected(recipe: Recipe, teacher: NamedModel, table: Table, root: Path) -> Outcome:
    """Return the outcome of a measured candidate: hours and cost of the corpus, and if they fit.

    table: MEASUREMENTS. The speed is that of its highest level of concurrency, which is the
    placement's.
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
    """Return the yield (rows per prompt) of the latest build with the same teacher, and its origin.

    The yield is None if there is no such build.
    """
    for one in reversed(tables(root, "corpus")):
        summary = summary_file(root, one.table.fingerprint)
        wanted = (name, teachers_digest({teacher.name: teacher.model.model}))
        found = (one.inputs.get("name"), one.inputs.get("teachers"))
        if found == wanted and summary.is_file():
            observed = json.loads(summary.read_bytes())["yield"] or None
            return observed, f"observed in corpus {one.table.fingerprint}"
    return None, "assumed"
