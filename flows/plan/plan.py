"""The plan of a recipe: every check in order of what it costs, then what the build would do."""

from collections.abc import Callable, Iterator
from math import ceil
from pathlib import Path
from typing import NamedTuple

from flows.plan import bands, names, shares, wording
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
    shares.families_there, shares.same_names, shares.family_shares, shares.quota_names,
    shares.quota_shares, shares.general_rows, shares.checked_rows, shares.enough_rows, shares.wanted_rows,
    bands.bands, bands.think_bands, bands.reachable_thoughts, bands.windows,
    bands.training_window, bands.training_batch,
    names.problem_names, names.categories, names.unused, names.places_there, names.models_there, names.embeddings, names.rubrics,
    names.engine_and_address, names.unused_names, names.one_chosen, names.repeated_teachers, names.neighbours, names.surprised_teachers,
    wording.forms, wording.ignored_forms, wording.templates,
)  # fmt: skip
"""What the settings alone tell; together they take milliseconds."""
SAMPLES = 10
DRAWN = 2000
"""Rows of a plan that are rendered at most: enough for the samples and the count of tokens."""


class Sample(NamedTuple):
    """A prompt as the teacher would be sent it."""

    family: str
    tokens: int
    messages: tuple[Message, ...]


class Outlook(NamedTuple):
    """What is known of a build before anything is embedded or asked.

    supply, lengths and cost are None where the settings are at fault, and nothing was read.
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
    """Return every fault that the settings alone tell."""
    return [fault for check in OF_SETTINGS for fault in check(recipe)]


def outlook(recipe: Recipe, root: Path) -> Outlook:
    """Return all that can be known of a build in seconds. Nothing is written, embedded or asked."""
    faults = of_settings(recipe)
    if any(fault.stops for fault in faults):
        return Outlook(tuple(faults))
    found = read(recipe, root)
    faults += found.faults
    return _looked_at(recipe, found.supply, faults, root)


def of_supply(recipe: Recipe, supply: Supply) -> list[Fault]:
    """Return every fault that shows once documents and questions are read."""
    return _seen(recipe, supply, _planned(recipe, supply))[0]


def _seen(recipe: Recipe, supply: Supply, planned: list[Planned]) -> tuple[list[Fault], Lengths]:
    """Return the faults of what was read, and the lengths of the prompts for the teacher whose
    window holds fewest of them.
    """
    faults = [*overdrawn(recipe, supply), *thin_control(recipe, supply)]
    of_each = [(one, _lengths(recipe, planned, one.model)) for one in teachers(recipe)]
    faults += [fault for one, found in of_each for fault in too_long(one, found)]
    return faults, max((found for _, found in of_each), key=lambda found: found.share)


def _looked_at(recipe: Recipe, supply: Supply, faults: list[Fault], root: Path) -> Outlook:
    planned = _planned(recipe, supply)
    seen, found = _seen(recipe, supply, planned)
    takes = cost(recipe, supply, root, control=control_prompts(recipe.prompts, supply))
    told = (*faults, *seen, *too_much(recipe, takes))
    return Outlook(told, supply, found, _samples(recipe, planned), takes)


def _planned(recipe: Recipe, supply: Supply) -> list[Planned]:
    """Return the plan over what was read; an overdrawn family gives what it has.

    Of a large plan only the first rows of each family: they are drawn at random, and their shares
    are the same.
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
    """Return ten prompts: by turns one of every family, in the order of the plan, which is random."""
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
