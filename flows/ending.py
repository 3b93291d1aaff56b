"""The ending of a failed run: its stages, the largest losses with advice, the rejected rows.

The command line takes the ending from the exception. A run in Prefect shows it as a table artifact
and in its log.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from prefect.artifacts import create_table_artifact
from prefect.context import FlowRunContext
from prefect.logging import get_run_logger

from flows.advice import Loss, losses
from flows.clock import Clock, StageLine
from tasks.artifacts import shown_or_not

KEY = "ending"
"""Key of the table artifact."""
ATTRIBUTE = "tracemill_ending"
"""Attribute of the exception that has the ending."""
SHOWN_LOSSES = 5
"""Losses that are shown with advice; the table of stages has all of them."""


class Ending(NamedTuple):
    """The stages of a failed run.

    losses: the largest first. rejects: (stage, file of rejected rows) of stages that rejected rows.
    """

    stages: tuple[StageLine, ...]
    losses: tuple[Loss, ...]
    rejects: tuple[tuple[str, Path], ...]


def ending_of(clock: Clock) -> Ending:
    """Return the ending with all that a clock has recorded."""
    lines = tuple(clock.lines)
    rejects = tuple(
        (line.stage, path) for line, path in zip(lines, clock.rejects, strict=True) if line.rejected
    )
    return Ending(lines, tuple(losses(lines)), rejects)


def ending_in(exc: BaseException) -> Ending | None:
    """Return the ending that a failed flow attached to its exception; None if there is none."""
    found = getattr(exc, ATTRIBUTE, None)
    return found if isinstance(found, Ending) else None


@contextmanager
def telling(clock: Clock) -> Iterator[None]:
    """Attach the ending to the exception of a failed block, and show it in Prefect."""
    try:
        yield
    except Exception as exc:
        ending = ending_of(clock)
        setattr(exc, ATTRIBUTE, ending)
        if FlowRunContext.get() is not None and ending.stages:
            _show(ending)
        raise


def sentences(ending: Ending) -> list[str]:
    """Return a sentence for each of the largest losses, with advice, and for each rejects file."""
    lost = [
        f"{one.stage}: {one.reason} took {one.rows:,} of {one.of:,} rows; {one.advice}"
        for one in ending.losses[:SHOWN_LOSSES]
        if not one.by_design
    ]
    return [*lost, *(f"rejected rows of {stage}: {path}" for stage, path in ending.rejects)]


def _show(ending: Ending) -> None:
    """Show the stages as a table artifact, and log the losses."""
    table = [
        {
            "stage": line.stage,
            "in": line.rows_in,
            "out": line.rows_out,
            "rejected": ", ".join(f"{reason} {rows}" for reason, rows in line.rejected.items()),
        }
        for line in ending.stages
    ]
    found = sentences(ending)
    description = "\n\n".join(["stages of the failed run", *found])
    with shown_or_not():
        create_table_artifact(table, key=KEY, description=description)
    for sentence in found:
        get_run_logger().info("%s", sentence)
