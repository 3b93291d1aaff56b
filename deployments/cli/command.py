"""What the commands share: a recipe that is checked before anything runs, and how a command ends.

Heavy libraries are imported inside the functions, so that the first line stands on the terminal at
once.
"""

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from flows.plan.fault import RecipeFaults
from tasks.ngrams import plain_text

if TYPE_CHECKING:
    from collections.abc import Iterable

    from flows.plan.fault import Fault
    from flows.recipes.corpus import Recipe
    from flows.recipes.lines import Origin

DEBUG = "TRACEMILL_DEBUG"


def settings_of(settings: list[str] | None, rows: int | None) -> list[str]:
    return [*(settings or []), *([f"prompts.rows={rows}"] if rows else [])]


def checked_recipe(path: Path, settings: list[str] | None, root: Path | None = None) -> "Recipe":
    """Return the recipe, checked as far as it can be before anything runs; a fault ends the
    command.

    root: the store, where the command makes what the recipe says. From here on a failed run ends in
    one line.
    """
    if root is not None:
        _say(f"checking {path}")
    from flows.recipes.load import read_recipe

    chosen, origin = read_recipe(path, settings or [])
    server = None
    if root is not None:
        from deployments.service.temporary import begin

        server = begin()
        _look_ahead(chosen, origin, root)
    import deployments.lean  # noqa: F401  before Prefect

    if server:
        server.ready()
    if not os.environ.get(DEBUG):
        from deployments.cli.screen import keep_tracebacks_off

        keep_tracebacks_off()
    return chosen


def _look_ahead(recipe: "Recipe", origin: "Origin", root: Path) -> None:
    """Do what `plan` does, and say its sum in a line; a recipe at fault goes no further."""
    from rich.console import Console

    from deployments.cli.screen_plan import show_warnings, summed_up
    from flows.plan.plan import outlook

    found = outlook(recipe, root)
    show_warnings(found.faults, origin, Console())
    refuse_placed(found.faults, origin)
    _say(f"checked: {summed_up(found)}")


def refuse_placed(faults: "Iterable[Fault]", origin: "Origin") -> None:
    """End the command when a fault stops a build, with the place of each."""
    if stopping := [origin.placed(one.where, one.says) for one in faults if one.stops]:
        raise RecipeFaults(origin.what, stopping)


def _say(line: str) -> None:
    """Print a line at once, also into a pipe."""
    typer.echo(plain_text(line))


def error_lines(exc: Exception) -> str:
    """Return an error as lines that a terminal only shows: it may quote a document or a model.

    One line for one error; a recipe with several faults has a line for each.
    """
    lines = exc.lines if isinstance(exc, RecipeFaults) else (str(exc),)
    return "\n  ".join(" ".join(plain_text(line).split()) for line in lines)


def show_ending_of(exc: Exception) -> None:
    """Print how far the run came, where the exception tells it: a failure ends like a success."""
    if "flows.ending" in sys.modules:
        from deployments.cli.screen import show_ending
        from flows.ending import ending_in

        if ending := ending_in(exc):
            show_ending(ending)
            sys.stdout.flush()
