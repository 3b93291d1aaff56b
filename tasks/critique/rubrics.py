"""The rubric with which a judge is asked: a Jinja template with a row in it."""

from pathlib import Path

from jinja2 import TemplateError

from tasks.errors import BadRecipe
from tasks.templates import as_data, compiled
from tasks.verdicts.case import Case

RUBRICS = Path(__file__).parent


def rubric(case: Case, name: str) -> str:
    """Return the rubric with the row in it. The row is data: `<` and `&` are escaped, so it can
    close no tag and form no control token.
    """
    try:
        return (
            compiled(rubric_text(name), f"rubric {name!r}")
            .render(
                question=as_data(case.prompt),
                think=as_data(case.think),
                answer=as_data(case.answer),
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


def built_in() -> list[str]:
    """Return the names of the rubrics that ship."""
    return sorted(path.stem for path in RUBRICS.glob("rubric*.jinja"))
