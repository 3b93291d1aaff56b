"""JSON Schema for the lines of `settings`; the server checks keys and kinds of values with it.

For a failed pattern, JSON Schema's message shows only the pattern. The message of `const` shows the
expected value, so every check ends in a `const` whose value is a sentence. Rules between several
settings are checked when the run begins: see `flows/plan`.
"""

import re
import typing
from collections.abc import Iterator, Mapping
from typing import Any, Literal, NamedTuple

from pydantic import BaseModel
from pydantic.fields import FieldInfo

Schema = dict[str, Any]

INTEGER = r"""["']?\+?[0-9][0-9_]*(\.0*)?["']?"""
POSITIVE = rf"(?=[^=]*[1-9]){INTEGER}"
NUMBER = r"""["']?[-+]?([0-9][0-9_]*\.?[0-9]*|\.[0-9]+)([eE][-+]?[0-9]+)?["']?"""
BOOLEAN = "|".join(
    "".join(f"[{letter}{letter.upper()}]" for letter in word)
    for word in ("true", "false", "yes", "no", "on", "off")
)
UNKNOWN = (
    "key.path=value with a key of the recipe, for example prompts.rows=60; "
    "`tracemill plan RECIPE --set ...` names the nearest key"
)


class Kind(NamedTuple):
    """A kind of value. pattern: its form, "" for any value. says: its name in a sentence."""

    pattern: str
    says: str


ANYTHING = Kind("", "")


def lines_schema(model: type[BaseModel]) -> Schema:
    """Return the JSON Schema of one line key.path=value that changes a setting of a model."""
    keys: dict[Kind, list[str]] = {}
    for key, kind in _keys(model):
        keys.setdefault(kind, []).append(key)
    schema: Schema = {"const": UNKNOWN}
    for kind, several in keys.items():
        schema = {
            "if": {"pattern": rf"^({'|'.join(several)})="},
            "then": _value(kind),
            "else": schema,
        }
    return {"type": "string", **schema}


def _value(kind: Kind) -> Schema:
    if not kind.pattern:
        return {}
    return {
        "if": {"pattern": rf"^[^=]+=\s*({kind.pattern})\s*$"},
        "then": {},
        "else": {"const": f"{kind.says} behind the ="},
    }


def _keys(model: type[BaseModel], above: str = "") -> Iterator[tuple[str, Kind]]:
    """Yield (pattern of the key, kind of the value) for every setting of a model."""
    for name, field in model.model_fields.items():
        key = f"{above}{re.escape(name)}"
        annotation = field.annotation
        if isinstance(annotation, type) and issubclass(annotation, BaseModel):
            yield key, ANYTHING
            yield from _keys(annotation, rf"{key}\.")
        elif below := _optional_model(annotation):
            yield key, ANYTHING
            yield from _keys(below, rf"{key}\.")
        elif typing.get_origin(annotation) is dict:
            yield rf"{key}(\.[^=.]+)?", ANYTHING
            if named := _named_model(annotation):
                yield from _keys(named, rf"{key}\.[^=.]+\.")
        else:
            yield key, _kind(field)


def _kind(field: FieldInfo) -> Kind:
    annotation = field.annotation
    if annotation is int:
        positive = any(getattr(bound, "ge", 0) >= 1 for bound in field.metadata)
        if positive:
            return Kind(POSITIVE, "a whole number of at least 1")
        return Kind(INTEGER, "a whole number of at least 0")
    if annotation is float:
        return Kind(NUMBER, "a number")
    if annotation is bool:
        return Kind(BOOLEAN, "true or false")
    if typing.get_origin(annotation) is Literal:
        names = [str(one) for one in typing.get_args(annotation)]
        return Kind("|".join(map(re.escape, names)), f"one of {', '.join(names)}")
    return ANYTHING


def _optional_model(annotation: object) -> type[BaseModel] | None:
    """Return the model in `Model | None`, None for another annotation."""
    args = typing.get_args(annotation)
    models = [one for one in args if isinstance(one, type) and issubclass(one, BaseModel)]
    return models[0] if type(None) in args and models else None


def _named_model(annotation: object) -> type[BaseModel] | None:
    """Return the model in `dict[str, Model]`, None if the values are no model."""
    _, value = typing.get_args(annotation)
    return value if isinstance(value, type) and issubclass(value, BaseModel) else None


def with_lines(properties: Mapping[str, Schema], model: type[BaseModel]) -> dict[str, Schema]:
    """Return the schemas of a flow's parameters, with a check for the lines of `settings`."""
    found = {name: dict(schema) for name, schema in properties.items()}
    if "settings" in found:
        found["settings"]["items"] = lines_schema(model)
    return found
