"""The report of an audit as one self-contained HTML page: verdict, chart of openers, patterns with
their evidence, flagged rows.
"""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import NamedTuple

from jinja2 import Environment, StrictUndefined

from tasks.audit.openers import MAX_OPENERS, opener_of
from tasks.audit.outcome import Outcome, Pattern

TEMPLATE = Path(__file__).with_name("report.html.jinja")
SHOWN_ROWS = 200
"""Most flagged rows on the page."""


class Bar(NamedTuple):
    """One bar of the chart: an opener's share of the rows, in percent.

    baseline: its share of the baseline rows, None without a baseline. found: a pattern begins with
    it.
    """

    opener: str
    share: float
    baseline: float | None
    found: bool


class Fact(NamedTuple):
    """One line at the head of the page: what was audited, when, and with which settings."""

    name: str
    value: str


def audited_today() -> Fact:
    """Return the line with the day of the audit. It is for readers only; no table and no key holds
    it.
    """
    return Fact("audited on", datetime.now(UTC).date().isoformat())


class Marked(NamedTuple):
    """An example in three parts. piece: the pattern itself."""

    before: str
    piece: str
    after: str


def report(outcome: Outcome, name: str, facts: Sequence[Fact] = ()) -> str:
    """Return the page. All texts of the corpus are escaped, and the page loads nothing from a
    network.

    name: what was audited. facts: lines on the origin, such as recipe, date and fingerprint.
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
    """Return the commonest openers with their shares in corpus and baseline."""
    begun = set(_beginnings(outcome.patterns))
    commonest = islice(outcome.openers.items(), MAX_OPENERS)
    return [
        Bar(opener, 100 * share, _baseline_percent(outcome, opener), opener in begun)
        for opener, share in commonest
    ]


def _baseline_percent(outcome: Outcome, opener: str) -> float | None:
    if not outcome.baseline_rows:
        return None
    return 100 * outcome.baseline_openers.get(opener, 0.0)


def _beginnings(patterns: Sequence[Pattern]) -> Iterator[str]:
    """Yield the openers of all examples that begin with their pattern."""
    for one in patterns:
        if one.cleared or not (one.leak or one.suspect):
            continue
        for example, piece in zip(one.examples, one.pieces, strict=False):
            if piece and example.startswith(piece):
                yield opener_of(example)


def marked(pattern: Pattern) -> list[Marked]:
    """Return the examples of a pattern, each split at the pattern."""
    pieces = [*pattern.pieces, *([""] * len(pattern.examples))]
    found = [
        example.partition(piece) if piece else (example, "", "")
        for example, piece in zip(pattern.examples, pieces, strict=False)
    ]
    return [Marked(*parts) for parts in found]


def percent(share: float | None) -> str:
    """Return a share as readable text: 56 %, 0.3 %, or a dash if there is none."""
    if share is None:
        return "–"
    return f"{100 * share:.0f} %" if share >= 0.1 or not share else f"{100 * share:.2g} %"
