"""The emission gate: does the student still open a think block, close it, think as long, and
stop?
"""

from collections.abc import Callable, Sequence

from pydantic import Field

from tasks.probe.answers import Answer, opened
from tasks.probe.metrics import Metric, measure
from tasks.spec import Spec

UNCLOSED = frozenset({"missing_think", "unclosed_think", "orphan_close", "repeated_think"})
"""Reasons of the gate `structure` that mean: not exactly one complete think block."""
UNREADABLE = frozenset({"run_together", "mojibake", "script_drift"})
"""Reasons of the gate `fluency` that mean: not readable."""


class EmissionSpec(Spec):
    """Smallest ratios of the student's share, or mean, to the baseline's."""

    presence: float = Field(0.90, ge=0)
    """Answers that open a think block."""
    closure: float = Field(0.90, ge=0)
    """Answers with exactly one complete think block."""
    stopped: float = Field(0.90, ge=0)
    """Answers that end by themselves, before max_tokens."""
    think_length: float = Field(0.75, ge=0)
    """Mean number of characters of think blocks. An unclosed one counts as 0."""
    unlooped: float = Field(0.90, ge=0)
    """Answers without loops."""
    readable: float = Field(0.90, ge=0)
    """Answers without run-together words, mojibake, or a change to another script."""


def emission(every: Sequence[Answer], spec: EmissionSpec) -> list[Metric]:
    """Return the metrics of the form. Well-formed nonsense passes them; the content gate finds
    that.
    """

    def metric(
        name: str, value: Callable[[Answer], float], due: float, *, shares: bool = True
    ) -> Metric | None:
        return measure("emission", name, every, value, due=due, shares=shares)

    found = [
        metric("presence", opened, spec.presence),
        metric("closure", _is_closed, spec.closure),
        metric("stopped", lambda one: one.finish_reason == "stop", spec.stopped),
        metric("think_length", lambda one: len(one.think), spec.think_length, shares=False),
        metric("unlooped", lambda one: one.faults.get("fluency") != "loop", spec.unlooped),
        metric("readable", _is_readable, spec.readable),
    ]
    return [one for one in found if one]


def _is_closed(one: Answer) -> bool:
    return one.faults.get("structure") not in UNCLOSED


def _is_readable(one: Answer) -> bool:
    return one.faults.get("fluency") not in UNREADABLE
