"""The command line."""

import logging
import os
import sys
from pathlib import Path
from typing import Annotated

QUIET = {
    "DO_NOT_TRACK": "1", "PREFECT_SERVER_ANALYTICS_ENABLED": "false", "GX_ANALYTICS_ENABLED": "false", "RAY_USAGE_STATS_ENABLED": "0",
    "VLLM_NO_USAGE_STATS": "1", "HF_HUB_DISABLE_TELEMETRY": "1", "TOKENIZERS_PARALLELISM": "false", "PREFECT_LOGGING_LEVEL": "WARNING",
    "PREFECT_SERVER_LOGGING_LEVEL": "ERROR", "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0", "PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS": "120",
}  # fmt: skip
"""No library calls home, and none talks over the summary; what you set yourself stands."""
for _name, _value in QUIET.items():
    os.environ.setdefault(_name, _value)

import typer  # noqa: E402

from deployments.cli.audit import audit  # noqa: E402
from deployments.cli.command import (  # noqa: E402
    DEBUG,
    checked_recipe,
    error_lines,
    refuse_placed,
    settings_of,
    show_ending_of,
)
from deployments.cli.init import init  # noqa: E402
from deployments.cli.recipe import recipe_app  # noqa: E402
from deployments.cli.stopping import ending_on_signals  # noqa: E402
from deployments.service import commands  # noqa: E402
from tasks.errors import MillError  # noqa: E402

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
    """Set what every command shares."""
    if debug:
        os.environ[DEBUG] = "1"
        os.environ["PREFECT_LOGGING_LEVEL"] = "DEBUG"
        logging.basicConfig(level=logging.INFO)


RecipeFile = Annotated[
    Path, typer.Argument(help="A recipe, for example deployments/recipes/pocket.yaml.")
]
Root = Annotated[
    Path, typer.Option("--root", help="Folder of the store; everything made lies below it.")
]
Settings = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        help="A setting laid over the recipe: key.path=value, e.g. traces.samples=8. Repeatable.",
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
    """Check a recipe in seconds, before anything is embedded or asked, and show what a build would
    do.

    Tells every fault with its line in the file. Shows ten prompts, their tokens against the model's
    window, requests, hours and disk. Writes nothing. Exit code 2 when `build` would refuse the
    recipe; warnings do not change the exit code.
    """
    from deployments.cli.screen_plan import show_plan
    from flows.plan.plan import outlook
    from flows.recipes.load import read_recipe

    chosen, origin = read_recipe(recipe, settings_of(settings, rows))
    found = outlook(chosen, root)
    show_plan(found, origin)
    refuse_placed(found.faults, origin)


