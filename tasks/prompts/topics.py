"""Headings as they read inside a question: names keep their capital, other words lose the one at
the beginning of the line.
"""

import re
from collections import Counter
from collections.abc import Sequence
from typing import Protocol

_WORD = re.compile(r"[^\W_](?:[\w.'’+-]*[\w+])?")
_INSIDE = re.compile(r"(?<=[\w,;] )[^\W\d_][\w'’-]*")
"""A word that does not begin a sentence."""
_SMALL = set(
    "a an the and or nor but of in on at to by for from with without as into over under per via is "
    "are be not than that its your".split()
)
"""Words that are not capitalised in title case."""
_ARTICLES = {"A", "An", "The"}


class Headed(Protocol):
    """A passage from which a topic is taken."""

    @property
    def document_id(self) -> str: ...

    @property
    def section(self) -> str: ...

    @property
    def heading(self) -> str: ...

    @property
    def text(self) -> str: ...


class Topics:
    """Knows which words are names in each document, by their spelling inside its sentences.

    Each document is used only for its own passages, so a new document changes no other question.
    """

    def __init__(self, passages: Sequence[Headed]) -> None:
        first: dict[str, set[str]] = {}
        for passage in passages:
            first.setdefault(passage.document_id, set()).update(_words(_title(passage))[:1])
        self._capital: Counter[tuple[str, str]] = Counter()
        self._small: Counter[tuple[str, str]] = Counter()
        for passage in passages:
            self._count(passage, first[passage.document_id])

    def of(self, passage: Headed) -> str:
        """Return a passage's heading, or its section if it has none, as it reads inside a
        sentence.
        """
        topic = _title(passage).rstrip(" .:;,!")
        if topic.endswith("?"):
            return f'"{topic}"'
        first = next(iter(_words(topic)), "")
        if not topic.startswith(first) or self._keeps(passage.document_id, first, topic):
            return topic
        return topic[:1].lower() + topic[1:]

    def _count(self, passage: Headed, asked: set[str]) -> None:
        small = {word.lower(): word for word in asked}
        for found in _INSIDE.findall(passage.text):
            if found in asked and found[:1].isupper():
                self._capital[passage.document_id, found] += 1
            elif found in small:
                self._small[passage.document_id, small[found]] += 1

    def _keeps(self, document: str, word: str, topic: str) -> bool:
        """Return whether the first word of a heading keeps its capital: it is a name, or the
        heading is in title case.
        """
        if word in _ARTICLES:
            return False
        if len(word) == 1 or not word[1:].islower() or not word.replace("-", "").isalpha():
            return True
        capital, small = self._capital[document, word], self._small[document, word]
        return capital > small or _in_title_case(topic)


def _title(passage: Headed) -> str:
    return passage.heading or passage.section


def _words(text: str) -> list[str]:
    return _WORD.findall(text)


def _in_title_case(topic: str) -> bool:
    """Return whether all words after the first, except small ones, are capitalised."""
    rest = [word for word in _words(topic)[1:] if word.lower() not in _SMALL and word[0].isalpha()]
    return bool(rest) and all(word[0].isupper() for word in rest) and any(map(str.istitle, rest))
