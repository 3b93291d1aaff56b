"""The corpus report: one self-contained page with plots, that asks nothing of any network."""

from pathlib import Path

from jinja2 import Environment, StrictUndefined
from markupsafe import Markup

from tasks.corpus.findings import Findings
from tasks.plots import Draw, bars, histogram, svg

TEMPLATE = Path(__file__).with_name("report.html.jinja")


def report(found: Findings) -> str:
    """Return the page. Every text of the corpus is escaped; plots are inline SVG, the same bytes
    for the same findings.
    """
    environment = Environment(undefined=StrictUndefined, autoescape=True)
    environment.filters |= {"rounded": rounded, "percent": percent}
    return environment.from_string(TEMPLATE.read_text(encoding="utf-8")).render(
        found=found, plots=[Markup(plot) for plot in plots(found)]
    )


def rounded(value: object) -> object:
    """Return a number with three digits behind the point at most, anything else as it is."""
    return f"{value:.3f}".rstrip("0").rstrip(".") if isinstance(value, float) else value


def percent(share: float) -> str:
    """Return a share as a person reads it: 7 %, 0.4 %."""
    return f"{100 * share:.0f} %" if share >= 0.01 or not share else f"{100 * share:.1f} %"


def plots(found: Findings) -> list[str]:
    """Return the plots as SVG: the funnel, families, think lengths with the band, anchor
    similarity.
    """
    funnel = [(step.name, step.rows) for step in found.funnel]
    drawings: list[tuple[str, Draw]] = [
        ("From asked to corpus", lambda axes: bars(axes, funnel)),
        (
            "Families",
            lambda axes: bars(axes, sorted(found.families.items(), key=lambda item: -item[1])),
        ),
        (
            f"Think block, characters (band {found.band[0]:,} to {found.band[1]:,}, red)",
            lambda axes: histogram(axes, found.think_lengths, found.band),
        ),
    ]
    if found.similarities:
        drawings.append(
            (
                f"Answer to nearest passage, cosine ({len(found.similarities):,} rows)",
                lambda axes: histogram(axes, found.similarities, None, span=(0, 1)),
            )
        )
    return [svg(title, draw) for title, draw in drawings]
