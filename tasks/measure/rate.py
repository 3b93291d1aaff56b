"""Speed from the times at which answers began and ended."""

from collections.abc import Sequence
from typing import NamedTuple


class Span(NamedTuple):
    """The time of one answer, in seconds on one clock. tokens: of its completion."""

    begin: float
    end: float
    tokens: int


def steady_rate(spans: Sequence[Span]) -> float:
    """Return tokens per second while every slot was in use: from the first beginning to the first
    end after the last beginning.

    The time after that, in which slots become empty, does not count, because it is tiny in a build
    of thousands of rows. An answer's tokens are spread evenly over its time. 0.0 without spans.
    """
    if not spans:
        return 0.0
    begin, last = min(span.begin for span in spans), max(span.begin for span in spans)
    until = min(span.end for span in spans if span.end >= last)
    tokens = sum(span.tokens * _share(span, until) for span in spans)
    return tokens / max(until - begin, 1e-9)


def _share(span: Span, until: float) -> float:
    """Return the share of a span that lies before a time."""
    if span.end <= until:
        return 1.0
    return max(0.0, until - span.begin) / (span.end - span.begin)
