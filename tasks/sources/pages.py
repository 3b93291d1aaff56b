"""Text of HTML pages and PDF files, taken out by a process of its own: what a hostile file fills, breaks or holds up is that process."""

import json
import os
import re
import resource
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Any

from tasks.sources.readers import PAGES, Unreadable, decode

HEADINGS = ("h1", "h2", "h3", "h4", "h5", "h6")
DROPPED_TAGS = ("script", "style", "nav", "header", "footer", "noscript", "template", "svg")
MEMORY_BYTES, SECONDS, SECONDS_BYTES = 2 * 2**30, 20, 10 * 2**20
"""What the process may take: memory, seconds of CPU for any file, and as many again for each so many bytes of it."""
_LEADERS = re.compile(r"(?m)^.*(?:\. ?){6,}.*\n?")
"""A line of a table of contents, dots leading to its page."""
_HYPHENATED = re.compile("[\ufffe\x02](\r?\n)?")
"""What stands where a word was hyphenated at a line's end."""


class PageReader:
    """Takes pages apart, one after another, in a process that is started when one is needed and again when a file has killed it."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> "PageReader":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        exc: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._end()

    def read(self, path: Path, max_bytes: int) -> tuple[str, str]:
        """Return (title, text) of an .html or .pdf file. Raises Unreadable."""
        seconds = SECONDS + path.stat().st_size * SECONDS // SECONDS_BYTES
        said = self._ask(
            {"path": os.fsdecode(path.absolute()), "max_characters": max_bytes, "seconds": seconds}
        )
        found = json.loads(said) if said else self._fault(path, seconds)
        if "reason" in found:
            raise Unreadable(found["reason"], f"{path.name}: {found['detail']}")
        return found["title"], found["text"]

    def _ask(self, question: dict[str, object]) -> bytes:
        """Return the process' answer, empty where the question was its end."""
        process = self._process = self._process or _start()
        assert process.stdin and process.stdout
        try:
            process.stdin.write(json.dumps(question).encode() + b"\n")
            process.stdin.flush()
            return process.stdout.readline()
        except BrokenPipeError:
            return b""

    def _fault(self, path: Path, seconds: int) -> dict[str, str]:
        status = self._end()
        limits = f"{seconds} s of CPU and {MEMORY_BYTES // 2**20} MiB"
        if status in (-signal.SIGXCPU, -signal.SIGABRT):
            return {"reason": "too_large", "detail": f"not taken apart within {limits}"}
        return {
            "reason": f"broken_{path.suffix.lower()[1:]}",
            "detail": f"its reader ended with status {status}; it may take {limits}",
        }

    def _end(self) -> int:
        """Let the process go; it ends with its input. Return its status, 0 where there was none."""
        process, self._process = self._process, None
        return 0 if process is None else _ended(process)


def _start() -> "subprocess.Popen[bytes]":
    # Of the environment nothing is handed on: a reader that is taken over finds no key there.
    own = {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    return subprocess.Popen(
        [sys.executable, "-m", __name__],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env=own,
    )


def _ended(process: "subprocess.Popen[bytes]") -> int:
    process.communicate()
    return process.returncode


def main() -> None:
    """Answer every question on stdin with a line: the child's side."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    for line in sys.stdin:
        question = json.loads(line)
        used = resource.getrusage(resource.RUSAGE_SELF)
        resource.setrlimit(
            resource.RLIMIT_CPU,
            (int(used.ru_utime + used.ru_stime) + 1 + question["seconds"], resource.RLIM_INFINITY),
        )
        sys.stdout.write(
            json.dumps(_answer(Path(question["path"]), question["max_characters"])) + "\n"
        )
        sys.stdout.flush()


def _answer(path: Path, max_characters: int) -> dict[str, str]:
    take_apart = html if path.suffix.lower() in PAGES else pdf
    try:
        title, text = take_apart(path, max_characters)
    except Unreadable as exc:
        return {"reason": exc.reason, "detail": exc.detail}
    except (MemoryError, RecursionError) as exc:
        return {
            "reason": "too_large",
            "detail": f"unpacks to more than can be held ({type(exc).__name__})",
        }
    return {"title": title, "text": text}


def html(path: Path, max_characters: int) -> tuple[str, str]:
    """Return title and visible text, headings as Markdown so that sections survive."""
    from bs4 import BeautifulSoup

    soup = BeautifulSoup(decode(path.read_bytes(), path.name), "html.parser")
    title = soup.title.get_text(" ", strip=True) if soup.title else ""
    for tag in soup(DROPPED_TAGS):
        tag.decompose()
    for heading in soup(HEADINGS):
        words = heading.get_text(" ", strip=True).rstrip("¶# ")
        # Replacing the tag itself would search its place among all its sisters: quadratic on a long page.
        heading.string = f"\n\n{'#' * int(heading.name[1])} {words}\n\n" if words else "\n"
    for block in soup(("p", "li", "tr", "dd", "dt", "pre", "blockquote", "div", "br")):
        block.append("\n\n" if block.name in ("p", "pre", "blockquote") else "\n")
    return title, _tidy(soup.get_text())


def pdf(path: Path, max_characters: int) -> tuple[str, str]:
    """Return title and text of all pages without lines of contents. A line that begins with # is no heading here, so it is moved in by a blank."""
    import pypdfium2

    try:
        with pypdfium2.PdfDocument(path) as document:
            title = str(document.get_metadata_value("Title") or "")
            text = _tidy(_pages(document, max_characters))
    except pypdfium2.PdfiumError as exc:
        locked = exc.err_code == pypdfium2.raw.FPDF_ERR_PASSWORD
        raise Unreadable("encrypted_file" if locked else "broken_pdf", str(exc)) from exc
    return title, re.sub(r"(?m)^#", " #", _LEADERS.sub("", text))


def _pages(document: Any, max_characters: int) -> str:
    pages: list[str] = []
    size = 0
    for number in range(len(document)):
        page = document[number]
        pages.append(_HYPHENATED.sub("", page.get_textpage().get_text_bounded()))
        page.close()
        size += len(pages[-1])
        if size > max_characters:
            raise Unreadable("too_large", f"unpacks to more than {max_characters} characters")
    return "\n\n".join(pages)


def _tidy(text: str) -> str:
    """Return the text without trailing blanks and with one blank line at most between paragraphs."""
    lines = [" ".join(line.split()) for line in text.splitlines()]
    kept: Iterator[str] = (
        line for before, line in zip(["", *lines], lines, strict=False) if line or before
    )
    return "\n".join(kept).strip() + "\n"


if __name__ == "__main__":
    main()
