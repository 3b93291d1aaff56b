"""The terminal output of `tracemill preview`: every row from its prompt to its verdicts."""

from itertools import groupby

from rich.console import Console
from rich.text import Text

from deployments.cli.screen_plan import shortened
from flows.preview import Preview, Previewed
from tasks.ngrams import plain_text
from tasks.verdicts.case import FAILED, NOT_CHECKED, PASSED, Verdict


def show_preview(made: Preview, console: Console | None = None) -> None:
    """Print the numbers of rows of every stage, the rows, and how many rows pass."""
    console = console or Console()
    for stage in made.stages:
        lost = ", ".join(f"{reason} {count}" for reason, count in stage.rejected.items())
        _line(console, stage.name, f"{stage.rows:,} rows" + (f"; {lost}" if lost else ""))
        for text in (*stage.wrote, *(f"lost: {one}" for one in stage.lost)):
            _line(console, "", text)
    for number, row in enumerate(made.rows, 1):
        _row(console, row, f"row {number} of {len(made.rows)}: {row.family}")
    passed = sum(row.passed for row in made.rows)
    console.rule("preview", align="left")
    _line(console, "passed", f"{passed} of {len(made.rows)} rows pass every gate; nothing was kept")


def _row(console: Console, row: Previewed, title: str) -> None:
    console.rule(Text(title), align="left")
    for message in row.messages:
        _line(console, message["role"], message["content"])
    if row.lost:
        _line(console, "lost", f"{row.lost}: the answer cannot be a trace")
        return
    _line(console, "thinks", row.think)
    _line(console, "answers", row.answer)
    order = (FAILED, PASSED, NOT_CHECKED)
    by_state = sorted(row.verdicts, key=lambda one: order.index(one.state))
    for state, several in groupby(by_state, key=lambda one: one.state):
        _line(console, state.replace("_", " "), ", ".join(map(_verdict, several)))


def _verdict(one: Verdict) -> str:
    return f"{one.gate} ({one.reason})" if one.reason else one.gate


def _line(console: Console, title: str, says: str) -> None:
    """Print a line without control characters, because it may quote a document or a model."""
    console.print(Text(f"{title:12} {shortened(plain_text(says))}"), soft_wrap=True)
