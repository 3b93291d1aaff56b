"""From files of many kinds to documents: every file or row is read, or rejected with a reason."""

import hashlib
import json
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from tasks.spec import digest, plain_yaml

HEADINGS = ("h1", "h2", "h3", "h4", "h5", "h6")
DROPPED_TAGS = ("script", "style", "nav", "header", "footer", "noscript", "template", "svg")
MARKDOWN, PLAIN, PAGES, ROWS = {".md", ".markdown"}, {".txt", ".rst"}, {".html", ".htm"}, {".jsonl", ".csv", ".tsv", ".parquet"}
_LEADERS = re.compile(r"(?m)^.*(?:\. ?){6,}.*\n?")
"""A line of a table of contents, dots leading to its page."""
_CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
"""Control characters, and those that turn the reading direction: nothing that a document says, all that a terminal obeys."""
UNPDF = Path(__file__).with_name("unpdf.py")
PDF_MEMORY, PDF_SECONDS, PDF_BYTES = 2 * 2**30, 20, 10 * 2**20
"""Memory of the program that reads a PDF file; seconds of CPU for any file, and again for each so many bytes."""
MOST_TAGS, TITLE_CHARACTERS, FRONT_CHARACTERS = 500_000, 200, 20_000
SUFFIXES = tuple(sorted(MARKDOWN | PLAIN | PAGES | ROWS | {".pdf"}))


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
    """Return the file itself, or every file below a folder in a stable order; hidden ones are left out."""
    if path.is_file():
        return [path]
    below = (found for found in path.rglob("*") if found.is_file() or found.is_symlink())
    return sorted(found for found in below if not any(part.startswith(".") for part in found.relative_to(path).parts))


def read_file(path: Path, *, source: str, licence: str, max_bytes: int) -> Document | Fault:
    """Return the one document of a text, Markdown, HTML or PDF file, or its fault."""
    try:
        title, text, own_licence = _take_apart(path, max_bytes)
    except Unreadable as exc:
        return Fault(source, exc.reason, exc.detail)
    except OSError as exc:
        return Fault(source, "unreadable_file", str(exc))
    return document_of(title or path.stem, text, source, own_licence or licence)


def document_of(title: str, text: str, source: str, licence: str) -> Document | Fault:
    """Return a document of plain text: control characters become blanks, a long title is cut; a fault where no text is left."""
    if not is_text(title + text):
        return Fault(source, "bad_encoding", "holds halves of characters (lone surrogates)")
    plain = plain_text(text)
    if not plain.strip():
        return Fault(source, "empty_text", f"{source} holds no text")
    return Document(" ".join(plain_text(title).split())[:TITLE_CHARACTERS], plain, source, licence)


