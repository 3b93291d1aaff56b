"""From files of many kinds to documents: every file or row is read, or rejected with a reason."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tasks.ngrams import plain_text
from tasks.sources.markdown_notes import move_markdown_notes
from tasks.sources.page import Page
from tasks.spec import digest, plain_yaml

MARKDOWN, PLAIN, PAGES, ROWS = (
    {".md", ".markdown"},
    {".txt", ".rst"},
    {".html", ".htm"},
    {".jsonl", ".csv", ".tsv", ".parquet"},
)
TITLE_CHARACTERS, FRONT_CHARACTERS = 200, 20_000
PDF = {".pdf"}
SUFFIXES = tuple(sorted(MARKDOWN | PLAIN | PAGES | PDF | ROWS))
PageText = Callable[[Path, int], Page]
"""From a file and the characters it may unpack to, to its title, its text and what was left out of
it; raises Unreadable.
"""


@dataclass(frozen=True)
class Document:
    """A text with its title and where it came from."""

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
    """Something that could not become a document. reason: a snake_case noun. detail: what was seen."""

    source: str
    reason: str
    detail: str


class Unreadable(Exception):
    """A file that holds no document; carries the reason and what was seen."""

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(reason, detail)
        self.reason, self.detail = reason, detail


def files_under(path: Path) -> list[Path]:
    """Return the file itself, or every file below a folder in a stable order; hidden ones are left
    out.
    """
    if path.is_file():
        return [path]
    below = (found for found in path.rglob("*") if found.is_file() or found.is_symlink())
    return sorted(
        found
        for found in below
        if not any(part.startswith(".") for part in found.relative_to(path).parts)
    )


def read_file(
    path: Path, *, source: str, licence: str, max_bytes: int, pages: PageText
) -> list[Document | Fault]:
    """Return the one document of a text, Markdown, HTML or PDF file or its fault, then what was
    left out. pages: what takes HTML and PDF apart.
    """
    try:
        page, own_licence = _take_apart(path, max_bytes, pages)
    except Unreadable as exc:
        return [Fault(source, exc.reason, exc.detail)]
    except OSError as exc:
        return [Fault(source, "unreadable_file", str(exc))]
    document = document_of(page.title or path.stem, page.text, source, own_licence or licence)
    return [document, *(Fault(source, piece.reason, piece.detail) for piece in page.left_out)]


def document_of(title: str, text: str, source: str, licence: str) -> Document | Fault:
    """Return a document of plain text: control characters become blanks, a long title is cut; a
    fault where no text is left.
    """
    if not is_text(title + text):
        return Fault(source, "bad_encoding", "holds halves of characters (lone surrogates)")
    plain = plain_text(text)
    if not plain.strip():
        return Fault(source, "empty_text", f"{source} holds no text")
    return Document(" ".join(plain_text(title).split())[:TITLE_CHARACTERS], plain, source, licence)


def is_text(text: str) -> bool:
    """Whether a text can be written down: JSON can spell halves of characters that no encoding
    takes.
    """
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def check_size(path: Path, max_bytes: int) -> None:
    """Raise Unreadable for an empty or enormous file, before anything of it is read."""
    size = path.stat().st_size
    if not size:
        raise Unreadable("empty_file", f"{path.name} has no bytes")
    if size > max_bytes:
        raise Unreadable("too_large", f"{path.name} has {size} bytes; max_bytes is {max_bytes}")


def decode(raw: bytes, name: str) -> str:
    """Return UTF-8 (or marked UTF-16) text with plain newlines; Unreadable for binary and for any
    other encoding.
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
        raise Unreadable(
            "bad_encoding", f"{name}: {exc.reason} at byte {exc.start}; convert it to UTF-8"
        ) from exc


def _take_apart(path: Path, max_bytes: int, pages: PageText) -> tuple[Page, str]:
    """Return the title and text of one file, and the licence that it names."""
    check_size(path, max_bytes)
    suffix = path.suffix.lower()
    if suffix in PAGES | PDF:
        return pages(path, max_bytes), ""
    if suffix not in SUFFIXES:
        raise Unreadable(
            "unsupported_type",
            f"{path.name}: {suffix or 'no suffix'}; read are {', '.join(SUFFIXES)}",
        )
    text = decode(path.read_bytes(), path.name)
    return _markdown(text) if suffix in MARKDOWN else (_plain(text), "")


def _plain(text: str) -> Page:
    first = next((line.strip() for line in text.splitlines() if line.strip()), "")
    return Page(first[:120], text)


def _markdown(text: str) -> tuple[Page, str]:
    meta, body = _front_matter(text)
    heading = next(
        (line.lstrip("#").strip() for line in body.splitlines() if line.startswith("# ")), ""
    )
    title, licence = meta.get("title", heading), meta.get("licence", meta.get("license", ""))
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
