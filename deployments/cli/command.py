"""Functions that all commands share: check the recipe before a run, and show how a run failed.

Heavy libraries are imported inside the functions, so that the first line is printed at once.
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
"""Environment variable that --debug sets."""


def settings_of(settings: list[str] | None, rows: int | None) -> list[str]:
    """Return the lines of --set, with the value of --rows as one more line.

    >>> settings_of(None, 60)
    ['prompts.rows=60']
    """
    return [*(settings or []), *([f"prompts.rows={rows}"] if rows else [])]


def checked_recipe(path: Path, settings: list[str] | None, root: Path | None = None) -> "Recipe":
    """Return the recipe after all checks that are possible before a run.

    root: folder of the store, None for a command that only reads the recipe. Raises RecipeFaults.
    After this call a failed run shows one line instead of a traceback.
    """
    if root is not None:
        _print(f"checking {path}")
    from flows.recipes.load import read_recipe

    chosen, origin = read_recipe(path, settings or [])
    server = None
    if root is not None:
        from deployments.service.temporary import begin

        server = begin()
        _check_plan(chosen, origin, root)
    import deployments.lean  # noqa: F401  before Prefect

    if server:
        server.ready()
    if not os.environ.get(DEBUG):
        from deployments.cli.screen import keep_tracebacks_off

        keep_tracebacks_off()
    return chosen


def _check_plan(recipe: "Recipe", origin: "Origin", root: Path) -> None:
    """Make the plan as `tracemill plan` does, and print its warnings and a summary."""
    from rich.console import Console

    from deployments.cli.screen_plan import show_warnings, summary_of
    from flows.plan.plan import outlook

    found = outlook(recipe, root)
    show_warnings(found.faults, origin, Console())
    refuse_faults(found.faults, origin)
    _print(f"checked: {summary_of(found)}")


def refuse_faults(faults: "Iterable[Fault]", origin: "Origin") -> None:
    """Raise RecipeFaults if a fault stops a build; it has the place of every such fault."""
    if stopping := [origin.placed(one.where, one.says) for one in faults if one.stops]:
        raise RecipeFaults(origin.what, stopping)


def _print(line: str) -> None:
    """Print a line at once, also into a pipe."""
    typer.echo(plain_text(line))


def error_lines(exc: Exception) -> str:
    """Return an error as text for the terminal: one line, or one line per fault of a recipe.

    Control characters are removed, because an error may quote a document or a model.
    """
    lines = exc.lines if isinstance(exc, RecipeFaults) else (str(exc),)
    return "\n  ".join(" ".join(plain_text(line).split()) for line in lines)


def show_ending_of(exc: Exception) -> None:
    """Print the finished stages and the losses of a failed run, if the exception has them."""
    if "flows.ending" in sys.modules:
        from deployments.cli.screen import show_ending
        from flows.ending import ending_in

        if ending := ending_in(exc):
            show_ending(ending)
            sys.stdout.flush()
