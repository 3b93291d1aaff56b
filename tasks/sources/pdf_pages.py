"""The text of a PDF file: bookmarks as headings, footnotes beside their references, and no running
heads or lines of contents.
"""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

from tasks.ngrams import words
from tasks.sources.page import HEADING, Page, left_out, tidy
from tasks.sources.pdf_notes import lines_of
from tasks.sources.readers import Unreadable

BOOKMARKS = 20_000
"""Most bookmarks that are read."""
DEEPEST = 6
"""Deepest level of a heading."""
EDGE_LINES = 2
"""Running heads are among so many lines at a page's top or bottom."""
RUNNING_PAGES = 3
"""Fewest pages that have the same running head."""
HEAD_CHARACTERS = 120
"""Most characters of a running head with a page number."""
TITLE_PAGE_LINES = 8
"""Most lines of a title page."""
HEADING_LINES = 3
"""Most lines of a heading."""
_LEADERS = re.compile(r"(?:\. ?){6,}")
"""Dots that lead to a page number in contents and indexes."""
_PAGE_NUMBER = re.compile(
    r"[-–— ]*(?:[Pp]age )?(?:\d{1,4}|[ivxlcIVXLC]{1,7})(?: of \d{1,4})?[-–— ]*"
)
_NUMBERING = re.compile(
    r"(?:chapter|appendix|part|section|article|rule)?(?:\d{1,6}|[a-z]\d{0,5}|[ivxlc]{1,6})?"
)
"""What may stand before a bookmark's words in its heading, as letters and digits: 23, chapter2,
a31.
"""
_HYPHENATED = re.compile("[\ufffe\x02](\r?\n)?")
"""The characters at a line's end where a word was hyphenated."""
_TORN = re.compile(r"[ ]?\n([,;.:)])(?=\s)")
"""A punctuation mark that a raised number has separated from its line."""


class Bookmark(NamedTuple):
    """An entry of a PDF's outline. key: the letters and digits of its title. level: 1 for the
    highest. page: counted from 0.
    """

    key: str
    level: int
    page: int


def read_pdf(path: Path, max_characters: int) -> Page:
    """Return title and text of all pages, and what was left out. Raises Unreadable.

    max_characters: limit for the text of all pages.
    """
    import pypdfium2

    try:
        with pypdfium2.PdfDocument(path) as document:
            title = str(document.get_metadata_value("Title") or "")
            bookmarks = _bookmarks(document)
            pages = list(_pages(document, max_characters))
    except pypdfium2.PdfiumError as exc:
        locked = exc.err_code == pypdfium2.raw.FPDF_ERR_PASSWORD
        raise Unreadable("encrypted_file" if locked else "broken_pdf", str(exc)) from exc
    title = title.strip() or _title_page(pages)
    pages, heads = _without_running_heads(pages)
    pages, contents = _without_leaders(pages)
    pieces = [("running_head", line) for line in heads]
    pieces += [("contents", line) for line in contents]
    text = _joined(_with_headings(pages, bookmarks))
    return Page(title, tidy(text), left_out(pieces))


def _bookmarks(document: Any) -> list[Bookmark]:
    found = []
    for entry in islice(document.get_toc(max_depth=DEEPEST), BOOKMARKS):
        place = entry.get_dest()
        page = place.get_index() if place else None
        key = _key(entry.get_title() or "")
        if page is not None and key:
            found.append(Bookmark(key, min(entry.level + 1, DEEPEST), page))
    return found


def _pages(document: Any, max_characters: int) -> Iterator[list[str]]:
    """Yield the lines of every page. Raises Unreadable if all together have more than
    max_characters.
    """
    size = 0
    for number in range(len(document)):
        page = document[number]
        lines = lines_of(page.get_textpage())
        page.close()
        size += sum(map(len, lines)) + len(lines)
        if size > max_characters:
            raise Unreadable("too_large", f"unpacks to more than {max_characters} characters")
        text = _TORN.sub(r"\1", _HYPHENATED.sub("", "\n".join(lines)))
        yield [line for line in text.splitlines() if line.strip()]


def _title_page(pages: list[list[str]]) -> str:
    """Return the first line of a first page that holds little more than a title, else ""."""
    first = pages[0] if len(pages) > TITLE_PAGE_LINES else []
    return first[0].strip() if 0 < len(first) <= TITLE_PAGE_LINES else ""


