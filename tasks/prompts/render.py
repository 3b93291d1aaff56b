"""Messages from the visible side of a plan. This module cannot reach any other part of the plan."""

from pathlib import Path

from jinja2 import TemplateError

from tasks.errors import BadRecipe, unknown_name
from tasks.prompts.plan import Visible
from tasks.templates import compiled

TEMPLATES = Path(__file__).parent / "templates"


def render(visible: Visible, template: str) -> list[dict[str, str]]:
    """Return the prompt as one user message. Passages and question are inserted as values and are
    never interpreted as template text. Raises BadRecipe.
    """
    try:
        text = compiled(template_text(template), f"template {template!r}").render(
            question=visible.question, passages=visible.passages
        )
    except TemplateError as exc:
        raise BadRecipe(
            f"template {template!r}: {exc}; "
            "a template may use question and passages (section, heading, text)"
        ) from exc
    return [{"role": "user", "content": text.strip()}]


def template_text(template: str) -> str:
    """Return the source of a template: a built-in one by name, or a .jinja file by path."""
    path = Path(template) if template.endswith(".jinja") else TEMPLATES / f"{template}.jinja"
    if path.is_file():
        return path.read_text(encoding="utf-8")
    if template.endswith(".jinja"):
        raise BadRecipe(f"template {template!r} does not exist (looked for {path.absolute()})")
    raise unknown_name("template", template, (found.stem for found in TEMPLATES.glob("*.jinja")))
