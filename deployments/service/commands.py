"""The commands that operate the local Prefect: up, down, status."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from deployments.service.home import Home as Folder

Root = Annotated[Path, typer.Option("--root", help="Folder of the store, which holds all results.")]
Home = Annotated[
    Path, typer.Option("--home", help="Folder of the local Prefect: settings, database, logs.")
]
HOME = Path("~/.tracemill")


def up(
    recipes: Annotated[
        list[Path] | None,
        typer.Argument(help="Recipes to deploy; without any, the pocket recipe."),
    ] = None,
    root: Root = Path("mill"),
    home: Home = HOME,
    port: Annotated[
        int,
        typer.Option(
            "--port",
            min=1024,
            max=65534,
            help="Port of the Prefect UI; the reports use the next port.",
        ),
    ] = 4200,
    database: Annotated[
        str,
        typer.Option(
            "--database",
            help="postgresql+asyncpg://user:password@host/name; without it, SQLite in the home.",
        ),
    ] = "",
) -> None:
    """Start the local Prefect: server, work pool, worker, reports, and a deployment for each flow
    of each recipe.

    Everything listens on loopback only, needs a password, and refuses other web pages. Parts that
    already run stay as they are; deployments are updated. Nightly schedules then start runs, and
    every run can be started, watched, cancelled and retried in the browser.
    """
    from deployments.service.screen import show_up
    from deployments.service.service import up as bring_up

    named = [path.absolute() for path in recipes or []]
    show_up(
        bring_up(_home(home), port=port, root=root.absolute(), database=database, recipes=named)
    )


def down(home: Home = HOME) -> None:
    """Stop everything that `up` started, including runs and their engines.

    Finished rows are kept, and a stopped run can be retried.
    """
    from deployments.service.service import down as take_down

    stopped = take_down(_home(home))
    typer.echo(f"stopped: {', '.join(stopped)}" if stopped else "nothing was running")


def status(
    home: Home = HOME,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print JSON for scripts; the exit code is the same.")
    ] = False,
) -> None:
    """Show which parts run, the next scheduled runs, and the last failed runs.

    Exit code 1 if a nightly run could not start.
    """
    from deployments.service.screen import show_status
    from deployments.service.status import status as look

    seen = look(_home(home))
    if as_json:
        typer.echo(seen.model_dump_json(indent=1))
    else:
        show_status(seen)
    raise typer.Exit(0 if seen.well else 1)


def _home(folder: Path) -> "Folder":
    from deployments.service.home import Home as Folder

    return Folder(folder.expanduser().absolute())