def is_text(text: str) -> bool:
    """Whether a text can be written down: JSON can spell halves of characters that no encoding takes."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def plain_text(text: str) -> str:
    """Return the text with a blank for every control character but tab and newline."""
    return _CONTROL.sub(" ", text)


def check_size(path: Path, max_bytes: int) -> None:
    """Raise Unreadable for an empty or enormous file, before anything of it is read."""
    size = path.stat().st_size
    if not size:
        raise Unreadable("empty_file", f"{path.name} has no bytes")
    if size > max_bytes:
        raise Unreadable("too_large", f"{path.name} has {size} bytes; max_bytes is {max_bytes}")


def decode(raw: bytes, name: str) -> str:
    """Return UTF-8 (or marked UTF-16) text with plain newlines; Unreadable for binary and for any other encoding."""
    if raw.startswith((b"\xff\xfe", b"\xfe\xff")):
        encoding = "utf-16"
    elif b"\0" in raw:
        raise Unreadable("binary_file", f"{name} holds NUL bytes")
    else:
        encoding = "utf-8-sig"
    try:
        return raw.decode(encoding).replace("\r\n", "\n").replace("\r", "\n")
    except UnicodeDecodeError as exc:
        raise Unreadable("bad_encoding", f"{name}: {exc.reason} at byte {exc.start}; convert it to UTF-8") from exc


def _take_apart(path: Path, max_bytes: int) -> tuple[str, str, str]:
    """Return (title, text, licence) of one file."""
    check_size(path, max_bytes)
    suffix = path.suffix.lower()
    if suffix == ".pdf":
        return _pdf(path, max_bytes)
    readers: dict[str, Callable[[str], tuple[str, str, str]]] = {
        **dict.fromkeys(MARKDOWN, _markdown), **dict.fromkeys(PLAIN, _plain), **dict.fromkeys(PAGES, _html),
    }  # fmt: skip
    if suffix not in readers:
        raise Unreadable("unsupported_type", f"{path.name}: {suffix or 'no suffix'}; read are {', '.join(SUFFIXES)}")
    return readers[suffix](decode(path.read_bytes(), path.name))


def _plain(text: str) -> tuple[str, str, str]:
    first = next((line.strip() for line in text.splitlines() if line.strip()), "")
    return first[:120], text, ""


def _markdown(text: str) -> tuple[str, str, str]:
    meta, body = _front_matter(text)
    heading = next((line.lstrip("#").strip() for line in body.splitlines() if line.startswith("# ")), "")
    title, licence = meta.get("title", heading), meta.get("licence", meta.get("license", ""))
    return str(title), body, str(licence)


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


def _html(text: str) -> tuple[str, str, str]:
    """Return the visible text, headings as Markdown so that sections survive."""
    from bs4 import BeautifulSoup

    if (tags := text.count("<")) > MOST_TAGS:
        raise Unreadable("too_large", f"{tags} tags; {MOST_TAGS} are the most that are taken apart in memory")
    soup = BeautifulSoup(text, "html.parser")
    title = soup.title.get_text(" ", strip=True) if soup.title else ""
    for tag in soup(DROPPED_TAGS):
        tag.decompose()
    for heading in soup(HEADINGS):
        words = heading.get_text(" ", strip=True).rstrip("¶# ")
        heading.replace_with(f"\n\n{'#' * int(heading.name[1])} {words}\n\n" if words else "\n")
    for block in soup(("p", "li", "tr", "dd", "dt", "pre", "blockquote", "div", "br")):
        block.append("\n\n" if block.name in ("p", "pre", "blockquote") else "\n")
    return title, _tidy(soup.get_text()), ""


def _pdf(path: Path, max_bytes: int) -> tuple[str, str, str]:
    """Return the text of all pages without lines of contents. A line that begins with # is no heading here, so it is moved in by a blank."""
    found = _unpacked(path, max_bytes)
    if "reason" in found:
        raise Unreadable(found["reason"], f"{path.name}: {found['detail']}")
    return found["title"], re.sub(r"(?m)^#", " #", _LEADERS.sub("", _tidy(found["text"]))), ""


def _unpacked(path: Path, max_bytes: int) -> dict[str, str]:
    """Return what the program beside this module says of a PDF file; one that kills it, or keeps it busy for ever, is a broken one."""
    seconds = PDF_SECONDS + path.stat().st_size * PDF_SECONDS // PDF_BYTES
    command = [sys.executable, "-I", str(UNPDF), str(path.absolute()), *map(str, (max_bytes, PDF_MEMORY, seconds))]
    try:
        done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, timeout=4 * seconds, check=False)
    except subprocess.TimeoutExpired:
        return {"reason": "broken_pdf", "detail": f"not read after {4 * seconds} s"}
    if done.returncode:
        limits = f"{PDF_MEMORY // 2**30} GiB of memory and {seconds} s of CPU"
        return {"reason": "broken_pdf", "detail": f"its reader ended with status {done.returncode}; it may take {limits}"}
    return dict(json.loads(done.stdout))


def _tidy(text: str) -> str:
    """Return the text without trailing blanks and with one blank line at most between paragraphs."""
    lines = [" ".join(line.split()) for line in text.splitlines()]
    kept: Iterator[str] = (line for before, line in zip(["", *lines], lines, strict=False) if line or before)
    return "\n".join(kept).strip() + "\n"
