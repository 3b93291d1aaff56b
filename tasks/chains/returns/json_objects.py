"""An answer that is a JSON object, or a list of objects."""

import json
import math
import re
from collections.abc import Mapping, Sequence
from typing import Literal, NoReturn

from pydantic import ConfigDict, Field

from tasks.chains.returns.answers import reading
from tasks.chains.returns.parsed import Name, Parsed, Unparsed, is_text
from tasks.spec import Spec

Kind = Literal["string", "number", "integer", "boolean"]
_OPENING = re.compile(r"\{\s*[\"'}]|\[\s*[\[{\"\]]")
_BETWEEN = re.compile(r"[\s,;`]*(?:json)?[\s`]*")
_TYPES: Mapping[Kind, tuple[type, ...]] = {
    "string": (str,),
    "number": (int, float),
    "integer": (int,),
    "boolean": (bool,),
}


class Json(Spec):
    """A JSON object with these keys, or a list of such objects."""

    model_config = ConfigDict(serialize_by_alias=True)

    shape: Mapping[Name, Kind] = Field(alias="json", min_length=1)
    """The keys and the type of each value; other keys of an object are left out."""

    @property
    def names(self) -> tuple[str, ...]:
        """The fields of every item."""
        return tuple(self.shape)

    def parse(self, text: str) -> Parsed | Unparsed:
        """Return the values of the objects.

        >>> Json(json={"age": "integer"}).parse('Here it is: {"age": 7}')
        ({'age': '7'},)
        """
        return reading(text, self._read)

    def _read(self, answer: str) -> Parsed | Unparsed:
        objects = _objects(answer, self.names)
        if isinstance(objects, Unparsed):
            return objects
        items: list[Mapping[str, str]] = []
        for one in objects:
            item = self._item(one)
            if isinstance(item, Unparsed):
                return item
            items.append(item)
        return tuple(items) or Unparsed("no_object")

    def _item(self, value: Mapping[str, object]) -> Mapping[str, str] | Unparsed:
        item: dict[str, str] = {}
        for name, kind in self.shape.items():
            if name not in value:
                return Unparsed("missing_field")
            text = _written(value[name], kind)
            if isinstance(text, Unparsed):
                return text
            item[name] = text
        return item


class _Broken(ValueError):
    """A JSON text that breaks a rule of ours; its message is the reason."""


def _pairs(pairs: Sequence[tuple[str, object]]) -> dict[str, object]:
    named = {key.strip().lower().replace(" ", "_").replace("-", "_"): one for key, one in pairs}
    if len(named) < len(pairs):
        raise _Broken("repeated_key")
    return named


def _constant(_: str) -> NoReturn:
    raise _Broken("broken_json")


# Models often write line breaks inside a string; strict JSON forbids them.
_DECODER = json.JSONDecoder(object_pairs_hook=_pairs, parse_constant=_constant, strict=False)


def _objects(answer: str, names: Sequence[str]) -> Sequence[Mapping[str, object]] | Unparsed:
    """Return the objects in an answer: one, one list of them, or one per line."""
    values = _values(answer)
    if isinstance(values, Unparsed):
        return values
    if len(values) != 1:
        single = all(isinstance(one, dict) for one in values)
        return _all_objects(values) if single else Unparsed("two_objects")
    (value,) = values
    if isinstance(value, dict) and len(value) == 1 and not set(names) & set(value):
        # A list is often wrapped: {"pairs": [...]}.
        (value,) = value.values()
    return _all_objects(value if isinstance(value, list) else [value])


def _all_objects(values: Sequence[object]) -> Sequence[Mapping[str, object]] | Unparsed:
    objects = [one for one in values if isinstance(one, dict)]
    return objects if len(objects) == len(values) else Unparsed("no_object")


def _values(answer: str) -> list[object] | Unparsed:
    """Return the JSON values in an answer; several must follow each other without words between.

    A value inside a broken one is not taken: it would be half an answer.
    """
    values: list[object] = []
    end = 0
    while found := _OPENING.search(answer, end):
        if values and not _BETWEEN.fullmatch(answer, end, found.start()):
            return Unparsed("two_objects")
        try:
            value, end = _DECODER.raw_decode(answer, found.start())
        except _Broken as fault:
            return Unparsed(str(fault))
        except (ValueError, RecursionError):
            return Unparsed("broken_json")
        values.append(value)
    return values or Unparsed("no_object")


def _written(value: object, kind: Kind) -> str | Unparsed:
    """Return a value as text, if it has the right type."""
    if type(value) not in _TYPES[kind]:
        return Unparsed("wrong_type")
    if isinstance(value, int | float):
        return json.dumps(value) if math.isfinite(value) else Unparsed("wrong_type")
    if not isinstance(value, str) or not is_text(value):
        return Unparsed("broken_text")
    return value.strip() or Unparsed("empty_field")
