"""Text of HTML pages and PDF files, taken out by a process of its own: what a hostile file fills,
breaks or holds up is that process.
"""

import json
import os
import resource
import signal
import subprocess
import sys
from pathlib import Path
from types import TracebackType
from typing import Any

from tasks.sources.html_pages import read_html
from tasks.sources.page import LeftOut, Page
from tasks.sources.pdf_pages import read_pdf
from tasks.sources.readers import PAGES, Unreadable, decode

MEMORY_BYTES, SECONDS, SECONDS_BYTES = 2 * 2**30, 20, 10 * 2**20
"""What the process may take: memory, seconds of CPU for any file, and as many again for each so
many bytes of it.
"""


class PageReader:
    """Takes pages apart, one after another, in a process that is started when one is needed and
    again when a file has killed it.
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
        said = self._ask(
            {"path": os.fsdecode(path.absolute()), "max_characters": max_bytes, "seconds": seconds}
        )
        found = json.loads(said) if said else self._fault(path, seconds)
        if "reason" in found:
            raise Unreadable(found["reason"], f"{path.name}: {found['detail']}")
        surroundings = tuple(LeftOut(*piece) for piece in found["left_out"])
        return Page(found["title"], found["text"], surroundings)

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

    def _fault(self, path: Path, seconds: int) -> dict[str, Any]:
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


def _answer(path: Path, max_characters: int) -> dict[str, Any]:
    try:
        page = _read(path, max_characters)
    except Unreadable as exc:
        return {"reason": exc.reason, "detail": exc.detail}
    except (MemoryError, RecursionError) as exc:
        return {
            "reason": "too_large",
            "detail": f"unpacks to more than can be held ({type(exc).__name__})",
        }
    return page._asdict()


def _read(path: Path, max_characters: int) -> Page:
    if path.suffix.lower() in PAGES:
        return read_html(decode(path.read_bytes(), path.name))
    return read_pdf(path, max_characters)


if __name__ == "__main__":
    main()
