"""Walk over all settings of a recipe, and find those that name a model."""

from collections.abc import Iterator
from typing import get_args

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from tasks.inference.engine import NamesModel


def walk(value: object, above: str = "") -> Iterator[tuple[str, BaseModel]]:
    """Yield (path, settings) of a value and of all settings below it, outermost first.

    The path of the value itself is `above`.
    """
    if isinstance(value, BaseModel):
        yield above, value
        for name in type(value).model_fields:
            yield from walk(getattr(value, name), _below(above, name))
    elif isinstance(value, dict):
        for name, one in value.items():
            yield from walk(one, _below(above, name))
    elif isinstance(value, list | tuple):
        for number, one in enumerate(value):
            yield from walk(one, _below(above, str(number)))


def named_models(value: object) -> Iterator[tuple[str, str]]:
    """Yield (path, name) of every setting that names a model."""
    for above, settings in walk(value):
        for name, field in type(settings).model_fields.items():
            if _names_model(field):
                yield from _names(getattr(settings, name), _below(above, name))


def _names(value: object, path: str) -> Iterator[tuple[str, str]]:
    if isinstance(value, str):
        yield path, value
    elif isinstance(value, tuple | dict):
        for number, one in enumerate(value):
            yield f"{path}.{one if isinstance(value, dict) else number}", str(one)


def _names_model(field: FieldInfo) -> bool:
    """Return whether a field has names of models: itself, items of a tuple, or keys."""
    marks = [*field.metadata, *_marks(field.annotation)]
    return any(isinstance(one, NamesModel) for one in marks)


def _marks(annotation: object) -> Iterator[object]:
    yield from getattr(annotation, "__metadata__", ())
    for inner in get_args(annotation):
        yield from _marks(inner)


def _below(above: str, name: str) -> str:
    return f"{above}.{name}" if above else name
