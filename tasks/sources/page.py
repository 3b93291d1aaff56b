"""What a reader takes out of a file of pages: its text, and what it left out of the text."""

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from tasks.ngrams import plain_text

SAMPLE_CHARACTERS = 120


class LeftOut(NamedTuple):
    """Text that belongs to the page and not to the document. reason: a snake_case noun. detail: how
    much, and how it begins.
    """

    reason: str
    detail: str


class Page(NamedTuple):
    """A document's title and text, and what the reader left out of it, one entry per reason."""

    title: str
    text: str
    left_out: tuple[LeftOut, ...] = ()


def left_out(pieces: Iterable[tuple[str, str]]) -> tuple[LeftOut, ...]:
    """Return one entry per reason from (reason, text) pieces; pieces without a word are not
    mentioned.
    """
    first: dict[str, str] = {}
    count: Counter[str] = Counter()
    words: Counter[str] = Counter()
    for reason, text in pieces:
        said = text.split()
        if said:
            first.setdefault(reason, " ".join(said))
            count[reason] += 1
            words[reason] += len(said)
    return tuple(
        LeftOut(
            reason, f"pieces: {count[reason]}, words: {words[reason]}, the first: {_start(text)!r}"
        )
        for reason, text in sorted(first.items())
    )


def _start(text: str) -> str:
    return plain_text(text)[:SAMPLE_CHARACTERS]


def tidy(text: str) -> str:
    """Return the text without trailing blanks and with one blank line at most between paragraphs.

    A line that begins with CODE keeps its blanks and is moved in by four, as Markdown writes code.
    One that begins with # is a heading only
    if HEADING stands before it; else a blank is put there.
    """
    lines = [_tidy_line(line) for line in text.split("\n")]
    kept: Iterator[str] = (
        line for before, line in zip(["", *lines], lines, strict=False) if line or before
    )
    return "\n".join(kept).strip("\n") + "\n"


CODE, HEADING = "\x02", "\x03"
"""Mark a line of code and a heading until the text is tidied."""


def _tidy_line(line: str) -> str:
    if line.lstrip(" ").startswith(CODE):
        code = line.lstrip(" ").lstrip(CODE).replace("\t", "    ").rstrip()
        return f"    {code}" if code else ""
    words = " ".join(line.split())
    return (
        words[1:] if words.startswith(HEADING) else f" {words}" if words.startswith("#") else words
    )