@app.command()
def preview(
    recipe: RecipeFile,
    rows: Annotated[
        int, typer.Option("--rows", min=1, max=50, help="Prompts, shared evenly by the families.")
    ] = 5,
    root: Root = Path("mill"),
    settings: Settings = None,
) -> None:
    """Send a few rows through every step and show them: prompts, traces, the verdict of each gate.

    The teacher of the recipe answers, one answer to each prompt. The rows are made in a temporary
    folder that is removed at the end, so nothing is published and the store stays as it is.
    Documents and passages that a build has left in the store are used from there. What only a
    whole corpus can tell is not shown: leaks across rows, duplicates, the suite.
    """
    from flows.plan.plan import outlook
    from flows.recipes.load import read_recipe

    chosen, origin = read_recipe(recipe, settings or [])
    refuse_placed(outlook(chosen, root).faults, origin)
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

    Finished tables are found, not made again, and a finished row is never asked for twice: after a
    crash, run the same command. Ends with a table of every stage and the places of corpus, rejects,
    report and Data Docs, and of a summary for scripts (JSON).
    """
    chosen = checked_recipe(recipe, settings_of(settings, rows), root)
    from deployments.cli.screen import show
    from flows.build_corpus import build_corpus

    show(build_corpus(chosen, root))


@app.command()
def train(recipe: RecipeFile, root: Root = Path("mill"), settings: Settings = None) -> None:
    """Train the recipe's LoRA student, building its corpus first where it is not there.

    Before training, every row is looked at as token ids (the render check); after it, every tensor
    of the base must be what it was. A killed training goes on from its last checkpoint. Ends with
    both checks as tables, the loss, and the adapter's place.
    """
    chosen = checked_recipe(recipe, settings, root)
    from deployments.cli.screen import show_training
    from flows.train_student import train_student

    show_training(train_student(chosen, root))


@app.command()
def probe(recipe: RecipeFile, root: Root = Path("mill"), settings: Settings = None) -> None:
    """Hold the recipe's student against its base model, building and training first what is not
    there.

    Both answer the probe's questions. Emission: does it still think, as long, and stop? Content: is
    it right, coherent, and free of leaks? Ends with a table of the metrics, how sure each verdict
    is, and a page with both models side by side. Exit code 1 when a gate fails.
    """
    chosen = checked_recipe(recipe, settings, root)
    from deployments.cli.screen import show_probe
    from flows.probe_student import probe_student

    raise typer.Exit(0 if show_probe(probe_student(chosen, root)) else 1)


@app.command()
def diagnose(recipe: RecipeFile, root: Root = Path("mill"), settings: Settings = None) -> None:
    """Name the layer that is at fault when a gate fails, from the cheapest look to the dearest.

    Render check, corpus audit, the base model's own answers, one row alone, the corpus' share of
    general reasoning; what has not run is run. A layer is only blamed when those before it are
    sound. Exit code 1 when one is.
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
            help="Of a corpus row, a trace or a probe's answer; its first six digits do.",
        ),
    ],
    root: Root = Path("mill"),
    settings: Settings = None,
) -> None:
    """Ask one row alone and show everything: the prompt as text and ids, the raw output with
    special tokens, timing, every gate's verdict.

    The row is asked of its own model, adapter included, without an engine: seconds instead of a
    probe. What was answered then stands beside it.
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
        bool, typer.Option("--again", help="Measure anew what was measured on this machine before.")
    ] = False,
) -> None:
    """Measure the recipe's candidate teachers on this machine, in order of preference, until one
    fits its budget of hours.

    Tokens a second, time to the first token and memory at several levels of concurrency, beside
    what memory bandwidth allows; then hours and cost for the rows that are wanted, and the choice.
    Exit code 1 when no candidate fits.
    """
    chosen = checked_recipe(recipe, settings, root)
    from deployments.cli.screen_measure import show_measured
    from flows.measure_teacher import measure_teacher

    raise typer.Exit(0 if show_measured(measure_teacher(chosen, root, again), chosen) else 1)


@app.command()
def run(recipe: RecipeFile, root: Root = Path("mill"), settings: Settings = None) -> None:
    """Run the whole factory: build the corpus, train the student, probe it, and publish it if every
    gate holds.

    Where the recipe names candidate teachers or a budget of hours, they are measured first, and the
    first that fits is the teacher.

    Every gate stops the line with one sentence. Run the same command again after a crash: what is
    done is found, not done again.
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

    Names every table that differs: remove its folder, and the next run makes it again. Exit code 1
    when there is one. Builds compare sizes alone.
    """
    from tasks.manifest import verify as verified

    tables = harmed = 0
    for table, damage in verified(root):
        tables += 1
        if damage:
            harmed += 1
            typer.echo(f"damaged  {table}: {', '.join(damage.files)}")
    typer.echo(f"{tables:,} tables read below {root}, {harmed:,} damaged")
    if harmed:
        raise typer.Exit(1)


def main() -> None:
    """Run the command; an error is one line on stderr and exit code 2."""
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
            f"tracemill: unexpected {type(exc).__name__}: {error_lines(exc)[:500]}; --debug shows where\n"
        )
        sys.exit(2)
