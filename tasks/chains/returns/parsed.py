"""What a parser makes of a completion: items with named fields, or why there are none."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated

from pydantic import Field

Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$", max_length=40)]
"""The name of a field or of a criterion: small letters, digits and underscores."""
Parsed = tuple[Mapping[str, str], ...]
"""The items of an answer, each field name → value."""


@dataclass(frozen=True)
class Unparsed:
    """An answer that a parser does not read. reason: a short noun such as two_scores."""

    reason: str


def one(name: str, value: str) -> Parsed:
    """Return the only item of an answer, with its only field.

    >>> one("score", "4")
    ({'score': '4'},)
    """
    return ({name: value},)


def is_text(value: str) -> bool:
    """Return whether a string can be written as UTF-8; a half of a surrogate pair cannot."""
    return not any("\ud800" <= sign <= "\udfff" for sign in value)
