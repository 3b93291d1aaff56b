"""The lines of an answer, and the numbers, bullets and labels that mark some of them as items."""

import re
from collections.abc import Sequence
from typing import NamedTuple

from tasks.chains.returns.answers import plain

_RULE = re.compile(r"[\s*_=-]{3,}|```[\w+-]*")
_HEADING = re.compile(r"#{1,6}\s+")
_BULLET = re.compile(r"([-*•·‣▪◦–—+])\s+(?=\S)")
_NUMBER = re.compile(
    r"(?:[(\[](?P<inside>[0-9]{1,3})[)\]][.:]?|#?(?P<bare>[0-9]{1,3})(?:[.):]+| [-–—](?=\s)))"
    r"(?=\s|$|[^\W\d]|[\"“'‘*¿\[(])"
)
_LABEL = re.compile(
    r"(?:question|topic|subtopic|item|task|problem|instruction|prompt|idea|example|title|point"
    r"|step|fact|claim|rule|q|no\.?)\s?#?(?P<bare>[0-9]{1,3})(?:\s*[.):]+|\s+[-–—](?=\s)|$)",
    re.IGNORECASE,
)
_PLAIN_LABEL = re.compile(
    r"(?:\[(?:question|q|task|topic|item|problem|instruction|prompt)\]:?"
    r"|(?:question|q|task|topic|subtopic|item|problem|instruction|prompt|idea):)(?=\s|$)",
    re.IGNORECASE,
)
_LETTER = re.compile(r"\(?([a-z]{1,5})[.)](?=\s)", re.IGNORECASE)
_LETTERS = tuple("abcdefghijklmnopqrstuvwxyz")
_ROMANS = ("i", "ii", "iii", "iv", "v", "vi", "vii", "viii", "ix", "x", "xi", "xii", "xiii")


class Row(NamedTuple):
    """A line of an answer.

    mark: the kind of its mark, "" without one. number: the number in the mark, 0 without one.
    text: the line without its mark. after_gap: a blank line or a rule is above it.
    """

    mark: str
    number: int
    text: str
    indent: int
    after_gap: bool
    heading: bool


def rows_of(text: str) -> list[Row]:
    """Return the lines of a text that hold something, without rules and fences of code."""
    found: list[Row] = []
    gap = True
    for line in text.expandtabs(4).splitlines():
        bare = line.strip()
        if not bare or _RULE.fullmatch(bare):
            gap = True
            continue
        found.append(_row(line, after_gap=gap))
        gap = False
    return _with_letters(found)


def _row(line: str, *, after_gap: bool) -> Row:
    bare = line.strip().lstrip("> ")
    heading = _HEADING.match(bare)
    mark, number, text = _split(_unwrapped(plain(bare[heading.end() :] if heading else bare)))
    if mark:
        inner, below, rest = _split(plain(text))
        # "- 1. Who pays?" and "1. Question 1: Who pays?" have one mark in two parts.
        if inner in {"number", "label"} and number in {0, below} and mark != "label":
            mark, number, text = inner, below, rest
    indent = len(line) - len(line.lstrip())
    return Row(mark, number, plain(text), indent, after_gap, heading is not None)


def _unwrapped(line: str) -> str:
    """Return a line without the square brackets around all of it."""
    inside = line[1:-1]
    wrapped = line[:1] == "[" and line[-1:] == "]" and not set("[]") & set(inside)
    return inside.strip() if wrapped else line


def _split(line: str) -> tuple[str, int, str]:
    """Return the kind and the number of the mark that a line begins with, and the rest."""
    if found := _BULLET.match(line):
        return found[1], 0, line[found.end() :].strip()
    if found := _LABEL.match(line):
        return "label", int(found["bare"]), line[found.end() :].strip()
    if found := _NUMBER.match(line):
        return "number", int(found["inside"] or found["bare"]), line[found.end() :].strip()
    if found := _PLAIN_LABEL.match(line):
        return "label", 0, line[found.end() :].strip()
    return "", 0, line


def _with_letters(found: Sequence[Row]) -> list[Row]:
    """Return the rows; letters are marks if at least two rows have them, in order from the first.

    A single "A." can be the initial of a name.
    """
    lettered = {
        n: hit for n, row in enumerate(found) if not row.mark and (hit := _LETTER.match(row.text))
    }
    said = tuple(hit[1].lower() for hit in lettered.values())
    if len(said) < 2 or said not in (_LETTERS[: len(said)], _ROMANS[: len(said)]):
        return list(found)
    numbered = dict(zip(lettered, range(1, len(said) + 1), strict=True))
    return [
        row._replace(mark="letter", number=numbered[n], text=row.text[lettered[n].end() :].strip())
        if n in numbered
        else row
        for n, row in enumerate(found)
    ]
