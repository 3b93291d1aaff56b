"""Plots as SVG that stand in a page by themselves."""

import io
from collections.abc import Callable, Sequence
from typing import Any

BLUE, GREY, RED = "#2f6db5", "#c9d3de", "#b3261e"
LEAST_BARS = 4
Draw = Callable[[Any], None]


def svg(title: str, draw: Draw) -> str:
    """Return a drawing as inline SVG: the same bytes for the same drawing."""
    from matplotlib import rc_context
    from matplotlib.figure import Figure

    # A fixed salt and no date: the same findings give the same bytes.
    with rc_context(
        {
            "svg.hashsalt": "tracemill",
            "svg.fonttype": "none",
            "font.size": 9,
            "font.family": "sans-serif",
        }
    ):
        figure = Figure(figsize=(6.4, 3.6), layout="constrained")
        axes = figure.add_subplot()
        axes.set_title(title, loc="left", fontsize=10, fontweight="bold")
        axes.spines[["top", "right"]].set_visible(False)
        draw(axes)
        page = io.StringIO()
        figure.savefig(page, format="svg", metadata={"Date": None, "Creator": None})
    text = page.getvalue()
    return text[text.index("<svg") :]


def bars(axes: Any, counted: Sequence[tuple[str, int]]) -> None:
    """Draw a bar a name, with its number."""
    names, values = (
        [name.replace("$", r"\$") for name, _ in counted],
        [value for _, value in counted],
    )
    drawn = axes.barh(range(len(names)), values, color=BLUE, height=0.7)
    axes.set_ylim(-0.6, max(len(names), LEAST_BARS) - 0.4)
    axes.bar_label(drawn, padding=3, fontsize=8)
    axes.set_yticks(range(len(names)), names)
    axes.invert_yaxis()
    axes.margins(x=0.12)
    axes.xaxis.set_visible(False)
    axes.spines["bottom"].set_visible(False)


def histogram(
    axes: Any,
    values: Sequence[float],
    band: tuple[float, float] | None,
    *,
    span: tuple[float, float] | None = None,
) -> None:
    """Draw how values are spread, with the edges of a band in red."""
    axes.hist(values, bins=min(40, max(8, len(values) // 8)), range=span, color=BLUE)
    axes.set_ylabel("rows")
    for edge in band or ():
        # An edge far away would squeeze the rows into a corner; the title names it.
        if edge <= 1.5 * max(values):
            axes.axvline(edge, color=RED, linewidth=1.2)


def curve(axes: Any, steps: Sequence[float], values: Sequence[float], *, unit: str) -> None:
    """Draw a value over steps."""
    axes.plot(steps, values, color=BLUE, linewidth=1.4)
    axes.set_xlabel("step")
    axes.set_ylabel(unit)


def against_bound(
    axes: Any,
    at: Sequence[float],
    values: Sequence[float],
    bound: Sequence[float],
    *,
    named: str,
    axis: str,
) -> None:
    """Draw values, and the bound above them where there is one, over what was turned; both axes
    logarithmic.
    """
    axes.plot(at, values, color=BLUE, linewidth=1.4, marker="o", label="measured")
    if bound:
        axes.plot(at, bound, color=RED, linewidth=1.2, linestyle="--", label=named)
    axes.set_xscale("log", base=2)
    axes.set_yscale("log")
    axes.minorticks_off()
    axes.set_xticks(at, [f"{one:g}" for one in at])
    axes.yaxis.set_major_formatter("{x:,.10g}")
    axes.set_xlabel(axis)
    axes.legend(frameon=False)
