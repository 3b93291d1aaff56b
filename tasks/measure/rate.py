"""Speed from when answers began and ended."""

from collections.abc import Sequence
from typing import NamedTuple


class Span(NamedTuple):
    """One answer on a clock, in seconds. tokens: of the completion."""

    begin: float
    end: float
    tokens: int


def steady_rate(spans: Sequence[Span]) -> float:
    """Return tokens a second over the time in which every slot was taken: from the first beginning
    to the first end after the last beginning.

    What follows, when slots empty one by one, is left out: a build of thousands of rows has next to
    none of it. An answer's tokens are taken as spread evenly over its time. 0.0 without spans.
    """
    if not spans:
        return 0.0
    begin, last = min(span.begin for span in spans), max(span.begin for span in spans)
    until = min(span.end for span in spans if span.end >= last)
    tokens = sum(span.tokens * _share(span, until) for span in spans)
    return tokens / max(until - begin, 1e-9)


def _share(span: Span, until: float) -> float:
    """Return the share of a span that lies before a moment."""
    if span.end <= until:
        return 1.0
    return max(0.0, until - span.begin) / (span.end - span.begin)
