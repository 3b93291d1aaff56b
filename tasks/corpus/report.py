"""The corpus report: one self-contained page with plots, that asks nothing of any network."""

import io
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from jinja2 import Environment, StrictUndefined
from markupsafe import Markup

from tasks.corpus.findings import Findings

TEMPLATE = Path(__file__).with_name("report.html.jinja")
BLUE, GREY, RED = "#2f6db5", "#c9d3de", "#b3261e"
DUPLICATES = ("exact_duplicate", "near_duplicate", "not_best_of_n", "contaminated", "over_quota")
LEAST_BARS = 4
Draw = Callable[[Any], None]


def report(found: Findings) -> str:
    """Return the page. Every text of the corpus is escaped; plots are inline SVG, the same bytes for the same findings."""
    environment = Environment(undefined=StrictUndefined, autoescape=True)
    return environment.from_string(TEMPLATE.read_text(encoding="utf-8")).render(found=found, plots=[Markup(plot) for plot in plots(found)])


def plots(found: Findings) -> list[str]:
    """Return the plots as SVG: gate funnel, think lengths with the band, families, what the corpus left out, anchor similarity."""
    left_out = [(reason, found.corpus_rejects.get(reason, 0)) for reason in DUPLICATES]
    drawings: list[tuple[str, Draw]] = [
        ("From asked to corpus", lambda axes: _bars(axes, found.funnel)),
        ("Families", lambda axes: _bars(axes, sorted(found.families.items(), key=lambda item: -item[1]))),
        (
            f"Think block, characters (band {found.band[0]:,} to {found.band[1]:,}, red)",
            lambda axes: _histogram(axes, found.think_lengths, found.band),
        ),
        ("Passing traces the corpus left out", lambda axes: _bars(axes, left_out)),
    ]
    if found.similarities:
        drawings.append(("Answer to nearest passage, cosine", lambda axes: _histogram(axes, found.similarities, None, span=(0, 1))))
    return [_svg(title, draw) for title, draw in drawings]


def _svg(title: str, draw: Draw) -> str:
    from matplotlib import rc_context
    from matplotlib.figure import Figure

    # A fixed salt and no date: the same findings give the same bytes.
    with rc_context({"svg.hashsalt": "tracemill", "svg.fonttype": "none", "font.size": 9, "font.family": "sans-serif"}):
        figure = Figure(figsize=(6.4, 3.6), layout="constrained")
        axes = figure.add_subplot()
        axes.set_title(title, loc="left", fontsize=10, fontweight="bold")
        axes.spines[["top", "right"]].set_visible(False)
        draw(axes)
        page = io.StringIO()
        figure.savefig(page, format="svg", metadata={"Date": None, "Creator": None})
    text = page.getvalue()
    return text[text.index("<svg") :]


def _bars(axes: Any, counted: Sequence[tuple[str, int]]) -> None:
    names, values = [name.replace("$", r"\$") for name, _ in counted], [value for _, value in counted]
    drawn = axes.barh(range(len(names)), values, color=BLUE, height=0.7)
    axes.set_ylim(-0.6, max(len(names), LEAST_BARS) - 0.4)
    axes.bar_label(drawn, padding=3, fontsize=8)
    axes.set_yticks(range(len(names)), names)
    axes.invert_yaxis()
    axes.margins(x=0.12)
    axes.xaxis.set_visible(False)
    axes.spines["bottom"].set_visible(False)


def _histogram(axes: Any, values: Sequence[float], band: tuple[float, float] | None, *, span: tuple[float, float] | None = None) -> None:
    axes.hist(values, bins=min(40, max(8, len(values) // 8)), range=span, color=BLUE)
    axes.set_ylabel("rows")
    for edge in band or ():
        # An edge far away would squeeze the rows into a corner; the title names it.
        if edge <= 1.5 * max(values):
            axes.axvline(edge, color=RED, linewidth=1.2)
