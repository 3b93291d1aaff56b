"""From pydantic's errors to sentences about the settings of a recipe."""

import typing
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from pydantic import BaseModel, ValidationError

from flows.plan.fault import Fault, did_you_mean
from flows.recipes.corpus import UnknownModel

WANTED = {
    "int_parsing": "a whole number is needed",
    "int_type": "a whole number is needed",
    "int_from_float": "a whole number is needed",
    "float_parsing": "a number is needed",
    "float_type": "a number is needed",
    "bool_parsing": "true or false is needed",
    "bool_type": "true or false is needed",
    "string_type": "a text is needed",
    "tuple_type": "a list is needed",
    "list_type": "a list is needed",
    "dict_type": "settings are needed, each name: value",
    "model_type": "settings are needed, each name: value",
}
"""Pydantic's kind of error → the sentence about the setting."""
RENAMED = {
    "traces.teacher": (
        "write the model under models.teacher; traces.models names the models that answer"
    ),
    "coherence.teacher": "write the model under models.judge and set coherence.model to judge",
    "probe.coherence.teacher": (
        "write the model under models.judge and set probe.coherence.model to judge"
    ),
    "placement.teacher": "write placement.models.teacher",
    "placement.judge": "write placement.models.judge",
}
"""Keys of older recipes → what to write instead."""
BOUNDS = {
    "greater_than_equal": ("ge", "at least"),
    "greater_than": ("gt", "more than"),
    "less_than_equal": ("le", "at most"),
    "less_than": ("lt", "less than"),
}
"""Pydantic's kind of error → (name of the bound in its context, words for the bound)."""


def faults_of(error: ValidationError, model: type[BaseModel]) -> list[Fault]:
    """Return a fault for every error of pydantic. model: of the whole recipe."""
    return [_fault(dict(one), model) for one in error.errors()]


def _fault(error: Mapping[str, Any], model: type[BaseModel]) -> Fault:
    raised = error.get("ctx", {}).get("error")
    if isinstance(raised, UnknownModel):
        return Fault(raised.where, raised.says)
    loc = tuple(str(part) for part in error["loc"])
    where = ".".join(loc) or "recipe"
    if error["type"] == "extra_forbidden":
        return Fault(where, _unknown_setting(loc, model))
    if error["type"] == "missing":
        return Fault(where, "is missing; give it a value")
    says = WANTED.get(error["type"]) or _bound(error) or _own_words(error, loc, model)
    # The value is not shown, because an address may have a password.
    seen = "" if where.endswith("base_url") else f" (got {str(error.get('input'))[:80]})"
    return Fault(where, f"{says}{seen}")


def _bound(error: Mapping[str, Any]) -> str:
    """Return the sentence for a number outside a bound, "" for another error."""
    name, words = BOUNDS.get(error["type"], ("", ""))
    return f"must be {words} {error['ctx'][name]:g}" if name else ""


def _own_words(error: Mapping[str, Any], loc: Sequence[str], model: type[BaseModel]) -> str:
    says = str(error["msg"]).removeprefix("Value error, ").replace("Input should be", "must be")
    if error["type"] == "literal_error":
        known = str(error["ctx"]["expected"]).replace(" or ", ", ").replace("'", "").split(", ")
        return says + did_you_mean(str(error.get("input")), known)
    if error["type"] == "string_pattern_mismatch":
        return f"does not have the right form; {_meaning(loc, model) or says}"
    return says


def _meaning(loc: Sequence[str], model: type[BaseModel]) -> str:
    """Return the description of a setting."""
    *above, name = loc
    parent = _model_at(above, model)
    field = parent.model_fields.get(name) if parent else None
    return (field.description or "").rstrip(".") if field else ""


def _unknown_setting(loc: Sequence[str], model: type[BaseModel]) -> str:
    """Return the sentence for an unknown key: its new name, the nearest key, or its right place."""
    *above, name = loc
    if new := RENAMED.get(".".join(loc)):
        return f"was renamed; {new}"
    parent = _model_at(above, model)
    known = list(parent.model_fields) if parent else []
    if near := did_you_mean(name, known):
        return f"unknown setting{near}"
    if homes := [path for path in _paths(model) if path.rpartition(".")[2] == name]:
        return f"unknown setting here; {name} is set as {' or '.join(homes[:3])}"
    return f"unknown setting; known here: {', '.join(known)}"


def _model_at(loc: Sequence[str], model: type[BaseModel]) -> type[BaseModel] | None:
    """Return the model of the settings at a path; None if there is none.

    Numbers of list items and names in mappings are skipped.
    """
    at: type[BaseModel] | None = model
    named = False
    for part in loc:
        if at is None or part.isdigit():
            continue
        if named:
            named = False
            continue
        field = at.model_fields.get(part)
        named = field is not None and typing.get_origin(field.annotation) is dict
        at = _model_of(field.annotation) if field else None
    return at


def _model_of(annotation: object) -> type[BaseModel] | None:
    """Return the model in an annotation: `Model`, `tuple[Model, ...]` or `Model | None`."""
    for one in (annotation, *typing.get_args(annotation)):
        if isinstance(one, type) and issubclass(one, BaseModel):
            return one
    return None


def _paths(model: type[BaseModel], above: str = "") -> Iterator[str]:
    """Yield the dotted paths of all settings of a model."""
    for name, field in model.model_fields.items():
        yield f"{above}{name}"
        item = "NAME." if typing.get_origin(field.annotation) is dict else ""
        if below := _model_of(field.annotation):
            yield from _paths(below, f"{above}{name}.{item}")
