"""The closed list of what a model's answer can be read as.

A parser is a pure function from the text of a completion to items or `Unparsed`. It never raises
and never guesses: an answer with two readings is `Unparsed`. The caller treats an answer that the
token limit has cut, because the text does not show that.
"""

from collections.abc import Mapping
from typing import Annotated

from pydantic import BaseModel, Discriminator, RootModel, Tag

from tasks.chains.returns.choices import Choice
from tasks.chains.returns.json_objects import Json
from tasks.chains.returns.lines import Lines
from tasks.chains.returns.parsed import Parsed, Unparsed
from tasks.chains.returns.prose import Text, Turn
from tasks.chains.returns.ratings import Scores
from tasks.chains.returns.scores import Score
from tasks.chains.returns.sections import Fields
from tasks.chains.returns.verdicts import Verdict

__all__ = ["Parsed", "Returns", "Unparsed"]

KNOWN = "text, turn, lines: 5, json: {name: string}, fields: [name], score: [1, 5], "
KNOWN += "scores: {of: 4, range: [1, 5]}, verdict: [name], choice: 4"


def _form(value: object) -> str | None:
    """Return the name of a form: the bare word, or the first key of its settings."""
    if isinstance(value, RootModel):
        return str(value.root)
    if isinstance(value, BaseModel):
        return type(value).__name__.lower()
    if isinstance(value, Mapping):
        return str(next(iter(value), ""))
    return value if isinstance(value, str) else None


Returns = Annotated[
    Annotated[Text, Tag("text")]
    | Annotated[Turn, Tag("turn")]
    | Annotated[Lines, Tag("lines")]
    | Annotated[Json, Tag("json")]
    | Annotated[Fields, Tag("fields")]
    | Annotated[Score, Tag("score")]
    | Annotated[Scores, Tag("scores")]
    | Annotated[Verdict, Tag("verdict")]
    | Annotated[Choice, Tag("choice")],
    Discriminator(
        _form,
        custom_error_type="unknown_returns",
        custom_error_message=f"no known form of answer; known: {KNOWN}",
    ),
]
"""What an ask reads from each answer. Every form has `names` and `parse`."""
