"""Long work says how far it has come, on a terminal and without one."""

import io
import re
import threading
import time

import pytest

from tasks import reporting
from tasks.progress import counted, watched_by, watcher
from tasks.reporting import ProgressReport


class Screen(io.StringIO):
    """A stream that may be a terminal, and says when something was written to it."""

    def __init__(self, *, terminal: bool) -> None:
        super().__init__()
        self._terminal, self.written = terminal, threading.Event()

    def isatty(self) -> bool:
        return self._terminal

    def write(self, text: str) -> int:
        made = super().write(text)
        self.written.set()
        return made


@pytest.fixture(autouse=True)
def hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reporting, "SHOWN_SECONDS", 0.02)
    monkeypatch.setattr(reporting, "LINE_SECONDS", 0.04)


def shown(*, terminal: bool, unit: str = "row") -> str:
    """Return what a stage of which 30 of 120 rows are done shows; 10 were there before."""
    screen = Screen(terminal=terminal)
    with ProgressReport("traces", stream=screen) as report:
        report(done=10, total=120, unit=unit)
        report(done=30, total=120, unit=unit)
        assert screen.written.wait(30)
    return screen.getvalue()


def test_a_terminal_shows_a_bar_with_stage_count_rate_and_time_left() -> None:
    text = shown(terminal=True, unit="step")
    assert re.search(r"traces: +25%\|.*\| 30/120 \[.*<.*step", text), text


def test_without_a_terminal_there_are_lines_with_stage_count_rate_and_time_left() -> None:
    first = shown(terminal=False).splitlines()[0]
    assert re.fullmatch(r"traces: 30 of 120 rows, [\d,.]+ per second, \d+ s left", first), first


def test_a_stage_without_counts_says_that_it_runs() -> None:
    screen = Screen(terminal=False)
    with ProgressReport("audits", stream=screen):
        assert screen.written.wait(30)
    assert re.match(r"audits: running for \d+ s\n", screen.getvalue())


def test_what_was_there_before_is_no_part_of_the_rate(monkeypatch: pytest.MonkeyPatch) -> None:
    report = ProgressReport("traces")
    now = [100.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    report(done=1000, total=1300)
    now[0] += 10
    report(done=1100, total=1300, tokens=5000)
    line = "traces: 1,100 of 1,300 rows, 5,000 tokens, 10.0 per second, 20 s left"
    assert report.line() == line


def test_a_short_stage_shows_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reporting, "SHOWN_SECONDS", 60)
    for terminal in (True, False):
        screen = Screen(terminal=terminal)
        with ProgressReport("verdicts", stream=screen) as report:
            report(done=1, total=1)
        assert screen.getvalue() == ""


def test_the_share_is_told_where_a_total_is_known() -> None:
    told, heard = [], threading.Event()

    def share(value: float) -> None:
        told.append(value)
        heard.set()

    with ProgressReport("traces", share=share, stream=Screen(terminal=False)) as report:
        report(done=30, total=120)
        assert heard.wait(30)
    assert told[0] == 0.25


def test_work_reports_to_whoever_watches_it_and_to_nobody_else() -> None:
    seen: list[tuple[int, int]] = []

    def note(*, done: int, total: int, tokens: int = 0, unit: str = "row") -> None:
        seen.append((done, total))

    watcher()(done=1, total=2)
    with watched_by(note):
        assert list(counted("abc", total=5, of=2)) == ["a", "b", "c"]
    watcher()(done=1, total=2)
    assert seen == [(2, 5), (4, 5), (5, 5)]
