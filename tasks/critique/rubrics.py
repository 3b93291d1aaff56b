"""The rubric with which a judge is asked: a Jinja template with a row in it."""

import functools
from pathlib import Path

from jinja2 import StrictUndefined, Template, TemplateError
from jinja2.sandbox import ImmutableSandboxedEnvironment

from tasks.errors import BadRecipe
from tasks.verdicts.case import Case

RUBRICS = Path(__file__).parent


def rubric(case: Case, name: str) -> str:
    """Return the rubric with the row in it. The row is data: `<` and `&` are escaped, so it can
    close no tag and form no control token.
    """
    try:
        return (
            _compiled(name)
            .render(
                question=_as_data(case.prompt),
                think=_as_data(case.think),
                answer=_as_data(case.answer),
            )
            .strip()
        )
    except TemplateError as exc:
        raise BadRecipe(
            f"rubric {name!r}: {exc}; a rubric may use question, think and answer"
        ) from exc


def rubric_text(name: str) -> str:
    """Return a rubric's source: a built-in one by name, or a .jinja file by path."""
    path = Path(name) if name.endswith(".jinja") else RUBRICS / f"{name}.jinja"
    if not path.is_file():
        raise BadRecipe(f"rubric {name!r} is not there (looked for {path.absolute()})")
    return path.read_text(encoding="utf-8")


def _as_data(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;")


def built_in() -> list[str]:
    """Return the names of the rubrics that ship."""
    return sorted(path.stem for path in RUBRICS.glob("rubric*.jinja"))


@functools.cache
def _compiled(name: str) -> Template:
    environment = ImmutableSandboxedEnvironment(undefined=StrictUndefined, autoescape=False)
    try:
        return environment.from_string(rubric_text(name))
    except TemplateError as exc:
        raise BadRecipe(f"rubric {name!r} does not parse: {exc}") from exc
