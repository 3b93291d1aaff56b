"""The prompt of an `ask`: a template that gets the values which the step sees, and no others."""

from collections.abc import Mapping
from pathlib import Path
from types import SimpleNamespace

from jinja2 import TemplateError

from tasks.chains.chain import Ask
from tasks.chains.item import Item
from tasks.chains.world import World
from tasks.errors import BadRecipe, unknown_name
from tasks.templates import compiled

TEMPLATES = Path(__file__).parent / "templates"
PASSAGE = "passage"
"""The first root passage, as a template names it."""
PASSAGES = "passages"
"""All root passages, as a template names them."""
PASSAGE_FIELDS = ("text", "heading", "section", "title")
"""What a template may use of a passage."""


def prompt_text(item: Item, step: Ask, world: World) -> str:
    """Return the prompt for an item, "" if the template has no form for it. The values are
    inserted as data and never run as template code. Raises BadRecipe.
    """
    named = f"prompt {step.ask!r} of step {step.name!r}"
    try:
        text = compiled(template_text(step.ask), named).render(_seen(item, step, world))
    except TemplateError as exc:
        raise BadRecipe(f"{named}: {exc}; it may use {', '.join(step.sees)}") from exc
    # The line break at the end of a raw prompt is a part of the chat template's header.
    return text if step.raw and text.strip() else text.strip()


def template_text(name: str) -> str:
    """Return the source of a prompt: a built-in one by name, or a .jinja file by path."""
    path = Path(name) if name.endswith(".jinja") else TEMPLATES / f"{name}.jinja"
    if path.is_file():
        return path.read_text(encoding="utf-8")
    if name.endswith(".jinja"):
        raise BadRecipe(f"prompt {name!r} does not exist (looked for {path.absolute()})")
    raise unknown_name("prompt", name, (found.stem for found in TEMPLATES.glob("*.jinja")))


def _seen(item: Item, step: Ask, world: World) -> Mapping[str, object]:
    """Return the values that a step sees: name → its fields, and a list for all passages."""
    found: dict[str, dict[str, str]] = {}
    several: list[dict[str, str]] = [{} for _ in item.passage_ids]
    for path in step.sees:
        name, _, field = path.partition(".")
        if name == PASSAGES:
            for own, row in zip(several, world.roots(item), strict=True):
                own[field] = row[field]
        elif name == PASSAGE:
            found.setdefault(name, {})[field] = world.roots(item)[0][field]
        else:
            found.setdefault(name, {})[field] = item.text(path)
    # As attributes, because a dict has attributes of its own, such as "clear" and "items".
    named = {name: SimpleNamespace(**fields) for name, fields in found.items()}
    return {**named, PASSAGES: [SimpleNamespace(**own) for own in several]}
