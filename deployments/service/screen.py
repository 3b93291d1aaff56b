"""The terminal output of `tracemill up` and `tracemill status`."""

from collections.abc import Sequence
from datetime import datetime

from rich.console import Console
from rich.table import Table as Grid
from rich.text import Text

from deployments.service.service import Up
from deployments.service.status import Run, Status


def show_up(up: Up, console: Console | None = None) -> None:
    """Print the addresses, how to log in, and what is deployed.

    The password is not printed, because terminals may be logged.
    """
    console = console or Console()
    for name, value in (
        ("UI", up.ui),
        ("log in with", f"the text after = in `grep -m1 AUTH_STRING {up.settings}`"),
        ("reports", f"{up.reports}  (the same text: user, colon, password)"),
        ("store", str(up.root)),
        ("deployed", ", ".join(up.deployed)),
        ("shell", f"set -a; . {up.settings}; set +a   # then `prefect` and `tracemill` use it"),
    ):
        console.print(Text(f"{name:12} {value}"), soft_wrap=True)


def show_status(status: Status, console: Console | None = None) -> None:
    """Print the parts, then the runs: running, scheduled next, failed last."""
    console = console or Console()
    heard = (
        "no worker online"
        if status.worker_heard_seconds is None
        else f"last heartbeat {max(status.worker_heard_seconds, 0):.0f} s ago"
    )
    for name, alive, more in (
        ("server", status.server, f"{status.ui}  {status.database}"),
        ("worker", status.worker_heard_seconds is not None, heard),
        ("reports", status.reports, ""),
    ):
        console.print(
            Text(f"{name:8} {'up' if alive else 'down':5} {more}".rstrip()), soft_wrap=True
        )
    if not status.server:
        console.print("`tracemill up` starts the parts that are down")
    for title, runs in (
        ("running", status.running),
        ("next", status.scheduled),
        ("failed last", status.failed),
    ):
        if runs:
            console.print(_runs(title, runs))


def _runs(title: str, runs: Sequence[Run]) -> Grid:
    grid = Grid(title=title, title_justify="left")
    for name in ("flow", "recipe", "run", "state", "at", "says"):
        grid.add_column(name, overflow="fold")
    for run in runs:
        values = (run.flow, run.recipe, run.name, run.state, _local(run.at), run.says)
        grid.add_row(*map(Text, values))
    return grid


def _local(at: datetime | None) -> str:
    return at.astimezone().strftime("%a %d %b %H:%M %Z") if at else ""
