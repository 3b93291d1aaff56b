"""How a run ends that fails: with its stages, the largest losses and what to do, and the rejected
rows.

The command line finds the ending at the exception; a run in Prefect leaves it as a table and in its
log.
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
ATTRIBUTE = "tracemill_ending"
TOLD = 5
"""Losses that are told; the stage table holds them all."""


class Ending(NamedTuple):
    """How far a run came. rejects: (stage, file of its rejected rows), of the stages that lost any."""

    stages: tuple[StageLine, ...]
    losses: tuple[Loss, ...]
    rejects: tuple[tuple[str, Path], ...]


def ending_of(clock: Clock) -> Ending:
    """Return what a clock has noted."""
    lines = tuple(clock.lines)
    rejects = tuple(
        (line.stage, path) for line, path in zip(lines, clock.rejects, strict=True) if line.rejected
    )
    return Ending(lines, tuple(losses(lines)), rejects)


def ending_in(exc: BaseException) -> Ending | None:
    """Return the ending that a failed flow left at its exception, None where it left none."""
    found = getattr(exc, ATTRIBUTE, None)
    return found if isinstance(found, Ending) else None


@contextmanager
def telling(clock: Clock) -> Iterator[None]:
    """Leave the ending at the exception with which a flow fails, and in Prefect."""
    try:
        yield
    except Exception as exc:
        ending = ending_of(clock)
        setattr(exc, ATTRIBUTE, ending)
        if FlowRunContext.get() is not None and ending.stages:
            _leave(ending)
        raise


def sentences(ending: Ending) -> list[str]:
    """Return the largest losses, each with what to do, then the files of the rejected rows."""
    lost = [
        f"{one.stage}: {one.reason} took {one.rows:,} of {one.of:,} rows; {one.advice}"
        for one in ending.losses[:TOLD]
        if not one.by_design
    ]
    return [*lost, *(f"rejected rows of {stage}: {path}" for stage, path in ending.rejects)]


def _leave(ending: Ending) -> None:
    """Leave the stages as a table artifact, and the losses in the run's log."""
    table = [
        {
            "stage": line.stage,
            "in": line.rows_in,
            "out": line.rows_out,
            "rejected": ", ".join(f"{reason} {rows}" for reason, rows in line.rejected.items()),
        }
        for line in ending.stages
    ]
    told = sentences(ending)
    with shown_or_not():
        create_table_artifact(
            table, key=KEY, description="\n\n".join(["how far the run came", *told])
        )
    for sentence in told:
        get_run_logger().info("%s", sentence)
