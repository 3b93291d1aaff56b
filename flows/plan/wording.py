"""Faults of question forms and templates: unknown fields, and templates that hide the question."""

import re
from collections.abc import Iterator

from jinja2 import TemplateError

from flows.plan.fault import Fault, did_you_mean
from flows.plan.shares import planned
from flows.recipes.corpus import Recipe
from tasks.errors import MillError
from tasks.prompts.family import SECTION, TOPIC, Family
from tasks.prompts.plan import PassageView, Visible
from tasks.prompts.render import render, template_text
from tasks.templates import fields

SLOT = re.compile(r"(?<![\\}^_{\w])\{\s*([A-Za-z][A-Za-z_]+)\s*\}(?!\})")
"""A field in a form. Braces of formulas are not fields: they follow a command, a brace, ^ or _."""
FIELDS = ("question", "passages")
SHOWN = (
    PassageView("Section 1", "Fees", "The fee is 40 credits."),
    PassageView("Section 2", "", "A reply is due in 3 days."),
)
"""Passages to test a template with: one with a heading, one without."""


def forms(recipe: Recipe) -> Iterator[Fault]:
    """Yield a fault for every unknown field of a question form."""
    for where, spec in planned(recipe):
        for number, family in enumerate(spec.families):
            if family.ground == "passages":
                yield from _of_forms(f"{where}.families.{number}.forms", family)


def ignored_forms(recipe: Recipe) -> Iterator[Fault]:
    """Yield a warning for forms of a family that asks ready questions; they are not used."""
    for where, spec in planned(recipe):
        for number, family in enumerate(spec.families):
            if family.ground != "passages" and "forms" in family.model_fields_set:
                yield Fault(
                    f"{where}.families.{number}.forms",
                    f"family {family.name!r} asks written questions; its forms are not used",
                    stops=False,
                )


def templates(recipe: Recipe) -> Iterator[Fault]:
    """Yield a fault for a template that is missing, cannot be rendered, or hides the question."""
    for where, spec in planned(recipe):
        for number, family in enumerate(spec.families):
            yield from _of_template(f"{where}.families.{number}.template", family)


def _of_forms(where: str, family: Family) -> Iterator[Fault]:
    for number, form in enumerate(family.forms):
        place = f"{where}.{number}"
        if "{{" in form:
            yield Fault(place, f"the form {form!r} has two braces; write {TOPIC} with one")
        for name in SLOT.findall(form):
            if f"{{{name}}}" not in (TOPIC, SECTION):
                yield Fault(
                    place,
                    f"unknown field {{{name}}}{did_you_mean(name, ['topic', 'section'])}; "
                    f"a form has the fields {TOPIC}, the heading of the passage, and {SECTION}",
                )
    if len(set(family.forms)) < len(family.forms):
        yield Fault(
            where, f"family {family.name!r} has the same form twice; it adds no prompt", stops=False
        )


def _of_template(where: str, family: Family) -> Iterator[Fault]:
    try:
        used = fields(template_text(family.template))
        if unfilled := sorted(used - set(FIELDS)):
            yield Fault(where, _unfilled(family.template, unfilled))
            return
        for shown in ((),) if family.ground == "questions" else (SHOWN[:1], SHOWN):
            render(Visible("What is the fee?", shown), family.template)
    except TemplateError as exc:
        yield Fault(where, f"template {family.template!r} does not parse: {exc}")
        return
    except MillError as exc:
        yield Fault(where, str(exc))
        return
    if "question" not in used:
        yield Fault(where, f"template {family.template!r} does not show the question")
    if family.ground == "passages" and "passages" not in used:
        yield Fault(
            where,
            f"template {family.template!r} shows no passages, but family {family.name!r} asks "
            "about them; use closed_qa or a template of your own that shows passages",
            stops=False,
        )


def _unfilled(template: str, names: list[str]) -> str:
    near = did_you_mean(names[0], FIELDS)
    return (
        f"template {template!r} uses {', '.join(names)}, which nothing fills{near}; "
        "it may use question and passages (each with section, heading, text)"
    )
