"""The command line `tracemill`."""

import logging
import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from deployments.cli.audit import audit
from deployments.cli.command import (
    DEBUG,
    checked_recipe,
    error_lines,
    refuse_faults,
    settings_of,
    show_ending_of,
)
from deployments.cli.init import init
from deployments.cli.quiet import keep_quiet
from deployments.cli.recipe import recipe_app
from deployments.cli.stopping import ending_on_signals
from deployments.service import commands
from tasks.errors import MillError

keep_quiet()
app = typer.Typer(
    help="A factory for reasoning data: documents in, a verified corpus of reasoning traces out.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
)


@app.callback()
def tracemill(
    debug: Annotated[
        bool,
        typer.Option("--debug", help="Show the traceback of an error, and the libraries' logs."),
    ] = False,
) -> None:
    """Apply the options that all commands share."""
    if debug:
        os.environ[DEBUG] = "1"
        os.environ["PREFECT_LOGGING_LEVEL"] = "DEBUG"
        logging.basicConfig(level=logging.INFO)


RecipeFile = Annotated[
    Path, typer.Argument(help="A recipe, for example deployments/recipes/pocket.yaml.")
]
Root = Annotated[Path, typer.Option("--root", help="Folder of the store, which holds all results.")]
Settings = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        help="Change a setting: key.path=value, e.g. traces.samples=8. Repeatable.",
    ),
]


Rows = Annotated[
    int | None,
    typer.Option("--rows", min=1, help="Prompts to write, instead of the recipe's number."),
]


app.command()(init)


@app.command()
def plan(
    recipe: RecipeFile,
    rows: Rows = None,
    root: Root = Path("mill"),
    settings: Settings = None,
) -> None:
    """Check a recipe in seconds, without embeddings and requests, and show what a build would do.

    Shows every fault with its line in the file, ten prompts, their tokens compared with the model's
    context window, requests, hours and disk. Writes nothing. Exit code 2 if `build` would refuse
    the recipe; warnings do not change the exit code.
    """
    from deployments.cli.screen_plan import show_plan
    from flows.plan.plan import outlook
    from flows.recipes.load import read_recipe

    chosen, origin = read_recipe(recipe, settings_of(settings, rows))
    found = outlook(chosen, root)
    show_plan(found, origin)
    refuse_faults(found.faults, origin)


@app.command()
def preview(
    recipe: RecipeFile,
    rows: Annotated[
        int, typer.Option("--rows", min=1, max=50, help="Prompts, the same number of each family.")
    ] = 5,
    root: Root = Path("mill"),
    settings: Settings = None,
) -> None:
    """Send a few rows through every step and show them: prompts, traces, the verdict of each gate.

    The teacher of the recipe gives one answer to each prompt. The rows are made in a temporary
    folder that is removed at the end, so nothing is published and the store does not change.
    Documents and passages that the store already has are used. Checks that need a whole corpus are
    left out: leaks across rows, duplicates, the suite.
    """
    from flows.plan.plan import outlook
    from flows.recipes.load import read_recipe

    chosen, origin = read_recipe(recipe, settings or [])
    refuse_faults(outlook(chosen, root).faults, origin)
    import deployments.lean  # noqa: F401  before Prefect
    from deployments.cli.screen_preview import show_preview
    from flows.preview import preview as made_of

    show_preview(made_of(chosen, root, rows=rows))


@app.command()
def build(
    recipe: RecipeFile,
    rows: Rows = None,
    root: Root = Path("mill"),
    settings: Settings = None,
) -> None:
    """Build the corpus of a recipe.

    Finished tables are not made again, and a finished row is never requested twice: after a crash,
    run the same command. At the end you see a table of all stages and the paths of corpus, rejected
    rows, report, Data Docs and a summary for scripts (JSON).
    """
    chosen = checked_recipe(recipe, settings_of(settings, rows), root)
    from deployments.cli.screen import show
    from flows.build_corpus import build_corpus

    show(build_corpus(chosen, root))


@app.command()
def train(recipe: RecipeFile, root: Root = Path("mill"), settings: Settings = None) -> None:
    """Train the LoRA student of a recipe; build its corpus first if the store lacks it.

    Before training, the render check looks at every row as token ids. After training, the isolation
    check compares every tensor of the base model with its earlier bytes. A killed training resumes
    from its last checkpoint. At the end you see both checks, the loss, and the adapter's path.
    """
    chosen = checked_recipe(recipe, settings, root)
    from deployments.cli.screen import show_training
    from flows.train_student import train_student

    show_training(train_student(chosen, root))


