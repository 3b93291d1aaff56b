"""What a build looks like on the terminal when it is over."""

import logging
from pathlib import Path

from rich.console import Console
from rich.table import Table as Grid
from rich.text import Text

from flows.build_corpus import Summary


def keep_tracebacks_off() -> None:
    """Let a failed run end in the one line that the command prints; tracebacks still go to the run's log in Prefect."""
    from prefect.logging.configuration import setup_logging

    setup_logging()
    for handler in logging.getLogger().handlers:
        handler.addFilter(
            lambda record: record.exc_info is None and not (record.levelno >= logging.ERROR and record.name.startswith("prefect"))
        )


def show(summary: Summary, console: Console | None = None) -> None:
    """Print the stages, the yield and the places."""
    console = console or Console()
    grid = Grid(title=f"corpus {summary.fingerprint}", title_justify="left")
    grid.add_column("stage")
    for name in ("in", "out", "seconds"):
        grid.add_column(name, justify="right")
    grid.add_column("rejected")
    for line in summary.stages:
        reasons = ", ".join(f"{reason} {rows}" for reason, rows in sorted(line.rejected.items(), key=lambda item: -item[1]))
        grid.add_row(line.stage, str(line.rows_in), str(line.rows_out), f"{line.seconds:.1f}", Text(reasons))
    console.print(grid)
    speed = f"{summary.tokens_per_second:,.0f} tokens/s" if summary.requests else "nothing asked, all was there"
    console.print(f"{summary.rows} rows, {100 * summary.yield_:.0f} per 100 prompts; {summary.requests} requests, {speed}")
    if summary.judge:
        console.print(Text(f"coherence: {summary.judge}"), soft_wrap=True)
    for name in ("corpus", "rejected", "report", "card", "audit", "data_docs"):
        console.print(Text(f"{name.replace('_', ' '):10} {_short(getattr(summary, name))}"), soft_wrap=True)


def _short(path: str) -> str:
    """Return the path as seen from here, when it lies below."""
    here = Path.cwd()
    return str(Path(path).relative_to(here)) if Path(path).is_relative_to(here) else path
