"""The command `tracemill init`: a first recipe for somebody's documents."""

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
    str, typer.Option("--name", help="Name of the corpus; else the name of the first folder.")
]
Out = Annotated[
    Path | None, typer.Option("--out", help="File of the recipe; else NAME.yaml in this folder.")
]
TeacherName = Annotated[
    str,
    typer.Option(
        "--teacher",
        help="endpoint: a server that you run. builtin:pocket or scripted: a stand-in that shows "
        "that everything runs, without a server or a GPU.",
    ),
]
Root = Annotated[
    Path, typer.Option("--root", help="Folder of the store; documents it has read are taken there.")
]


def init(
    sources: Sources,
    name: Name = "",
    out: Out = None,
    teacher: TeacherName = TEACHERS[0],
    root: Root = Path("mill"),
) -> None:
    """Write a first recipe for your documents, with a comment on every choice.

    Reads the documents, counts documents, sections and passages, and plans as many prompts as they
    can give without repeating themselves. `tracemill plan` finds no fault in the recipe. A file
    that is already there is never overwritten. Nothing is embedded, and no model is asked.
    """
    from flows.first_recipe import first_recipe, name_of

    place = _free(out or Path(f"{name or name_of(sources[0])}.yaml"))
    written = first_recipe(sources, name, _known(teacher), root)  # type: ignore[arg-type]
    with place.open("x", encoding="utf-8") as file:
        file.write(written.text)
    _show(written, place)


def _free(place: Path) -> Path:
    """Return the place, where a new file can be written; BadRecipe when it cannot."""
    from tasks.errors import BadRecipe

    if place.exists():
        raise BadRecipe(f"{str(place)!r} is already there; name another file with --out")
    if not place.parent.is_dir():
        raise BadRecipe(f"the folder {str(place.parent)!r} is not there; make it, or change --out")
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

    from deployments.cli.screen_plan import summed_up
    from flows.first_recipe import found

    console, recipe = Console(), shlex.quote(str(place))
    lines = [("found", found(written.seen.supply)), ("a build", summed_up(written.seen))]
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
