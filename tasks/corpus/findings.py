"""What was found out about a corpus; card and report say it in words and pictures."""

from dataclasses import dataclass
from typing import NamedTuple

from tasks.corpus.trust import UNKNOWN, Trust


@dataclass(frozen=True)
class Example:
    """A row to read."""

    family: str
    prompt: str
    think: str
    answer: str


@dataclass(frozen=True)
class ControlArm:
    """What was asked bare: prompts, their traces, those that passed every gate, and whether these
    were offered to the corpus.
    """

    prompts: int
    traces: int
    passing: int
    accepted: bool

    @property
    def aside(self) -> int:
        """Passing traces that were not offered to the corpus."""
        return 0 if self.accepted else self.passing


_ASKED = "Every prompt is asked several times; each answer is a trace."
_CONTROL = (
    "The control arm is asked bare, to know how the teacher writes when nobody instructs it. "
    "Its answers are a baseline and no rows, unless the recipe accepts them."
)
_CORPUS = {
    "best of each prompt": (
        ("not_best_of_n",),
        "Of several passing answers to one prompt the best one is kept.",
    ),
    "without duplicates": (
        ("exact_duplicate", "near_duplicate"),
        "A row that says what an earlier one says is left out.",
    ),
    "without held-out questions": (
        ("contaminated",),
        "A row that holds a question kept for measuring is left out.",
    ),
    "within the shares": (
        ("over_quota",),
        "The recipe bounds the share of a family (corpus.quotas) and of general reasoning.",
    ),
}
"""Steps of the corpus stage: what is left, the reasons that take rows there, and what the step
does.
"""


class Step(NamedTuple):
    """A step of the funnel. share: of the step before. lost: reason and rows, the largest loss
    first. note: what the step does.
    """

    name: str
    rows: int
    share: float
    lost: list[tuple[str, int]]
    note: str


@dataclass(frozen=True)
class Findings:
    """Counts of a build. Rejects map reason → rows; lengths are characters; similarities are
    cosines; prompts are all that were asked.

    judge: what the judge of coherence is worth, "" when none was asked. trusting: models that ran
    code of their own, "" when none did.
    """

    name: str
    teacher: str
    prompts: int
    asked: int
    trace_rejects: dict[str, int]
    verdict_rejects: dict[str, int]
    corpus_rejects: dict[str, int]
    passing: int
    judge: str
    control: ControlArm
    rows: int
    validation: int
    families: dict[str, int]
    general: int
    verified: int
    think_lengths: list[int]
    band: tuple[int, int]
    similarities: list[float]
    """Cosine of an answer to its nearest passage, of a sample of the rows."""
    benchmark_hits: dict[str, int]
    sources: dict[tuple[str, str], int]
    suite: list[dict[str, object]]
    examples: list[Example]
    trusting: str = ""
    fingerprint: str = ""
    trust: Trust = UNKNOWN
    """What the gates checked in these rows, and what they find of planted faults."""

    @property
    def yield_share(self) -> float:
        """Rows per prompt that could make one: the control arm counts where it is accepted."""
        offered = self.prompts if self.control.accepted else self.prompts - self.control.prompts
        return self.rows / offered if offered else 0.0

    @property
    def funnel(self) -> list[Step]:
        """The way from traces asked to rows of the corpus, step by step."""
        steps = [Step("asked", self.asked, 1.0, [], _ASKED)]
        for name, note, losses in self._losses():
            before = steps[-1].rows
            left = before - sum(losses.values())
            lost = sorted(losses.items(), key=lambda loss: (-loss[1], loss[0]))
            steps.append(Step(name, left, left / before if before else 0.0, lost, note))
        return steps

    def _losses(self) -> list[tuple[str, str, dict[str, int]]]:
        """Return (what is left, what the step does, reason → rows lost) in the order of the line;
        steps that lose nothing included.
        """
        aside = {"control_arm": self.control.aside} if self.control.aside else {}
        known = {reason for reasons, _ in _CORPUS.values() for reason in reasons}
        other = {
            reason: rows for reason, rows in self.corpus_rejects.items() if reason not in known
        }
        corpus = [
            (
                name,
                note,
                {one: self.corpus_rejects[one] for one in reasons if one in self.corpus_rejects},
            )
            for name, (reasons, note) in _CORPUS.items()
        ]
        return [
            ("answered", "The teacher finished in time, within its tokens.", self.trace_rejects),
            ("passed every gate", "The gates judge each trace by itself.", self.verdict_rejects),
            ("offered to the corpus", _CONTROL, aside),
            *corpus,
            *([("left after other checks", "", other)] if other else []),
        ]
