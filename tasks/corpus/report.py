"""The corpus report: one self-contained page with plots, that asks nothing of any network."""

from pathlib import Path

from jinja2 import Environment, StrictUndefined
from markupsafe import Markup

from tasks.corpus.findings import Findings
from tasks.plots import Draw, bars, histogram, svg

TEMPLATE = Path(__file__).with_name("report.html.jinja")
DUPLICATES = ("exact_duplicate", "near_duplicate", "not_best_of_n", "contaminated", "over_quota")


def report(found: Findings) -> str:
    """Return the page. Every text of the corpus is escaped; plots are inline SVG, the same bytes for the same findings."""
    environment = Environment(undefined=StrictUndefined, autoescape=True)
    return environment.from_string(TEMPLATE.read_text(encoding="utf-8")).render(
        found=found, plots=[Markup(plot) for plot in plots(found)]
    )


def plots(found: Findings) -> list[str]:
    """Return the plots as SVG: gate funnel, think lengths with the band, families, what the corpus left out, anchor similarity."""
    left_out = [(reason, found.corpus_rejects.get(reason, 0)) for reason in DUPLICATES]
    drawings: list[tuple[str, Draw]] = [
        ("From asked to corpus", lambda axes: bars(axes, found.funnel)),
        (
            "Families",
            lambda axes: bars(axes, sorted(found.families.items(), key=lambda item: -item[1])),
        ),
        (
            f"Think block, characters (band {found.band[0]:,} to {found.band[1]:,}, red)",
            lambda axes: histogram(axes, found.think_lengths, found.band),
        ),
        ("Passing traces the corpus left out", lambda axes: bars(axes, left_out)),
    ]
    if found.similarities:
        drawings.append(
            (
                "Answer to nearest passage, cosine",
                lambda axes: histogram(axes, found.similarities, None, span=(0, 1)),
            )
        )
    return [svg(title, draw) for title, draw in drawings]