@app.command()
def probe(recipe: RecipeFile, root: Root = Path("mill"), settings: Settings = None) -> None:
    """Compare the student of a recipe with its base model; build and train first if necessary.

    Both models answer the probe's questions. Emission: does the student still think, as long, and
    stop? Content: are its answers right, coherent, and free of leaks? At the end you see the
    metrics, the confidence of each verdict, and the path of a page with both models side by side.
    Exit code 1 if a gate fails.
    """
    chosen = checked_recipe(recipe, settings, root)
    from deployments.cli.screen import show_probe
    from flows.probe_student import probe_student

    raise typer.Exit(0 if show_probe(probe_student(chosen, root)) else 1)


@app.command()
def diagnose(recipe: RecipeFile, root: Root = Path("mill"), settings: Settings = None) -> None:
    """Find the cause of a failed gate, from the cheapest check to the most expensive one.

    The checks: render check, corpus audit, the base model's own answers, one single row, the
    corpus' share of general reasoning. Missing results are made first. A check counts as the cause
    only if all checks before it are passed. Exit code 1 if a cause is found.
    """
    chosen = checked_recipe(recipe, settings, root)
    from deployments.cli.screen import show_diagnosis
    from flows.diagnose import diagnose_student

    raise typer.Exit(0 if show_diagnosis(diagnose_student(chosen, root)) else 1)


@app.command()
def reproduce(
    recipe: RecipeFile,
    row_id: Annotated[
        str,
        typer.Argument(
            metavar="ROW_ID",
            help="Id of a corpus row, a trace or a probe's answer; six digits are enough.",
        ),
    ],
    root: Root = Path("mill"),
    settings: Settings = None,
) -> None:
    """Ask one row again and show everything: the prompt as text and token ids, the raw output with
    special tokens, timing, and the verdict of every gate.

    The row's own model answers, with its adapter, without starting an engine; this takes seconds.
    The earlier answer is shown too.
    """
    chosen = checked_recipe(recipe, settings)
    from deployments.cli.screen import show_row
    from flows.probe import STUDENT
    from flows.reproduce import reproduce as ask_again

    placements = chosen.placement.models | {STUDENT: chosen.placement.probe}
    show_row(ask_again(root, row_id, chosen.verdicts, placements))


@app.command()
def measure(
    recipe: RecipeFile,
    root: Root = Path("mill"),
    settings: Settings = None,
    again: Annotated[
        bool, typer.Option("--again", help="Repeat measurements that this machine has already.")
    ] = False,
) -> None:
    """Measure the candidate teachers of a recipe on this machine, in order of preference, until one
    fits the budget of hours.

    Shows tokens per second, time to the first token and memory at several levels of concurrency,
    next to the speed that memory bandwidth allows; then hours and cost for the rows of the recipe,
    and the choice. Exit code 1 if no candidate fits.
    """
    chosen = checked_recipe(recipe, settings, root)
    from deployments.cli.screen_measure import show_measured
    from flows.measure_teacher import measure_teacher

    raise typer.Exit(0 if show_measured(measure_teacher(chosen, root, again), chosen) else 1)


@app.command()
def run(recipe: RecipeFile, root: Root = Path("mill"), settings: Settings = None) -> None:
    """Run the whole factory: build the corpus, train the student, probe it, and publish it if every
    gate passes.

    If the recipe has candidate teachers or a budget of hours, the candidates are measured first,
    and the first one that fits is the teacher.

    A failed gate stops the run and prints one sentence. After a crash, run the same command again:
    finished work is not repeated.
    """
    chosen = checked_recipe(recipe, settings, root)
    from deployments.cli.screen import show_promoted
    from flows.run_factory import run_factory

    show_promoted(run_factory(chosen, root))


for operate in (commands.up, commands.down, commands.status, audit):
    app.command()(operate)
app.add_typer(recipe_app, name="recipe")


@app.command()
def verify(root: Root = Path("mill")) -> None:
    """Read every file of every table in the store and compare it with its manifest.

    Names every damaged table: remove its folder, and the next run makes it again. Exit code 1 if
    there is one. Builds do not read the files; they compare only sizes.
    """
    from tasks.manifest import verify as verify_tables

    tables = damaged = 0
    for table, damage in verify_tables(root):
        tables += 1
        if damage:
            damaged += 1
            typer.echo(f"damaged  {table}: {', '.join(damage.files)}")
    typer.echo(f"{tables:,} tables read below {root}, {damaged:,} damaged")
    if damaged:
        raise typer.Exit(1)


def main() -> None:
    """Run the command. An error prints one line on stderr and gives exit code 2."""
    with ending_on_signals():
        _run()


def _run() -> None:
    try:
        app()
    except MillError as exc:
        show_ending_of(exc)
        if os.environ.get(DEBUG):
            raise
        sys.stderr.write(f"tracemill: {error_lines(exc)}\n")
        sys.exit(2)
    except Exception as exc:
        show_ending_of(exc)
        if os.environ.get(DEBUG):
            raise
        sys.stderr.write(
            f"tracemill: unexpected {type(exc).__name__}: {error_lines(exc)[:500]}; "
            "--debug shows where\n"
        )
        sys.exit(2)
