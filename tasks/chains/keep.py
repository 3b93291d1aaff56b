"""The tests of `keep`: what an item must have to stay. They ask nothing."""

from typing import Annotated

from pydantic import Field

from tasks.chains.about_code import Parses, Runs
from tasks.chains.about_corpus import (
    Absent,
    FindsPassage,
    NamesFromPassage,
    NumbersFromPassage,
    Present,
)
from tasks.chains.about_requests import Grown, LacksWords, OneRequest, UserTurn
from tasks.chains.about_text import (
    Contains,
    Copied,
    Lacks,
    NoDocumentWords,
    NoLabels,
    OneQuestion,
    Overlap,
    Words,
)
from tasks.chains.about_values import Equal, OneOf, SaidYes, Scored
from tasks.chains.item import Item
from tasks.chains.world import World

Test = Annotated[
    OneQuestion
    | OneRequest
    | UserTurn
    | LacksWords
    | Grown
    | Parses
    | Runs
    | NoDocumentWords
    | NoLabels
    | Words
    | Copied
    | Overlap
    | Contains
    | Lacks
    | Present
    | Absent
    | FindsPassage
    | NumbersFromPassage
    | NamesFromPassage
    | SaidYes
    | OneOf
    | Scored
    | Equal,
    Field(discriminator="test"),
]
"""One test of `keep`."""


def first_failed(item: Item, tests: tuple[Test, ...], world: World) -> tuple[str, str] | None:
    """Return (test, what it found) of the first test that an item fails; None if it passes all."""
    for test in tests:
        if says := test.fails(item, world):
            return test.test, says
    return None
