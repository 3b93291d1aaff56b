"""The plan of a recipe: all checks, the cheapest first, and numbers of the build."""

from collections.abc import Callable, Iterator
from math import ceil
from pathlib import Path
from typing import NamedTuple

from flows.plan import bands, chains, names, shares, wording
from flows.plan.capacity import control_prompts, overdrawn, thin_control
from flows.plan.cost import Cost, cost, too_much
from flows.plan.fault import Fault
from flows.plan.supply import Supply, read
from flows.plan.tokens import counter
from flows.plan.window import Lengths, conversation, lengths, too_long
from flows.recipes.corpus import Recipe
from flows.recipes.models import teachers
from tasks.inference.engine import Message, TeacherSpec
from tasks.prompts.plan import Planned, apportion, capacity
from tasks.prompts.plan import plan as rows_of

Check = Callable[[Recipe], Iterator[Fault]]

OF_SETTINGS: tuple[Check, ...] = (
    shares.families_there,
    shares.same_names,
    shares.family_shares,
    shares.quota_names,
    shares.quota_shares,
    shares.general_rows,
    shares.checked_rows,
    shares.enough_rows,
    shares.wanted_rows,
    bands.bands,
    bands.think_bands,
    bands.reachable_thoughts,
    bands.windows,
    bands.training_window,
    bands.training_batch,
    names.problem_names,
    names.categories,
    names.unused,
    names.places_there,
    names.models_there,
    names.embeddings,
    names.rubrics,
    names.engine_and_address,
    names.unused_names,
    names.one_chosen,
    names.repeated_teachers,
    names.neighbours,
    names.surprised_teachers,
    chains.readable,
    chains.drawn_from,
    wording.forms,
    wording.ignored_forms,
    wording.templates,
)
"""Checks that need only the settings; together they take milliseconds."""
SAMPLES = 10
"""Prompts that a plan shows."""
DRAWN = 2000
"""Rows of the plan that are rendered, at most: enough for the samples and the token counts."""


class Sample(NamedTuple):
    """A prompt as it would be sent to the teacher."""

    family: str
    tokens: int
    messages: tuple[Message, ...]


class Outlook(NamedTuple):
    """What is known about a build before anything is embedded or asked.

    supply, lengths and cost are None if the settings have faults, because nothing was read then.
    """

    faults: tuple[Fault, ...]
    supply: Supply | None = None
    lengths: Lengths | None = None
    samples: tuple[Sample, ...] = ()
    cost: Cost | None = None

    @property
    def refused(self) -> bool:
        """Whether a build of the recipe is refused."""
        return any(fault.stops for fault in self.faults)


def of_settings(recipe: Recipe) -> list[Fault]:
    """Return all faults that the settings show without reading sources."""
    return [fault for check in OF_SETTINGS for fault in check(recipe)]


def outlook(recipe: Recipe, root: Path) -> Outlook:
    """Return the plan of a build. It takes seconds; nothing is written, embedded or asked."""
    faults = of_settings(recipe)
    if any(fault.stops for fault in faults):
        return Outlook(tuple(faults))
    found = read(recipe, root)
    faults += found.faults
    return _with_supply(recipe, found.supply, faults, root)


def of_supply(recipe: Recipe, supply: Supply) -> list[Fault]:
    """Return all faults that show after documents and questions are read."""
    return _seen(recipe, supply, _planned(recipe, supply))[0]


def _seen(recipe: Recipe, supply: Supply, planned: list[Planned]) -> tuple[list[Fault], Lengths]:
    """Return the faults of the supply, and the lengths for the teacher that fits fewest prompts."""
    faults = [
        *overdrawn(recipe, supply),
        *chains.too_few(recipe, supply),
        *thin_control(recipe, supply),
    ]
    measured = [(one, _lengths(recipe, planned, one.model)) for one in teachers(recipe)]
    for teacher, found in measured:
        faults += too_long(teacher, found)
    return faults, max((found for _, found in measured), key=lambda found: found.share)


def _with_supply(recipe: Recipe, supply: Supply, faults: list[Fault], root: Path) -> Outlook:
    planned = _planned(recipe, supply)
    seen, found = _seen(recipe, supply, planned)
    costs = cost(recipe, supply, root, control=control_prompts(recipe.prompts, supply))
    all_faults = (*faults, *seen, *too_much(recipe, costs))
    return Outlook(all_faults, supply, found, _samples(recipe, planned), costs)


def _planned(recipe: Recipe, supply: Supply) -> list[Planned]:
    """Return the rows of the plan; a family without enough prompts gives those that it has.

    A large plan is cut to about DRAWN rows. The rows are random, so the shares stay the same.
    """
    spec = recipe.prompts
    part = min(1.0, DRAWN / spec.rows)
    drawn = [
        family.model_copy(update={"share": float(rows)})
        for family, count in zip(spec.families, apportion(spec.rows, spec.families), strict=True)
        if (rows := min(ceil(count * part), capacity(family, supply.passages, supply.questions)))
    ]
    if not drawn:
        return []
    rows = round(sum(family.share for family in drawn))
    able = spec.model_copy(update={"families": tuple(drawn), "rows": rows, "saturation": 1.0})
    return list(rows_of(able, supply.passages, supply.questions))


def _lengths(recipe: Recipe, planned: list[Planned], teacher: TeacherSpec) -> Lengths:
    return lengths(planned, teacher, counter(teacher), of=max(len(planned), recipe.prompts.rows))


def _samples(recipe: Recipe, planned: list[Planned]) -> tuple[Sample, ...]:
    """Return SAMPLES prompts, one of each family in turn, in the random order of the plan."""
    teacher = teachers(recipe)[0].model
    count = counter(teacher).count
    by_family: dict[str, list[Planned]] = {}
    for one in planned:
        if not one.control:
            by_family.setdefault(one.producer.family, []).append(one)
    turns = [
        several[turn]
        for turn in range(SAMPLES)
        for several in by_family.values()
        if turn < len(several)
    ]
    asked = [(one.producer.family, conversation(one, teacher)) for one in turns[:SAMPLES]]
    return tuple(Sample(family, count(sent), tuple(sent)) for family, sent in asked)
