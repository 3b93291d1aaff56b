"""Families that are asked for more prompts than their sections and questions give."""

import math
from collections.abc import Iterator

from flows.plan.fault import Fault
from flows.plan.supply import Supply
from flows.recipes.corpus import Recipe
from tasks.audit.power import fewest_stamped
from tasks.prompts.plan import Family, PromptSpec, apportion, capacity, control_rows


def overdrawn(recipe: Recipe, supply: Supply) -> Iterator[Fault]:
    """Yield a fault for every family, the probe's too, that would have to repeat itself."""
    yield from _of_plan("prompts", recipe.prompts, supply)
    asked = supply._replace(questions=supply.probe_questions)
    yield from _of_plan("probe.prompts", recipe.probe.prompts, asked)


def thin_control(recipe: Recipe, supply: Supply) -> Iterator[Fault]:
    """Yield a warning when the quotas leave fewer prompts than the control arm wants."""
    spec = recipe.prompts
    found, wanted = control_prompts(spec, supply), control_rows(spec)
    if found < wanted:
        yield Fault(
            "prompts.control",
            f"the control arm gets {found:,} of its {wanted:,} prompts: the families ask nearly all "
            "that the sources can give. The audit then finds fewer leaks",
            stops=False,
        )
    fewest = fewest_stamped(spec.rows, found)
    if spec.control and fewest > spec.rows:
        yield Fault(
            "prompts.control",
            f"a control arm of {found:,} prompts is too small to compare {spec.rows:,} rows with: "
            f"it would show a leak from {fewest:,} rows on. {_larger(spec.rows)}Words that recur "
            "in ten rows are found without it",
            stops=False,
        )


def _larger(rows: int) -> str:
    """Return the advice that names the smallest control arm with which a leak can be shown."""
    enough = next((count for count in range(1, rows) if fewest_stamped(rows, count) <= rows), 0)
    share = math.ceil(1000 * enough / rows) / 1000
    return f"Set prompts.control to {share:g} or more. " if enough else ""


def control_prompts(spec: PromptSpec, supply: Supply) -> int:
    """Return the prompts that the quotas leave for the control arm; a family that was not read
    gives all it should.
    """
    wanted = apportion(control_rows(spec), spec.families)
    counts = apportion(spec.rows, spec.families)
    found = 0
    for family, bare, asked in zip(spec.families, wanted, counts, strict=True):
        room = capacity(family, supply.passages, supply.questions)
        read = supply.whole(family.categories, _kind(family))
        found += min(bare, max(0, room - asked)) if read else bare
    return found


def _of_plan(where: str, spec: PromptSpec, supply: Supply) -> Iterator[Fault]:
    kind = "probe.questions" if where == "probe.prompts" else ""
    counts = apportion(spec.rows, spec.families)
    for number, (family, asked) in enumerate(zip(spec.families, counts, strict=True)):
        if not supply.whole(family.categories, kind or _kind(family)):
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
        f"so the plan would repeat itself; {fewer}, or {more}, "
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
