"""The lines of a PDF page, with footnotes moved to the sentences that refer to them."""

import re
from collections import Counter
from collections.abc import Iterator
from typing import Any, NamedTuple

SMALL = 0.93
"""Footnotes have letters smaller than this share of the body's size."""
RAISED = 0.8
"""Marks that refer to footnotes are smaller than this share of the body's size."""
_FIRST = re.compile(r"(\d{1,3})(?![\d.,:])[ \t]*")
_DIGITS = re.compile(r"\d{1,3}")


class Line(NamedTuple):
    """A line of a page. start: index of its first character in the page's text. height: of its
    letters, in points.
    """

    text: str
    start: int
    height: float


class Note(NamedTuple):
    """A footnote: its number, its text, and its lines on the page, [first, end)."""

    number: str
    text: str
    first: int
    end: int


def lines_of(page: Any) -> list[str]:
    """Return the lines of a page's text. Each footnote stands behind the sentence that refers to
    it, as "Note 3: …".
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
        before, after = plain[at][:column], plain[at][column + len(note.number) :]
        plain[at] = f"{before} (note {note.number}) {after}"
        _move(plain, note, at)
    return [line for line in plain if line]


def _lines(page: Any, text: str) -> Iterator[Line]:
    start = 0
    for line in text.splitlines(keepends=True):
        bare = line.rstrip("\r\n")
        letters = [place for place, sign in enumerate(bare) if sign.isalnum()]
        height = _height(page, start + letters[len(letters) // 2]) if letters else 0.0
        yield Line(bare, start, height)
        start += len(line)


def _height(page: Any, index: int) -> float:
    """Return the height of the line of type in which a character is set, in points."""
    from ctypes import byref

    from pypdfium2 import raw

    box = raw.FS_RECTF()
    if not raw.FPDFText_GetLooseCharBox(page, index, byref(box)):
        return 0.0
    return float(box.top - box.bottom)


def _body(lines: list[Line]) -> float:
    """Return the height of most letters of the page, in points."""
    heights: Counter[float] = Counter()
    for line in lines:
        heights[round(line.height, 1)] += len(line.text)
    heights.pop(0.0, None)
    return heights.most_common(1)[0][0] if heights else 0.0


def _notes(lines: list[Line]) -> list[Note]:
    """Return the footnotes of a page: its last lines in small type. Each note begins with its
    number.
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
    """Return [first, end) of the lines at a page's end that are smaller than its body. A page
    number below them is left out.
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
            if found[0] != note.number:
                continue
            if _height(page, line.start + found.start()) < RAISED * body:
                return place, found.start()
    return None


def _move(plain: list[str], note: Note, at: int) -> None:
    """Remove a note's lines from the foot, and put its text behind the end of the sentence with its
    mark.
    """
    plain[note.first : note.end] = [""] * (note.end - note.first)
    lines = range(at, note.first)
    ends = (line for line in lines if plain[line].rstrip().endswith((".", ":", "!", "?")))
    end = next(ends, at)
    sentence, *later = plain[end].split("\n")
    plain[end] = "\n".join([sentence, f"Note {note.number}: {note.text}", *later])
