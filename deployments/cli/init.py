"""The command `tracemill init`: write a first recipe for a user's documents."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from flows.first_recipe import Written

TEACHERS = ("endpoint", "builtin:pocket", "scripted")
Sources = Annotated[
    list[str],
    typer.Argument(
        metavar="FOLDER|FILE…",
        help="Your documents: folders or files of .txt .md .html .pdf .jsonl .csv .tsv .parquet, "
        "or hub:owner/name.",
    ),
]
Name = Annotated[
    str, typer.Option("--name", help="Name of the corpus. Default: the name of the first folder.")
]
Out = Annotated[
    Path | None,
    typer.Option("--out", help="File of the recipe. Default: NAME.yaml in this folder."),
]
TeacherName = Annotated[
    str,
    typer.Option(
        "--teacher",
        help="endpoint: a server that you run. builtin:pocket or scripted: for a trial without a "
        "server and without a GPU.",
    ),
]
Root = Annotated[
    Path,
    typer.Option("--root", help="Folder of the store; documents that it has are not read again."),
]


def init(
    sources: Sources,
    name: Name = "",
    out: Out = None,
    teacher: TeacherName = TEACHERS[0],
    root: Root = Path("mill"),
) -> None:
    """Write a first recipe for your documents, with a comment on every choice.

    Reads and counts documents, sections and passages, and plans as many prompts as they can give
    without repetition. `tracemill plan` finds no fault in the recipe. An existing file is never
    overwritten. Nothing is embedded, and no model is asked.
    """
    from flows.first_recipe import first_recipe, name_of

    place = _free(out or Path(f"{name or name_of(sources[0])}.yaml"))
    written = first_recipe(sources, name, _known(teacher), root)  # type: ignore[arg-type]
    with place.open("x", encoding="utf-8") as file:
        file.write(written.text)
    _show(written, place)


def _free(place: Path) -> Path:
    """Return the path if a new file can be written there. Raises BadRecipe."""
    from tasks.errors import BadRecipe

    if place.exists():
        raise BadRecipe(f"{str(place)!r} exists already; name another file with --out")
    if not place.parent.is_dir():
        raise BadRecipe(f"there is no folder {str(place.parent)!r}; create it, or change --out")
    return place


def _known(teacher: str) -> str:
    from tasks.errors import unknown_name

    if teacher not in TEACHERS:
        raise unknown_name("teacher", teacher, TEACHERS)
    return teacher


def _show(written: "Written", place: Path) -> None:
    """Print what was found, what a build would do, and the next steps."""
    import shlex

    from rich.console import Console
    from rich.text import Text

    from deployments.cli.screen_plan import summary_of
    from flows.first_recipe import found

    console, recipe = Console(), shlex.quote(str(place))
    lines = [("found", found(written.seen.supply)), ("a build", summary_of(written.seen))]
    lines += [("warning", str(fault)) for fault in written.seen.faults if not fault.stops]
    lines += [
        ("written", str(place)),
        ("next", "open it: write the questions of your field under forms, and name your teacher"),
        ("", f"tracemill plan {recipe}      shows ten prompts, tokens, hours, disk"),
        ("", f"tracemill preview {recipe}   shows a few rows with traces and verdicts"),
        ("", f"tracemill build {recipe}     builds the corpus"),
    ]
    for title, says in lines:
        console.print(Text(f"{title:12} {says}"), soft_wrap=True)
