"""What a reader returns for a file of pages: the text, and what it left out."""

from collections import Counter
from collections.abc import Iterable
from typing import NamedTuple

from tasks.ngrams import plain_text

SAMPLE_CHARACTERS = 120
"""Characters that are quoted of a text that was left out."""
CODE, HEADING = "\x02", "\x03"
"""Mark a line of code and a heading, until `tidy` writes them as Markdown."""


class LeftOut(NamedTuple):
    """Text that belongs to the page and not to the document. reason: a snake_case noun. detail: how
    much it is, and how it begins.
    """

    reason: str
    detail: str


class Page(NamedTuple):
    """Title and text of a document, and what the reader left out, one entry per reason."""

    title: str
    text: str
    left_out: tuple[LeftOut, ...] = ()


def left_out(pieces: Iterable[tuple[str, str]]) -> tuple[LeftOut, ...]:
    """Return one entry per reason for (reason, text) pieces. Pieces without words are not
    counted.
    """
    first: dict[str, str] = {}
    count: Counter[str] = Counter()
    words: Counter[str] = Counter()
    for reason, text in pieces:
        found = text.split()
        if found:
            first.setdefault(reason, " ".join(found))
            count[reason] += 1
            words[reason] += len(found)
    amounts = {reason: f"pieces: {count[reason]}, words: {words[reason]}" for reason in first}
    return tuple(
        LeftOut(reason, f"{amounts[reason]}, the first: {_start(text)!r}")
        for reason, text in sorted(first.items())
    )


def _start(text: str) -> str:
    return plain_text(text)[:SAMPLE_CHARACTERS]


def tidy(text: str) -> str:
    """Return the text as Markdown, without trailing blanks and with at most one blank line between
    paragraphs.

    A line that begins with CODE is indented by four and keeps its blanks. A line that begins with
    "#" is a heading only after HEADING; otherwise a blank is put before it.
    """
    lines = [_tidy_line(line) for line in text.split("\n")]
    pairs = zip(["", *lines], lines, strict=False)
    kept = [line for before, line in pairs if line or before]
    return "\n".join(kept).strip("\n") + "\n"


def _tidy_line(line: str) -> str:
    if line.lstrip(" ").startswith(CODE):
        code = line.lstrip(" ").lstrip(CODE).replace("\t", "    ").rstrip()
        return f"    {code}" if code else ""
    words = " ".join(line.split())
    if words.startswith(HEADING):
        return words[1:]
    return f" {words}" if words.startswith("#") else words
