"""The audit as one self-contained page: verdict, openers as a chart, patterns with their evidence, rows at fault."""

from itertools import islice
from pathlib import Path
from typing import NamedTuple

from jinja2 import Environment, StrictUndefined

from tasks.verdicts.audit.openers import MOST_OPENERS
from tasks.verdicts.audit.outcome import Outcome

TEMPLATE = Path(__file__).with_name("report.html.jinja")
SHOWN_ROWS = 200


class Bar(NamedTuple):
    """An opener's share of the rows, in percent; baseline is None where there is none."""

    opener: str
    share: float
    baseline: float | None


def report(outcome: Outcome, name: str) -> str:
    """Return the page. Every text of the corpus is escaped, and the page asks nothing of any network."""
    environment = Environment(
        undefined=StrictUndefined, autoescape=True, trim_blocks=True, lstrip_blocks=True
    )
    template = environment.from_string(TEMPLATE.read_text(encoding="utf-8"))
    shown = list(islice(outcome.flagged(), SHOWN_ROWS))
    drawn = bars(outcome)
    widest = max((max(bar.share, bar.baseline or 0.0) for bar in drawn), default=1.0)
    return template.render(
        outcome=outcome, name=name, bars=drawn, widest=widest, flagged=shown, gates=outcome.gate_rows(), percent=percent
    )  # fmt: skip


def bars(outcome: Outcome) -> list[Bar]:
    """Return the commonest openers with the share that the baseline gives them."""
    known = outcome.baseline_openers
    return [
        Bar(opener, 100 * share, 100 * known.get(opener, 0.0) if outcome.baseline_rows else None)
        for opener, share in islice(outcome.openers.items(), MOST_OPENERS)
    ]


def percent(share: float | None) -> str:
    """Return a share as people read it: 56 %, 0.3 %, or a dash where there is none."""
    if share is None:
        return "–"
    return f"{100 * share:.0f} %" if share >= 0.1 or not share else f"{100 * share:.2g} %"
