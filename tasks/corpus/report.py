"""The corpus report: one self-contained page with plots, which loads nothing from a network."""

from pathlib import Path

from jinja2 import Environment, StrictUndefined
from markupsafe import Markup

from tasks.corpus.findings import Findings
from tasks.plots import Draw, bars, histogram, svg

TEMPLATE = Path(__file__).with_name("report.html.jinja")


def report(found: Findings) -> str:
    """Return the page. All texts of the corpus are escaped. Plots are inline SVG, and equal
    findings give equal bytes.
    """
    environment = Environment(undefined=StrictUndefined, autoescape=True)
    environment.filters |= {"rounded": rounded, "percent": percent}
    template = environment.from_string(TEMPLATE.read_text(encoding="utf-8"))
    return template.render(found=found, plots=[Markup(plot) for plot in plots(found)])


def rounded(value: object) -> object:
    """Return a number with at most three decimals; anything else is returned as it is."""
    return f"{value:.3f}".rstrip("0").rstrip(".") if isinstance(value, float) else value


def percent(share: float) -> str:
    """Return a share as readable text: 7 %, 0.4 %."""
    return f"{100 * share:.0f} %" if share >= 0.01 or not share else f"{100 * share:.1f} %"


def plots(found: Findings) -> list[str]:
    """Return the plots as SVG: funnel, families, think lengths with the allowed band, similarity to
    passages.
    """
    funnel = [(step.name, step.rows) for step in found.funnel]
    families = sorted(found.families.items(), key=lambda item: -item[1])
    low, high = found.band
    lengths = f"Think block, characters (band {low:,} to {high:,}, red)"
    near = f"Answer to nearest passage, cosine ({len(found.similarities):,} rows)"
    drawings: list[tuple[str, Draw]] = [
        ("From asked to corpus", lambda axes: bars(axes, funnel)),
        ("Families", lambda axes: bars(axes, families)),
        (lengths, lambda axes: histogram(axes, found.think_lengths, found.band)),
    ]
    if found.similarities:
        values = found.similarities
        drawings.append((near, lambda axes: histogram(axes, values, None, span=(0, 1))))
    return [svg(title, draw) for title, draw in drawings]
