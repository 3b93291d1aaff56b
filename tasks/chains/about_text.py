"""Tests of how a generated text reads: its length, its form, and what it may not repeat."""

import re
from typing import Literal

from pydantic import Field

from tasks.chains.item import Item
from tasks.chains.world import World
from tasks.ngrams import ngrams, words
from tasks.spec import Spec

QUESTION = "question.text"
"""The value that a test is about, unless it names another."""
_DOCUMENT = re.compile(
    r"\b(?:according to|in|from|of|by|per|on|based on|given|see)\s+(?:the|this|that|these|those)\s+"
    r"(?:\w+\s+){0,2}?(?:passages?|texts?|excerpts?|documents?|articles?|contexts?|paragraphs?|"
    r"extracts?|snippets?|sources?|chapters?|tables?|figures?|lines?|handbook|manual)\b"
    r"|\b(?:passages?|texts?|excerpts?|articles?|documents?|contexts?|handbook|manual|paragraphs?)"
    r"\s+(?:above|below|provided|given|says?|states?|mentions?|describes?|explains?)\b"
    r"|\b(?:the|this)\s+(?:author|passage|excerpt|snippet)\b"
    r"|\b(?:table|figure|section|chapter|line|paragraph|page)\s+\[?\d+"
    r"|\b(?:mentioned|described|listed|stated|given|shown|discussed)\s+"
    r"(?:above|below|here|earlier)\b",
    re.IGNORECASE,
)
_DANGLING = re.compile(r"^(?:and|but|so|also|then|it|they|he|she|this|that|these|those)\b", re.I)


class OneQuestion(Spec):
    """The text is one question, and can be understood alone."""

    test: Literal["one_question"]
    """The text is one question: one sentence that ends with a question mark."""
    of: str = QUESTION
    """The value to test."""

    def fails(self, item: Item, world: World) -> str:
        """Return what is wrong, "" if nothing is."""
        text = world.value(item, self.of).strip()
        if not text.endswith("?"):
            return "it does not end with a question mark"
        if text.count("?") > 1 or re.search(r"[.!]\s+[A-Z]", text):
            return "it is more than one sentence"
        opened = _DANGLING.match(text)
        return f"{opened[0]!r} points at something before it" if opened else ""


class NoDocumentWords(Spec):
    """The text does not speak of the document that it was written from."""

    test: Literal["no_document_words"]
    """The text says nothing like "according to the passage" or "in Table 2"."""
    of: str = QUESTION
    """The value to test."""

    def fails(self, item: Item, world: World) -> str:
        """Return what is wrong, "" if nothing is."""
        found = _DOCUMENT.search(world.value(item, self.of))
        return f"{found[0]!r} speaks of a document" if found else ""


class NoLabels(Spec):
    """The text repeats none of the producer's words."""

    test: Literal["no_labels"]
    """The text holds none of the drawn values, and none of the words below."""
    of: str = QUESTION
    """The value to test."""
    words: tuple[str, ...] = ("rewritten", "given prompt", "#prompt#", "evolved")
    """Words of the prompt's own instructions."""
    but: tuple[str, ...] = ()
    """Drawn values that the text may hold, because it is asked to name them."""

    def fails(self, item: Item, world: World) -> str:
        """Return what is wrong, "" if nothing is."""
        text = f" {' '.join(words(world.value(item, self.of)))} "
        root = f" {' '.join(words(world.root_text(item)))} "
        drawn = [
            one.text
            for name, one in item.values.items()
            if one.role == "note" and name not in self.but
        ]
        labels = [
            one for one in drawn if 0 < len(one.split()) <= 4 and one != world.value(item, self.of)
        ]
        for label in (*self.words, *labels):
            sought = f" {' '.join(words(label.replace('_', ' ')))} "
            if sought.strip() and sought in text and sought not in root:
                return f"{label!r} is a word of the producer"
        return ""


class Words(Spec):
    """The text has a number of words within bounds."""

    test: Literal["words"]
    """The text has a number of words within bounds."""
    of: str = QUESTION
    """The value to test."""
    least: int = Field(3, ge=0)
    """Smallest number of words."""
    most: int = Field(60, ge=1)
    """Largest number of words."""

    def fails(self, item: Item, world: World) -> str:
        """Return what is wrong, "" if nothing is."""
        count = len(words(world.value(item, self.of)))
        if self.least <= count <= self.most:
            return ""
        return f"it has {count} words; {self.least} to {self.most} are allowed"


class Copied(Spec):
    """The text does not copy its passage, or another value."""

    test: Literal["copied"]
    """At most a share of the text's n-grams occur in the root passages, or in another value."""
    of: str = QUESTION
    """The value to test."""
    source: str = ""
    """Value that must not be copied; empty: the root passages."""
    most: float = Field(0.6, ge=0, le=1)
    """Largest share of n-grams."""
    n: int = Field(3, ge=1, le=13)
    """Length of the n-grams, in words."""

    def fails(self, item: Item, world: World) -> str:
        """Return what is wrong, "" if nothing is."""
        own = list(ngrams(words(world.value(item, self.of)), self.n))
        text = world.value(item, self.source) if self.source else world.root_text(item)
        there = set(ngrams(words(text), self.n))
        share = sum(gram in there for gram in own) / len(own) if own else 0.0
        return "" if share <= self.most else f"{share:.0%} of it is copied"


class Overlap(Spec):
    """The text shares words with another value, but not too many."""

    test: Literal["overlap"]
    """The share of words that two values have in common (Jaccard) is within bounds."""
    of: str = QUESTION
    """The value to test."""
    other: str
    """The value to compare with."""
    least: float = Field(0.2, ge=0, le=1)
    """Smallest share."""
    most: float = Field(0.95, ge=0, le=1)
    """Largest share."""

    def fails(self, item: Item, world: World) -> str:
        """Return what is wrong, "" if nothing is."""
        one, two = (set(words(world.value(item, name))) for name in (self.of, self.other))
        share = len(one & two) / len(one | two) if one | two else 0.0
        if self.least <= share <= self.most:
            return ""
        return f"it shares {share:.0%} of the words; {self.least:.0%} to {self.most:.0%} is allowed"


class Contains(Spec):
    """The text names another value."""

    test: Literal["contains"]
    """The words of another value occur in the text."""
    of: str = QUESTION
    """The value to test."""
    what: str
    """The value that must occur in it."""

    def fails(self, item: Item, world: World) -> str:
        """Return what is wrong, "" if nothing is."""
        held = _holds(item, self.of, self.what, world)
        return "" if held else f"it lacks {world.value(item, self.what)!r}"


class Lacks(Spec):
    """The text does not give another value away."""

    test: Literal["lacks"]
    """The words of another value do not occur in the text."""
    of: str = QUESTION
    """The value to test."""
    what: str
    """The value that must not occur in it."""

    def fails(self, item: Item, world: World) -> str:
        """Return what is wrong, "" if nothing is."""
        held = _holds(item, self.of, self.what, world)
        return f"it holds {world.value(item, self.what)!r}" if held else ""


def _holds(item: Item, name: str, other: str, world: World) -> bool:
    text, sought = (f" {' '.join(words(world.value(item, one)))} " for one in (name, other))
    return bool(sought.strip()) and sought in text
