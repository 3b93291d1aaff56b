"""A text as sentences: cut at line ends and at full stops that end something."""

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import NamedTuple

_END = re.compile(r"[.!?…]+[\"”’»')*_]*(?=\s+|$)|\n+")
_ABBREVIATION = re.compile(
    r"e\.g|i\.e|cf|vs?|approx|dr|mr|mrs|ms|prof|st|u\.s|[a-z]", re.IGNORECASE
)
_NUMBERED = re.compile(r"nos?|secs?|arts?|figs?|paras?|ch|chap|pp?|vol|eq", re.IGNORECASE)
"""Abbreviations that stand before a number; "no." before anything else is an answer."""
LONGEST = 12
"""Characters before a stop in which an abbreviation is looked for."""


class Sentence(NamedTuple):
    """A sentence and its place in the text: half-open, without the blanks around it."""

    text: str
    start: int
    end: int


@lru_cache(maxsize=4096)
def sentences(text: str) -> tuple[Sentence, ...]:
    """Return the sentences of a text in order; a line end ends one, the dot of an abbreviation does
    not.

    >>> [one.text for one in sentences("See No. 5 of the rules. It costs 2.50 euros!\\nNext")]
    ['See No. 5 of the rules.', 'It costs 2.50 euros!', 'Next']
    """
    return tuple(_cut(text))


def _cut(text: str) -> Iterator[Sentence]:
    start = 0
    for found in _END.finditer(text):
        if found[0] == "." and _is_abbreviation(text, found.end()):
            continue
        yield from _stripped(text, start, found.end())
        start = found.end()
    yield from _stripped(text, start, len(text))


def _is_abbreviation(text: str, end: int) -> bool:
    """Return whether the dot before `end` belongs to an abbreviation, with more to come."""
    after = text[end:].lstrip(" \t")[:1]
    if after in ("", "\n"):
        return False
    before = text[max(0, end - LONGEST) : end]
    word = before.replace("(", " ").split()[-1][:-1]
    if after.isdigit() and _NUMBERED.fullmatch(word):
        return True
    return bool(_ABBREVIATION.fullmatch(word))


def _stripped(text: str, start: int, end: int) -> Iterator[Sentence]:
    whole = text[start:end]
    kept = whole.strip()
    if kept:
        first = start + whole.index(kept[0])
        yield Sentence(kept, first, first + len(kept))
