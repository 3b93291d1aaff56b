"""The terminal output of `tracemill measure`: levels, projection, and the choice with reasons."""

from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table as Grid
from rich.text import Text

from deployments.cli.screen import place
from tasks.measure.budget import Outcome, duration, label, sentence
from tasks.measure.levels import Level

if TYPE_CHECKING:
    from flows.measure_teacher import Measured
    from flows.recipes.corpus import Recipe


def show_measured(found: "Measured", recipe: "Recipe", console: Console | None = None) -> bool:
    """Print each candidate's levels, the hours for the corpus, and the choice.

    Returns whether a candidate fits.
    """
    console = console or Console()
    for one in found.outcomes:
        if one.levels:
            _measured(console, one, found.currency, recipe.prompts.rows)
    console.rule("candidates in order of preference", align="left")
    for one in found.outcomes:
        console.print(
            Text(f"{'chosen' if one.fits else 'passed over':12} {sentence(one)}"), soft_wrap=True
        )
    if found.chosen and (found.chosen,) != recipe.traces.models:
        other = f"--set 'traces.models=[{found.chosen}]'"
        console.print(
            Text(f"`tracemill run` uses it; for other commands add {other}"), soft_wrap=True
        )
    if not found.chosen:
        console.print(
            "no candidate fits: name a smaller teacher in measure.candidates, reduce the rows, "
            "or allow more hours",
            soft_wrap=True,
        )
    return found.chosen is not None


def _measured(console: Console, one: Outcome, currency: str, prompts: int) -> None:
    bandwidth = f", memory {one.bandwidth / 1e9:,.0f} GB/s" if one.bandwidth else ""
    console.print(Text(f"{label(one.teacher)} on {one.hardware}{bandwidth}"), soft_wrap=True)
    console.print(_levels(one.levels))
    projection = one.projection
    if projection is None:
        return
    console.print(
        f"{projection.rows:,} rows: {duration(projection.hours)}, {projection.prompts:,} prompts "
        f"at a yield of {one.yield_:.2f} ({one.yield_of}), "
        f"{projection.tokens / 1e6:,.3g} million tokens",
        soft_wrap=True,
    )
    if projection.prompts > prompts:
        console.print(
            f"the recipe writes {prompts:,} prompts; "
            f"set prompts.rows={projection.prompts} to get that many rows",
            soft_wrap=True,
        )
    if projection.cost:
        each, million = projection.cost_per_row, projection.cost_per_million_tokens
        console.print(
            f"cost: {projection.cost:,.4g} {currency}, {each:.3g} {currency} per row, "
            f"{million:,.3g} {currency} per million tokens"
        )
    best = max(one.levels, key=lambda level: level.tokens_per_second)
    if best.tokens_per_second > 1.1 * one.levels[-1].tokens_per_second:
        console.print(
            f"faster with {best.concurrency} rows in flight: "
            f"placement.models.{one.teacher.name}.window={best.concurrency}"
        )
    place(console, "plot", one.plot)


def _levels(levels: tuple[Level, ...]) -> Grid:
    grid = Grid()
    for name in ("rows in flight", "tokens/s", "roofline", "of it", "first token", "peak GiB"):
        grid.add_column(name, justify="right", no_wrap=True)
    for one in levels:
        grid.add_row(
            str(one.concurrency),
            f"{one.tokens_per_second:,.1f}",
            f"{one.roofline:,.0f}" if one.roofline else "unknown",
            one.of_roofline,
            f"{one.first_token_seconds:.3g} s",
            f"{one.peak_bytes / 2**30:.2f}",
        )
    return grid
