"""Text of HTML pages and PDF files, extracted by a child process, so that a hostile file can only
fill, break or block that process.
"""

import json
import os
import resource
import signal
import subprocess
import sys
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple

from tasks.sources.html_pages import read_html
from tasks.sources.page import LeftOut, Page
from tasks.sources.pdf_pages import read_pdf
from tasks.sources.readers import PAGES, Unreadable, decode

MEMORY_BYTES = 2 * 2**30
"""Most memory of the child process."""
SECONDS = 20
"""CPU seconds for any file."""
SECONDS_BYTES = 10 * 2**20
"""A file gets SECONDS more for each so many bytes."""


class Question(NamedTuple):
    """One line on the standard input of the child process."""

    path: str
    max_characters: int
    seconds: int


class PageReader:
    """Extracts pages in a child process. The process starts when it is needed, and again after a
    file has killed it.
    """

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

    def read(self, path: Path, max_bytes: int) -> Page:
        """Return title and text of an .html or .pdf file, and what its reader left out. Raises
        Unreadable.
        """
        seconds = SECONDS + path.stat().st_size * SECONDS // SECONDS_BYTES
        reply = self._ask(Question(os.fsdecode(path.absolute()), max_bytes, seconds))
        found = json.loads(reply) if reply else self._fault(path, seconds)
        if "reason" in found:
            raise Unreadable(found["reason"], f"{path.name}: {found['detail']}")
        surroundings = tuple(LeftOut(*piece) for piece in found["left_out"])
        return Page(found["title"], found["text"], surroundings)

    def _ask(self, question: Question) -> bytes:
        """Return the reply of the child process, b"" if the file has ended it."""
        process = self._process = self._process or _start()
        assert process.stdin and process.stdout
        try:
            process.stdin.write(json.dumps(question._asdict()).encode() + b"\n")
            process.stdin.flush()
            return process.stdout.readline()
        except BrokenPipeError:
            return b""

    def _fault(self, path: Path, seconds: int) -> dict[str, Any]:
        status = self._end()
        limits = f"{seconds} s of CPU and {MEMORY_BYTES // 2**20} MiB"
        if status in (-signal.SIGXCPU, -signal.SIGABRT):
            return {"reason": "too_large", "detail": f"its text was not extracted within {limits}"}
        return {
            "reason": f"broken_{path.suffix.lower()[1:]}",
            "detail": f"its reader ended with status {status}; its limits are {limits}",
        }

    def _end(self) -> int:
        """Close the child process' input and wait for its end. Return its exit status, 0 without a
        process.
        """
        process, self._process = self._process, None
        return 0 if process is None else _ended(process)


def _start() -> "subprocess.Popen[bytes]":
    # The child gets only the module path from the environment, so a hostile file that takes it over
    # finds no secret.
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
    """Answer every question on standard input with one line. The child process runs this."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    for line in sys.stdin:
        question = Question(**json.loads(line))
        _allow_seconds(question.seconds)
        answer = _answer(Path(question.path), question.max_characters)
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()


def _allow_seconds(seconds: int) -> None:
    """Limit the CPU time of this process to what it has used and so many seconds."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    limit = int(used.ru_utime + used.ru_stime) + 1 + seconds
    resource.setrlimit(resource.RLIMIT_CPU, (limit, resource.RLIM_INFINITY))


def _answer(path: Path, max_characters: int) -> dict[str, Any]:
    try:
        page = _read(path, max_characters)
    except Unreadable as exc:
        return {"reason": exc.reason, "detail": exc.detail}
    except (MemoryError, RecursionError) as exc:
        detail = f"unpacks to more than fits into memory ({type(exc).__name__})"
        return {"reason": "too_large", "detail": detail}
    return page._asdict()


def _read(path: Path, max_characters: int) -> Page:
    if path.suffix.lower() in PAGES:
        return read_html(decode(path.read_bytes(), path.name))
    return read_pdf(path, max_characters)


if __name__ == "__main__":
    main()