def _key(text: str) -> str:
    return "".join(words(text))


def _without_running_heads(pages: list[list[str]]) -> tuple[list[list[str]], list[str]]:
    """Return the pages without running heads, and these lines.

    A running head stands at a page's edge and occurs on other pages too, or holds the page number.
    """
    seen: Counter[str] = Counter()
    for lines in pages:
        seen.update({_shape(line) for line in (*lines[:EDGE_LINES], *lines[-EDGE_LINES:])})
    offset = _first_number(pages)

    def runs(line: str, page: int) -> bool:
        numbered = offset is not None and page + offset in _edge_numbers(line)
        if numbered and len(line) <= HEAD_CHARACTERS:
            return True
        ends = line.rstrip().endswith((".", "!", "?"))
        return seen[_shape(line)] >= RUNNING_PAGES and not ends

    removed: list[str] = []
    kept = []
    for page, lines in enumerate(pages):
        first, last = 0, len(lines)
        while first < min(EDGE_LINES, last) and runs(lines[first], page):
            first += 1
        while last > max(first, len(lines) - EDGE_LINES) and runs(lines[last - 1], page):
            last -= 1
        removed += [*lines[:first], *lines[last:]]
        kept.append(lines[first:last])
    return kept, removed


def _first_number(pages: list[list[str]]) -> int | None:
    """Return the printed number of page 0, or the number it would have, by the edges of most pages.
    None if the pages are not numbered.
    """
    votes: Counter[int] = Counter()
    for page, lines in enumerate(pages):
        edges = [*lines[:1], *lines[-1:]]
        votes.update({number - page for line in edges for number in _edge_numbers(line)})
    offset, pages_agreed = votes.most_common(1)[0] if votes else (0, 0)
    return offset if pages_agreed >= max(RUNNING_PAGES, len(pages) // 4) else None


def _edge_numbers(line: str) -> set[int]:
    """Return the numbers at the beginning and the end of a line."""
    found = line.split()
    edges = (found[0], found[-1]) if found else ()
    return {int(word) for word in edges if word.isascii() and word.isdecimal()}


def _shape(line: str) -> str:
    """Return a line with "#" for its numbers. A page number alone is "#"."""
    line = line.strip()
    return "#" if _PAGE_NUMBER.fullmatch(line) else re.sub(r"\d+", "#", line)


def _without_leaders(pages: list[list[str]]) -> tuple[list[list[str]], list[str]]:
    removed = [line for lines in pages for line in lines if _LEADERS.search(line)]
    return [[line for line in lines if not _LEADERS.search(line)] for lines in pages], removed


def _with_headings(pages: list[list[str]], bookmarks: Sequence[Bookmark]) -> Iterator[list[str]]:
    """Yield the pages. The lines to which bookmarks lead are Markdown headings."""
    by_page: dict[int, list[Bookmark]] = {}
    for bookmark in bookmarks:
        by_page.setdefault(bookmark.page, []).append(bookmark)
    for number, lines in enumerate(pages):
        safe = list(lines)
        start = 0
        for bookmark in by_page.get(number, ()):
            found = _find(safe, bookmark.key, start)
            if found:
                first, size = found
                heading = " ".join(line.strip() for line in safe[first : first + size])
                safe[first : first + size] = ["", f"{HEADING}{'#' * bookmark.level} {heading}", ""]
                start = first + 3
        yield safe


def _find(lines: list[str], key: str, start: int) -> tuple[int, int] | None:
    """Return (first line, number of lines) of the heading with these letters and digits, with or
    without its own number.
    """
    for first in range(start, len(lines)):
        found = ""
        for size, line in enumerate(lines[first : first + HEADING_LINES], 1):
            found += _key(line)
            if len(found) > len(key) + 20:
                break
            if found.endswith(key) and _NUMBERING.fullmatch(found[: len(found) - len(key)]):
                shorter = _find(lines[: first + size], key, first + 1)
                return shorter or (first, size)
    return None


def _joined(pages: Iterator[list[str]]) -> str:
    """Return all pages as one text. A sentence that continues on the next page is not
    interrupted.
    """
    text = ""
    for lines in pages:
        page = "\n".join(lines)
        ends = text.rstrip().endswith((".", ":", "!", "?")) or page.startswith("\n")
        text += ("\n\n" if ends else "\n") + page
    return text
