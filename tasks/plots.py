"""Plots as inline SVG for HTML pages."""

import io
from collections.abc import Callable, Sequence
from typing import Any

BLUE = "#2f6db5"
GREY = "#c9d3de"
RED = "#b3261e"
LEAST_BARS = 4
"""Bars that a chart has room for at least, so that a single bar is not too thick."""
Draw = Callable[[Any], None]


def svg(title: str, draw: Draw) -> str:
    """Return a plot as inline SVG. The same plot gives the same bytes.

    draw: draws on matplotlib's Axes.
    """
    from matplotlib import rc_context
    from matplotlib.figure import Figure

    # A fixed salt and no date give the same bytes every time.
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
    """Draw one horizontal bar per name, with its number."""
    names = [name.replace("$", r"\$") for name, _ in counted]
    values = [value for _, value in counted]
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
    """Draw a histogram of values, with the edges of a band in red. span: range of the x axis."""
    axes.hist(values, bins=min(40, max(8, len(values) // 8)), range=span, color=BLUE)
    axes.set_ylabel("rows")
    for edge in band or ():
        # A distant edge would compress the histogram, so it is left out; the title names it.
        if edge <= 1.5 * max(values):
            axes.axvline(edge, color=RED, linewidth=1.2)


def curve(axes: Any, steps: Sequence[float], values: Sequence[float], *, unit: str) -> None:
    """Draw a curve of values over training steps. unit: label of the y axis."""
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
    """Draw measured values and their upper bound on logarithmic axes.

    at: x values. bound: empty if it is unknown. named: label of the bound. axis: label of the x
    axis.
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
