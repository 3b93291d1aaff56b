"""Tests of a generated text against the passages: what occurs there, and what occurs nowhere."""

import re
from typing import Literal

from tasks.chains.item import Item
from tasks.chains.world import World, names_in
from tasks.ngrams import words
from tasks.spec import Spec

QUESTION = "question.text"
"""The value that a test is about, unless it names another."""
_NUMBER = re.compile(r"\d+(?:[.,]\d+)*")


class Present(Spec):
    """The text occurs in the root passages."""

    test: Literal["present"]
    """The words of the value occur in a row in the root passages."""
    of: str = QUESTION
    """The value to test."""

    def fails(self, item: Item, world: World) -> str:
        """Return what is wrong, "" if nothing is."""
        sought = f" {' '.join(words(item.text(self.of)))} "
        there = sought.strip() and sought in f" {' '.join(words(world.root_text(item)))} "
        return "" if there else f"{item.text(self.of)!r} is not in the passage"


class Absent(Spec):
    """The text occurs nowhere in the documents, and no name of them is spelt almost like it."""

    test: Literal["absent"]
    """The words of the value occur nowhere in the documents, and no name is almost the same."""
    of: str
    """The value to test."""

    def fails(self, item: Item, world: World) -> str:
        """Return what is wrong, "" if nothing is."""
        text = item.text(self.of)
        if not words(text):
            return "it is empty"
        if world.occurs(text):
            return f"{text!r} occurs in the documents"
        near = world.nearest_name(text)
        return f"{text!r} reads like {near!r}, which occurs in the documents" if near else ""


class NumbersFromPassage(Spec):
    """Every number of the text stands in the root passages."""

    test: Literal["numbers_from_passage"]
    """Every number of the text stands in the root passages."""
    of: str = QUESTION
    """The value to test."""

    def fails(self, item: Item, world: World) -> str:
        """Return what is wrong, "" if nothing is."""
        there = set(_NUMBER.findall(world.root_text(item)))
        for number in _NUMBER.findall(item.text(self.of)):
            if number not in there:
                return f"the number {number} is not in the passage"
        return ""


class NamesFromPassage(Spec):
    """Every name of the text stands in the root passages."""

    test: Literal["names_from_passage"]
    """Every name of the text stands in the root passages."""
    of: str = QUESTION
    """The value to test."""

    def fails(self, item: Item, world: World) -> str:
        """Return what is wrong, "" if nothing is."""
        there = set(words(world.root_text(item)))
        for name in names_in(item.text(self.of)):
            if not set(words(name)) <= there:
                return f"the name {name!r} is not in the passage"
        return ""


class FindsPassage(Spec):
    """The text names what it is about: it can be understood without its passage."""

    test: Literal["finds_passage"]
    """Of all passages, a root passage shares the most words with the text; rare words count more.
    """
    of: str = QUESTION
    """The value to test."""

    def fails(self, item: Item, world: World) -> str:
        """Return what is wrong, "" if nothing is."""
        best = world.best_matches(item.text(self.of))
        if not best:
            return "no passage shares a word with it"
        other = next((one for one in best if one not in item.passage_ids), "")
        return f"it fits passage {other} as well" if other else ""
