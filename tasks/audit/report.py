"""The audit as one self-contained page: verdict, openers as a chart, patterns with their evidence,
rows at fault.
"""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import NamedTuple

from jinja2 import Environment, StrictUndefined

from tasks.audit.openers import MOST_OPENERS, opener_of
from tasks.audit.outcome import Outcome, Pattern

TEMPLATE = Path(__file__).with_name("report.html.jinja")
SHOWN_ROWS = 200


class Bar(NamedTuple):
    """An opener's share of the rows, in percent; baseline is None where there is none. found: a
    pattern begins so.
    """

    opener: str
    share: float
    baseline: float | None
    found: bool


class Fact(NamedTuple):
    """A line of the head of the page: what was audited, when, with which settings."""

    name: str
    value: str


def audited_today() -> Fact:
    """Return the line that says on which day the audit was made. For people only: no table and no
    key holds it.
    """
    return Fact("audited on", datetime.now(UTC).date().isoformat())


class Marked(NamedTuple):
    """An example in three parts, the middle one being the pattern."""

    before: str
    piece: str
    after: str


def report(outcome: Outcome, name: str, facts: Sequence[Fact] = ()) -> str:
    """Return the page. Every text of the corpus is escaped, and the page asks nothing of any
    network.

    facts: what the page should say of its origin, such as recipe, date and fingerprint.
    """
    environment = Environment(
        undefined=StrictUndefined, autoescape=True, trim_blocks=True, lstrip_blocks=True
    )
    template = environment.from_string(TEMPLATE.read_text(encoding="utf-8"))
    shown = list(islice(outcome.flagged(), SHOWN_ROWS))
    drawn = bars(outcome)
    widest = max((max(bar.share, bar.baseline or 0.0) for bar in drawn), default=1.0)
    return template.render(
        outcome=outcome,
        name=name,
        bars=drawn,
        widest=widest,
        flagged=shown,
        gates=outcome.gate_rows(),
        percent=percent,
        facts=facts,
        marked=marked,
    )


def bars(outcome: Outcome) -> list[Bar]:
    """Return the commonest openers with the share that the baseline gives them."""
    known, begun = outcome.baseline_openers, set(_beginnings(outcome.patterns))
    return [
        Bar(
            opener,
            100 * share,
            100 * known.get(opener, 0.0) if outcome.baseline_rows else None,
            opener in begun,
        )
        for opener, share in islice(outcome.openers.items(), MOST_OPENERS)
    ]


def _beginnings(patterns: Sequence[Pattern]) -> Iterator[str]:
    """Yield the openers of the examples that begin with their pattern."""
    for one in patterns:
        if one.cleared or not (one.leak or one.suspect):
            continue
        for example, piece in zip(one.examples, one.pieces, strict=False):
            if piece and example.startswith(piece):
                yield opener_of(example)


def marked(pattern: Pattern) -> list[Marked]:
    """Return the examples of a pattern with the pattern marked in each."""
    pieces = [*pattern.pieces, *([""] * len(pattern.examples))]
    found = [
        example.partition(piece) if piece else (example, "", "")
        for example, piece in zip(pattern.examples, pieces, strict=False)
    ]
    return [Marked(*parts) for parts in found]


def percent(share: float | None) -> str:
    """Return a share as people read it: 56 %, 0.3 %, or a dash where there is none."""
    if share is None:
        return "–"
    return f"{100 * share:.0f} %" if share >= 0.1 or not share else f"{100 * share:.2g} %"
