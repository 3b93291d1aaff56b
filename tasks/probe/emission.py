"""The emission gate: does the student still open a think block, close it, think as long, and stop?"""

from collections.abc import Sequence

from pydantic import Field

from tasks.probe.answers import Answer, opened
from tasks.probe.metrics import Metric, measure
from tasks.spec import Spec

UNCLOSED = frozenset({"missing_think", "unclosed_think", "orphan_close", "repeated_think"})
UNREADABLE = frozenset({"run_together", "mojibake", "script_drift"})


class EmissionSpec(Spec):
    """Least ratio of the student's share, or mean, to the baseline's."""

    presence: float = Field(0.90, ge=0)
    """Answers that open a think block."""
    closure: float = Field(0.90, ge=0)
    """Answers with one whole think block."""
    stopped: float = Field(0.90, ge=0)
    """Answers that end by themselves, not at max_tokens."""
    think_length: float = Field(0.75, ge=0)
    """Mean characters of think blocks; an unclosed one counts 0."""
    unlooped: float = Field(0.90, ge=0)
    """Smallest share of answers without loops."""
    readable: float = Field(0.90, ge=0)
    """Answers without run-together words, mojibake, or drift into another script."""


def emission(every: Sequence[Answer], spec: EmissionSpec) -> list[Metric]:
    """Return the mechanics' metrics. Known well-formed nonsense passes them: that is what the
    content gate is for.
    """
    found = [
        measure("emission", "presence", every, opened, due=spec.presence),
        measure(
            "emission",
            "closure",
            every,
            lambda one: one.faults.get("structure") not in UNCLOSED,
            due=spec.closure,
        ),
        measure(
            "emission", "stopped", every, lambda one: one.finish_reason == "stop", due=spec.stopped
        ),
        measure(
            "emission",
            "think_length",
            every,
            lambda one: len(one.think),
            due=spec.think_length,
            shares=False,
        ),
        measure(
            "emission",
            "unlooped",
            every,
            lambda one: one.faults.get("fluency") != "loop",
            due=spec.unlooped,
        ),
        measure(
            "emission",
            "readable",
            every,
            lambda one: one.faults.get("fluency") not in UNREADABLE,
            due=spec.readable,
        ),
    ]
    return [one for one in found if one]
