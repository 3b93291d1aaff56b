"""The commands that operate the mill: up, down, status."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from deployments.service.home import Home as Folder

Root = Annotated[
    Path, typer.Option("--root", help="Folder of the store; everything made lies below it.")
]
Home = Annotated[
    Path, typer.Option("--home", help="Folder of the local Prefect: settings, database, logs.")
]
HOME = Path("~/.tracemill")


def up(
    recipes: Annotated[
        list[Path] | None,
        typer.Argument(help="Recipes to deploy; the pocket recipe when none is named."),
    ] = None,
    root: Root = Path("mill"),
    home: Home = HOME,
    port: Annotated[
        int,
        typer.Option(
            "--port",
            min=1024,
            max=65534,
            help="Of the Prefect UI; the reports are served on the next.",
        ),
    ] = 4200,
    database: Annotated[
        str,
        typer.Option(
            "--database",
            help="postgresql+asyncpg://user:password@host/name; SQLite in the home when not given.",
        ),
    ] = "",
) -> None:
    """Bring up the local Prefect: server, work pool, worker, reports, and a deployment for each
    flow of each recipe.

    All of it on loopback, behind a password, closed to other web pages. What is up already is left
    alone; deployments are brought up to date. Nightly schedules then fire by themselves, and every
    run can be started, watched, cancelled and retried in the browser.
    """
    from deployments.service.screen import show_up
    from deployments.service.service import up as bring_up

    named = [path.absolute() for path in recipes or []]
    show_up(
        bring_up(_home(home), port=port, root=root.absolute(), database=database, recipes=named)
    )


def down(home: Home = HOME) -> None:
    """Stop what `up` started, runs and their engines included; finished rows are kept, and a
    stopped run can be retried.
    """
    from deployments.service.service import down as take_down

    stopped = take_down(_home(home))
    typer.echo(f"stopped: {', '.join(stopped)}" if stopped else "nothing was running")


def status(
    home: Home = HOME,
    as_json: Annotated[
        bool, typer.Option("--json", help="The same for scripts; exit code 1 when not all is well.")
    ] = False,
) -> None:
    """Say what is alive, what is scheduled next, and what failed last. Exit code 1 when a nightly
    run would not be done.
    """
    from deployments.service.screen import show_status
    from deployments.service.status import status as look

    seen = look(_home(home))
    typer.echo(seen.model_dump_json(indent=1)) if as_json else show_status(seen)
    raise typer.Exit(0 if seen.well else 1)


def _home(folder: Path) -> "Folder":
    from deployments.service.home import Home as Folder

    return Folder(folder.expanduser().absolute())
