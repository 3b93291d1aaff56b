"""Documents from files of many types. Every file or row becomes a document or is rejected with a
reason.
"""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tasks.ngrams import plain_text
from tasks.sources.markdown_notes import move_markdown_notes
from tasks.sources.page import Page
from tasks.spec import digest, plain_yaml

MARKDOWN = {".md", ".markdown"}
PLAIN = {".txt", ".rst"}
PAGES = {".html", ".htm"}
PDF = {".pdf"}
ROWS = {".jsonl", ".csv", ".tsv", ".parquet"}
SUFFIXES = tuple(sorted(MARKDOWN | PLAIN | PAGES | PDF | ROWS))
"""Suffixes of all files that can be read."""
TITLE_CHARACTERS = 200
"""Most characters of a title."""
FRONT_CHARACTERS = 20_000
"""Most characters of the front matter of a Markdown file."""
LONE_SURROGATES = "holds halves of characters (lone surrogates)"
PageText = Callable[[Path, int], Page]
"""Returns the page of a file, given its path and the most characters its text may have. Raises
Unreadable.
"""


@dataclass(frozen=True)
class Document:
    """A text with its title, its source and its licence."""

    title: str
    text: str
    source: str
    licence: str

    @property
    def document_id(self) -> str:
        """16 hex digits over source and text."""
        return digest(self.source, self.text)[:16]

    @property
    def sha256(self) -> str:
        """SHA-256 of the text in UTF-8."""
        return hashlib.sha256(self.text.encode()).hexdigest()


@dataclass(frozen=True)
class Fault:
    """A file or row that does not become a document. reason: a snake_case noun. detail: what was
    found.
    """

    source: str
    reason: str
    detail: str


class Unreadable(Exception):
    """A file holds no document. reason, detail: as in Fault."""

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(reason, detail)
        self.reason, self.detail = reason, detail


def files_under(path: Path) -> list[Path]:
    """Return the file itself, or all files below a folder in a stable order, without hidden
    ones.
    """
    if path.is_file():
        return [path]
    below = (found for found in path.rglob("*") if found.is_file() or found.is_symlink())
    return sorted(found for found in below if not _is_hidden(found.relative_to(path)))


def _is_hidden(path: Path) -> bool:
    return any(part.startswith(".") for part in path.parts)


def read_file(
    path: Path, *, source: str, licence: str, max_bytes: int, pages: PageText
) -> list[Document | Fault]:
    """Return the document of a text, Markdown, HTML or PDF file or its fault, then a fault for each
    kind of text that was left out.

    licence: used if the file names none. pages: extracts the text of HTML and PDF files.
    """
    try:
        page, own_licence = _extract(path, max_bytes, pages)
    except Unreadable as exc:
        return [Fault(source, exc.reason, exc.detail)]
    except OSError as exc:
        return [Fault(source, "unreadable_file", str(exc))]
    document = document_of(page.title or path.stem, page.text, source, own_licence or licence)
    return [document, *(Fault(source, piece.reason, piece.detail) for piece in page.left_out)]


def document_of(title: str, text: str, source: str, licence: str) -> Document | Fault:
    """Return a document of plain text, or a fault if no text is left.

    Control characters become blanks, and a long title is cut.
    """
    if not is_text(title + text):
        return Fault(source, "bad_encoding", LONE_SURROGATES)
    plain = plain_text(text)
    if not plain.strip():
        return Fault(source, "empty_text", f"{source} holds no text")
    return Document(" ".join(plain_text(title).split())[:TITLE_CHARACTERS], plain, source, licence)


def is_text(text: str) -> bool:
    """Return whether a text can be encoded as UTF-8. JSON can hold single surrogates, which
    cannot.
    """
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def check_size(path: Path, max_bytes: int) -> None:
    """Raise Unreadable for an empty file and for one larger than max_bytes, before it is read."""
    size = path.stat().st_size
    if not size:
        raise Unreadable("empty_file", f"{path.name} has no bytes")
    if size > max_bytes:
        raise Unreadable("too_large", f"{path.name} has {size} bytes; max_bytes is {max_bytes}")


def decode(raw: bytes, name: str) -> str:
    """Return UTF-8 (or UTF-16 with a mark) as text with plain newlines. Raises Unreadable for
    binary files and other encodings.
    """
    if raw.startswith((b"\xff\xfe", b"\xfe\xff")):
        encoding = "utf-16"
    elif b"\0" in raw:
        raise Unreadable("binary_file", f"{name} holds NUL bytes")
    else:
        encoding = "utf-8-sig"
    try:
        return raw.decode(encoding).replace("\r\n", "\n").replace("\r", "\n")
    except UnicodeDecodeError as exc:
        detail = f"{name}: {exc.reason} at byte {exc.start}; convert it to UTF-8"
        raise Unreadable("bad_encoding", detail) from exc


def _extract(path: Path, max_bytes: int, pages: PageText) -> tuple[Page, str]:
    """Return the page of one file, and the licence that the file names."""
    check_size(path, max_bytes)
    suffix = path.suffix.lower()
    if suffix in PAGES | PDF:
        return pages(path, max_bytes), ""
    if suffix not in SUFFIXES:
        supported = f"supported types are {', '.join(SUFFIXES)}"
        detail = f"{path.name}: {suffix or 'no suffix'}; {supported}"
        raise Unreadable("unsupported_type", detail)
    text = decode(path.read_bytes(), path.name)
    return _markdown(text) if suffix in MARKDOWN else (_plain(text), "")


def _plain(text: str) -> Page:
    lines = (line.strip() for line in text.splitlines())
    return Page(next(filter(None, lines), "")[:120], text)


def _markdown(text: str) -> tuple[Page, str]:
    meta, body = _front_matter(text)
    headings = (line for line in body.splitlines() if line.startswith("# "))
    heading = next(headings, "").lstrip("#").strip()
    title = meta.get("title", heading)
    licence = meta.get("licence", meta.get("license", ""))
    return Page(str(title), move_markdown_notes(body)), str(licence)


def _front_matter(text: str) -> tuple[dict[str, object], str]:
    if not text.startswith("---\n") or "\n---\n" not in text[3:]:
        return {}, text
    head, body = text[4:].split("\n---\n", 1)
    if len(head) > FRONT_CHARACTERS:
        return {}, text
    try:
        meta = plain_yaml(head)
    except ValueError:
        return {}, text
    return (meta, body) if isinstance(meta, dict) else ({}, text)
