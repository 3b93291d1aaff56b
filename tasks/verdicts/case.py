"""What a gate looks at, and what it says."""

from dataclasses import dataclass
from functools import cached_property
from typing import Literal, NamedTuple

State = Literal["passed", "failed", "not_checked"]
PASSED: State = "passed"
FAILED: State = "failed"
NOT_CHECKED: State = "not_checked"


class Verdict(NamedTuple):
    """A gate's word on one trace.

    reason: a snake_case noun: the fault of a failed trace, why nothing was checked, "" when passed.
    score: what was measured. seen: what offended and what it was compared with, in words for a
    person only; no table of verdicts holds it.
    """

    gate: str
    state: State
    reason: str
    score: float
    seen: str = ""

    def columns(self) -> dict[str, str | float]:
        """Return what a table of verdicts holds of it."""
        return {"gate": self.gate, "state": self.state, "reason": self.reason, "score": self.score}

    @property
    def told(self) -> str:
        """The verdict in words for a person."""
        seen = f": {self.seen}" if self.seen else ""
        return f"gate {self.gate}, score {self.score:.3f}{seen}"

    @property
    def failed(self) -> bool:
        """Whether the trace is rejected."""
        return self.state == FAILED

    @property
    def fault(self) -> str:
        """The reason of a failed trace, "" otherwise."""
        return self.reason if self.failed else ""


@dataclass(frozen=True)
class Passage:
    """A passage the teacher was shown."""

    section: str
    text: str
    heading: str = ""

    @cached_property
    def whole(self) -> str:
        """The heading and the text as one text."""
        return f"{self.heading}. {self.text}" if self.heading else self.text


@dataclass(frozen=True)
class Case:
    """One trace with all that bears on it. prompt: the user's turn. question: what it asks,
    alone.
    """

    trace_id: str
    prompt: str
    question: str
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
    parsed: bool = False
    """Whether a server took the think block out and kept the raw text, so that misplaced or missing
    tags cannot be seen."""
    suspicion: str | None = ""
    """What the audit of all traces found in this one; "" when nothing, None when it has not looked.
    """

    closed_book: bool = False
    """Whether the row of the corpus hides the passages that the teacher saw."""


SEEN = 160
"""Characters of a text that a verdict shows at most."""


def verdict(gate: str, fault: str | None, score: float, seen: str = "") -> Verdict:
    """Return a pass when there is no fault, else a failure for it, with what was seen."""
    if not fault:
        return Verdict(gate, PASSED, "", float(score))
    return Verdict(gate, FAILED, fault, float(score), seen)


def shown(text: str) -> str:
    """Return a text in quotation marks on one line, shortened, for a person."""
    line = " ".join(text.split())
    short = line if len(line) <= SEEN else f"{line[: SEEN - 1]}…"
    return f'"{short}"'


def not_checked(gate: str, why: str) -> Verdict:
    """Return the verdict of a gate that had nothing to check. why: a snake_case noun."""
    return Verdict(gate, NOT_CHECKED, why, 0.0)
