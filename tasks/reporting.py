"""Progress for a person: a bar on a terminal, a line every ten seconds anywhere else."""

import logging
import sys
import threading
import time
from collections.abc import Callable
from contextvars import copy_context
from types import TracebackType
from typing import Any, NamedTuple, TextIO

SHOWN_SECONDS = 2.0
"""Time after which a stage is shown, and between two updates."""
LINE_SECONDS = 10.0
"""Time between two lines where there is no terminal."""
log = logging.getLogger(__name__)


class State(NamedTuple):
    """The state of the work. total: 0 if unknown."""

    done: int = 0
    total: int = 0
    tokens: int = 0
    unit: str = "row"


class ProgressReport:
    """Shows the progress of a stage, from a thread; a report costs only one assignment.

    share: called with the share that is done (0 to 1) at every update, if the total is known.
    """

    def __init__(
        self,
        what: str,
        *,
        share: Callable[[float], None] = lambda share: None,
        stream: TextIO | None = None,
    ) -> None:
        self._what, self._share = what, share
        self._stream = stream or sys.stderr
        self._state = State()
        self._first: tuple[float, int] | None = None
        self._began = time.monotonic()
        self._ended = threading.Event()
        self._thread = threading.Thread(target=copy_context().run, args=(self._watch,), daemon=True)

    def __call__(self, *, done: int, total: int, tokens: int = 0, unit: str = "row") -> None:
        """Save the state; it is shown within two seconds."""
        if self._first is None:
            # Rows that were done before this run began do not count for its speed.
            self._first = time.monotonic(), done
        self._state = State(done, total, tokens, unit)

    def __enter__(self) -> "ProgressReport":
        self._began = time.monotonic()
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        exc: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._ended.set()
        self._thread.join()

    def line(self) -> str:
        """Return the state as one line: stage, count, rate, time left."""
        seconds = time.monotonic() - self._began
        done, total, tokens, unit = self._state
        if not done and not total:
            return f"{self._what}: running for {_span(seconds)}"
        count = f"{done:,} of {total:,} {unit}s" if total else f"{done:,} {unit}s"
        rate = self._rate()
        with_tokens = f", {tokens:,} tokens" if tokens else ""
        left = f", {_span((total - done) / rate)} left" if total and rate else ""
        return f"{self._what}: {count}{with_tokens}, {rate:,.1f} per second{left}"

    def _rate(self) -> float:
        since, done_before = self._first or (self._began, 0)
        seconds = time.monotonic() - since
        return (self._state.done - done_before) / seconds if seconds > 0 else 0.0

    def _watch(self) -> None:
        if self._stream.isatty():
            self._draw_bar()
        else:
            self._write_lines()

    def _write_lines(self) -> None:
        """Write a line every ten seconds: into the log if it shows INFO, else to the stream."""
        last_line = time.monotonic()
        while not self._ended.wait(min(SHOWN_SECONDS, LINE_SECONDS)):
            self._share_done()
            if time.monotonic() - last_line < LINE_SECONDS:
                continue
            last_line = time.monotonic()
            if log.isEnabledFor(logging.INFO):
                log.info("%s", self.line())
            else:
                self._stream.write(f"{self.line()}\n")
                self._stream.flush()

    def _draw_bar(self) -> None:
        from tqdm import tqdm

        bar: Any = None
        while not self._ended.wait(SHOWN_SECONDS):
            if bar is None or bar.unit != self._state.unit:
                _, done_before = self._first or (0.0, 0)
                bar = tqdm(
                    desc=self._what,
                    unit=self._state.unit,
                    initial=done_before,
                    file=self._stream,
                    leave=False,
                    dynamic_ncols=True,
                )
                bar.start_t = time.time() - (time.monotonic() - self._began)
            bar.total = self._state.total or None
            bar.n = self._state.done
            if self._state.tokens:
                bar.set_postfix(tokens=self._state.tokens, refresh=False)
            bar.refresh()
            self._share_done()
        if bar is not None:
            bar.close()

    def _share_done(self) -> None:
        if self._state.total:
            self._share(self._state.done / self._state.total)


def _span(seconds: float) -> str:
    """Return a duration for a person: 8 s, 2 min 05 s, 3 h 20 min."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    minutes, rest = divmod(whole, 60)
    if minutes < 60:
        return f"{minutes} min {rest:02d} s"
    return f"{minutes // 60} h {minutes % 60:02d} min"
