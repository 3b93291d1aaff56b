"""Faults of families that need more prompts than their passages and questions give."""

import math
from collections.abc import Iterator

from flows.plan.fault import Fault
from flows.plan.supply import Supply
from flows.recipes.corpus import Recipe
from tasks.audit.power import fewest_stamped
from tasks.prompts.family import Family, PromptSpec
from tasks.prompts.plan import apportion, capacity, control_rows


def overdrawn(recipe: Recipe, supply: Supply) -> Iterator[Fault]:
    """Yield a fault for every family, also of the probe, that would have to repeat prompts."""
    yield from _of_plan("prompts", recipe.prompts, supply)
    asked = supply._replace(questions=supply.probe_questions)
    yield from _of_plan("probe.prompts", recipe.probe.prompts, asked)


def thin_control(recipe: Recipe, supply: Supply) -> Iterator[Fault]:
    """Yield a warning if there are too few control prompts to find leaks."""
    spec = recipe.prompts
    found, wanted = control_prompts(spec, supply), control_rows(spec)
    if found < wanted:
        yield Fault(
            "prompts.control",
            f"only {found:,} of {wanted:,} control prompts are possible: the families use nearly "
            "all prompts that the sources can give. The audit then finds fewer leaks",
            stops=False,
        )
    fewest = fewest_stamped(spec.rows, found)
    if spec.control and fewest > spec.rows:
        yield Fault(
            "prompts.control",
            f"{found:,} control prompts are too few to compare {spec.rows:,} rows with: they "
            f"would show only leaks in {fewest:,} or more rows. {_larger(spec.rows)}Words that "
            "recur in ten rows are found without them",
            stops=False,
        )


def _larger(rows: int) -> str:
    """Return the advice with the smallest share of control prompts that can show a leak."""
    enough = next((count for count in range(1, rows) if fewest_stamped(rows, count) <= rows), 0)
    share = math.ceil(1000 * enough / rows) / 1000
    return f"Set prompts.control to {share:g} or more. " if enough else ""


def control_prompts(spec: PromptSpec, supply: Supply) -> int:
    """Return the number of control prompts that the families leave room for.

    A family whose sources were not read counts with all its control prompts.
    """
    wanted = apportion(control_rows(spec), spec.families)
    counts = apportion(spec.rows, spec.families)
    found = 0
    for family, bare, rows in zip(spec.families, wanted, counts, strict=True):
        room = capacity(family, supply.passages, supply.questions)
        read = family.ground != "chain" and supply.whole(family.categories, _kind(family))
        found += min(bare, max(0, room - rows)) if read else bare
    return found


def _of_plan(where: str, spec: PromptSpec, supply: Supply) -> Iterator[Fault]:
    kind = "probe.questions" if where == "probe.prompts" else ""
    counts = apportion(spec.rows, spec.families)
    for number, (family, asked) in enumerate(zip(spec.families, counts, strict=True)):
        if family.ground == "chain" or not supply.whole(family.categories, kind or _kind(family)):
            continue
        room = capacity(family, supply.passages, supply.questions)
        if asked > spec.saturation * room:
            yield Fault(
                f"{where}.families.{number}", _sentence(where, spec, family, asked, room, supply)
            )


def _kind(family: Family) -> str:
    return "documents" if family.ground == "passages" else "questions"


def _sentence(
    where: str, spec: PromptSpec, family: Family, asked: int, room: int, supply: Supply
) -> str:
    allowed = int(spec.saturation * room)
    seen = f"family {family.name!r}: {asked:,} rows asked, {allowed:,} allowed"
    if not room:
        return f"{seen}: there is {_nothing(family, supply)}"
    total = sum(one.share for one in spec.families)
    fitting = int(allowed * total / family.share)
    fewer = f"set {where}.rows to {fitting:,} or less" if fitting else "lower its share"
    more = "give more documents or forms" if family.ground == "passages" else "give more questions"
    return (
        f"{seen} of {room:,} possible ({_made_of(family, room)}; saturation {spec.saturation:g}), "
        f"so the plan would repeat prompts; {fewer}, or {more}, "
        f"or raise {where}.saturation"
    )


def _made_of(family: Family, room: int) -> str:
    if family.ground == "questions":
        return f"{room:,} questions{_named(family)}"
    forms = len(set(family.forms))
    return f"{room // forms:,} passages{_named(family)} x {forms} forms"


def _nothing(family: Family, supply: Supply) -> str:
    if family.ground == "questions":
        return f"no question{_named(family)}"
    if not family.forms:
        return "no form of question"
    return f"no section{_named(family)} in {supply.documents:,} documents"


def _named(family: Family) -> str:
    return f" of {', '.join(family.categories)}" if family.categories else ""
