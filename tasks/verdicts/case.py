"""What a gate looks at, and what it says."""

from dataclasses import dataclass
from typing import NamedTuple


class Verdict(NamedTuple):
    """A gate's word on one trace. reason: a snake_case noun, "" when passed. score: what was measured."""

    gate: str
    passed: bool
    reason: str
    score: float


@dataclass(frozen=True)
class Passage:
    """A passage the teacher was shown."""

    section: str
    text: str


@dataclass(frozen=True)
class Case:
    """One trace with all that bears on it."""

    trace_id: str
    prompt: str
    think: str
    answer: str
    raw: str
    fault: str
    family: str
    cell: str
    canary: str
    passages: tuple[Passage, ...] = ()
    accepted: tuple[str, ...] = ()
    answer_type: str = "text"
    suspicion: str = ""
    """What the audit of all traces found in this one; "" when nothing."""


def verdict(gate: str, reason: str | None, score: float) -> Verdict:
    """Return a pass when there is no reason, else a failure for it."""
    return Verdict(gate, not reason, reason or "", float(score))
