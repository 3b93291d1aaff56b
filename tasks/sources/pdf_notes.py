"""The lines of a PDF page, with footnotes moved to where they are referred to."""

import re
from collections import Counter
from collections.abc import Iterator
from typing import Any, NamedTuple

SMALL, RAISED = 0.93, 0.8
"""Footnotes are set smaller than this share of the body's size; the marks that refer to them,
smaller than the other.
"""
_FIRST = re.compile(r"(\d{1,3})(?![\d.,:])[ \t]*")
_DIGITS = re.compile(r"\d{1,3}")


class Line(NamedTuple):
    """A line of a page: where its text begins, and how high its letters are."""

    text: str
    start: int
    height: float


class Note(NamedTuple):
    """A footnote: its number, its text, and its lines on the page, half-open."""

    number: str
    text: str
    first: int
    end: int


def lines_of(page: Any) -> list[str]:
    """Return the lines of a page's text; a footnote stands behind the sentence that refers to it,
    as "Note 3: …".
    """
    text = str(page.get_text_range())
    if len(text) != page.count_chars():
        return str(page.get_text_bounded()).splitlines()
    lines = list(_lines(page, text))
    plain = [line.text for line in lines]
    for note in reversed(_notes(lines)):
        mark = _mark(page, lines, note)
        if mark is None:
            continue
        at, column = mark
        plain[at] = (
            f"{plain[at][:column]} (note {note.number}) {plain[at][column + len(note.number) :]}"
        )
        _move(plain, note, at)
    return [line for line in plain if line]


def _lines(page: Any, text: str) -> Iterator[Line]:
    start = 0
    for said in text.splitlines(keepends=True):
        bare = said.rstrip("\r\n")
        letters = [place for place, sign in enumerate(bare) if sign.isalnum()]
        height = _height(page, start + letters[len(letters) // 2]) if letters else 0.0
        yield Line(bare, start, height)
        start += len(said)


def _height(page: Any, index: int) -> float:
    """Return how high the line of type is in which a character is set, in points."""
    from ctypes import byref

    from pypdfium2 import raw

    box = raw.FS_RECTF()
    return (
        float(box.top - box.bottom)
        if raw.FPDFText_GetLooseCharBox(page, index, byref(box))
        else 0.0
    )


def _body(lines: list[Line]) -> float:
    """Return the height of most of the page's letters."""
    heights: Counter[float] = Counter()
    for line in lines:
        heights[round(line.height, 1)] += len(line.text)
    heights.pop(0.0, None)
    return heights.most_common(1)[0][0] if heights else 0.0


def _notes(lines: list[Line]) -> list[Note]:
    """Return the footnotes at the foot of a page: its last lines in small type, each note begun by
    its number.
    """
    first, end = _foot(lines)
    found: list[Note] = []
    for place in range(first, end):
        text = lines[place].text
        begun = _FIRST.match(text)
        due = int(found[-1].number) + 1 if found else None
        if begun and due in (None, int(begun[1])):
            found.append(Note(begun[1], text[begun.end() :], place, place + 1))
        elif found:
            last = found[-1]
            found[-1] = last._replace(text=f"{last.text} {text}".strip(), end=place + 1)
    return [note for note in found if note.text]


def _foot(lines: list[Line]) -> tuple[int, int]:
    """Return the lines at a page's end that are set smaller than its body, half-open; a page number
    below them is left aside.
    """
    end = len(lines)
    while end and not any(map(str.isalpha, lines[end - 1].text)):
        end -= 1
    first, small = end, SMALL * _body(lines)
    while first and lines[first - 1].height < small:
        first -= 1
    return first, end


def _mark(page: Any, lines: list[Line], note: Note) -> tuple[int, int] | None:
    """Return (line, column) of the raised number that refers to a note."""
    body = _body(lines)
    for place, line in enumerate(lines[: note.first]):
        for found in _DIGITS.finditer(line.text):
            if (
                found[0] == note.number
                and _height(page, line.start + found.start()) < RAISED * body
            ):
                return place, found.start()
    return None


def _move(plain: list[str], note: Note, at: int) -> None:
    """Take a note's lines from the foot and put its text behind the line, at or after its mark, in
    which a sentence ends.
    """
    plain[note.first : note.end] = [""] * (note.end - note.first)
    end = next(
        (
            line
            for line in range(at, note.first)
            if plain[line].rstrip().endswith((".", ":", "!", "?"))
        ),
        at,
    )
    sentence, *later = plain[end].split("\n")
    plain[end] = "\n".join([sentence, f"Note {note.number}: {note.text}", *later])
