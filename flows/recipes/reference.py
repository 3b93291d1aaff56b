"""All settings of a recipe, for editors (JSON Schema) and for people (Markdown)."""

import json
import types
import typing
from collections.abc import Iterator
from typing import Any, Literal, NamedTuple

from annotated_types import Ge, Gt, Le, Lt
from pydantic import BaseModel
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from flows.recipes.corpus import Recipe

SIGNS = {Ge: ("≥", "ge"), Gt: (">", "gt"), Le: ("≤", "le"), Lt: ("<", "lt")}
LONGEST_DEFAULT = 60
"""Characters of a default value that are shown."""
PLAIN = {str: "text", int: "whole number", float: "number", bool: "true or false"}


def schema() -> dict[str, Any]:
    """Return the JSON Schema of a recipe; editors use it to complete and check the YAML file."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **Recipe.model_json_schema(),
        "title": "Tracemill recipe",
    }


def reference() -> str:
    """Return all settings of a recipe as Markdown: a section per model, a row per setting."""
    parts = [
        "# Every setting of a recipe",
        "Written by `tracemill recipe reference` from the models that check a recipe. "
        "The title of a section is the place of its settings in the YAML file; `[]` is one item "
        "of a list, `NAME` a name that you choose.",
    ]
    parts += [_section(one) for one in _groups(Group("", Recipe, None))]
    return "\n\n".join(parts) + "\n"


class Group(NamedTuple):
    """A group of settings. where: their path. given: their default values."""

    where: str
    model: type[BaseModel]
    given: BaseModel | None

    def default(self, name: str, field: FieldInfo) -> object:
        """Return the default of a setting; PydanticUndefined if it is required."""
        if self.given is not None:
            return getattr(self.given, name)
        return field.get_default(call_default_factory=True)


def _groups(group: Group) -> Iterator[Group]:
    """Yield every group of settings, in the order of the file."""
    yield group
    for name, field in group.model.model_fields.items():
        item = _item(field.annotation)
        given = group.default(name, field)
        for model in _models_in(field.annotation):
            below = given if isinstance(given, model) else None
            yield from _groups(Group(f"{group.where}.{name}{item}".lstrip("."), model, below))


def _section(group: Group) -> str:
    about = (group.model.__doc__ or "").strip().splitlines()[0]
    title = f"`{group.where}`" if group.where else "The whole recipe"
    rows = [
        "| setting | kind | bounds | default | meaning |",
        "|---|---|---|---|---|",
        *(_row(group, name, field) for name, field in group.model.model_fields.items()),
    ]
    return "\n".join([f"## {title}", "", about, "", *rows])


def _row(group: Group, name: str, field: FieldInfo) -> str:
    cells = (
        f"`{name}`",
        _kind(field.annotation),
        _bounds(field),
        _default(group.default(name, field)),
        field.description or "",
    )
    return "| " + " | ".join(" ".join(cell.replace("|", "\\|").split()) for cell in cells) + " |"


def _kind(annotation: object) -> str:
    """Return the type of a setting's value in plain words."""
    origin, inner = typing.get_origin(annotation), typing.get_args(annotation)
    if origin is typing.Annotated:
        return _kind(inner[0])
    if origin is Literal:
        return " or ".join(f"`{one}`" for one in inner)
    if origin in (typing.Union, types.UnionType):
        return " or ".join("nothing" if one is types.NoneType else _kind(one) for one in inner)
    if origin is dict:
        return f"{_kind(inner[0])} → {_kind(inner[1])}"
    if origin in (tuple, list):
        return f"list of {_kind(inner[0])}"
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return "settings"
    return PLAIN.get(annotation, str(annotation))  # type: ignore[call-overload, no-any-return]


def _bounds(field: FieldInfo) -> str:
    """Return the bounds of a number or the pattern of a text, "" when any value is allowed."""
    found = []
    for rule in field.metadata:
        if type(rule) in SIGNS:
            sign, name = SIGNS[type(rule)]
            found.append(f"{sign} {getattr(rule, name):g}")
        elif pattern := getattr(rule, "pattern", None):
            found.append(f"`{pattern}`")
    return ", ".join(found)


def _default(value: object) -> str:
    """Return a default as in a recipe; "" for nested settings, which have their own defaults."""
    if value is PydanticUndefined:
        return "required"
    if isinstance(value, BaseModel):
        return ""
    if isinstance(value, dict) and any(isinstance(one, BaseModel) for one in value.values()):
        return "built-in: " + ", ".join(value)
    if isinstance(value, tuple) and any(isinstance(one, BaseModel) for one in value):
        return "built-in: " + ", ".join(_titled(one) for one in value)
    text = json.dumps(value, ensure_ascii=False, default=str)
    return f"`{text}`" if len(text) <= LONGEST_DEFAULT else f"`{text[:LONGEST_DEFAULT]}…`"


def _titled(item: BaseModel) -> str:
    """Return the name of an item, which is its first setting."""
    return str(getattr(item, next(iter(type(item).model_fields))))


def _models_in(annotation: object) -> Iterator[type[BaseModel]]:
    """Yield the models in an annotation: the type itself, items of a list, parts of a union."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for one in typing.get_args(annotation):
        yield from _models_in(one)


def _item(annotation: object) -> str:
    """Return the suffix of an item's path: "[]" in a list, ".NAME" in a mapping, else ""."""
    origin = typing.get_origin(annotation)
    if origin is dict:
        return ".NAME"
    return "[]" if origin in (tuple, list) else ""
