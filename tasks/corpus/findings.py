"""All that card and report show of a corpus."""

from collections import Counter
from dataclasses import dataclass
from typing import NamedTuple

from tasks.corpus.suite import CheckedExpectation
from tasks.corpus.trust import UNKNOWN, Trust


@dataclass(frozen=True)
class Example:
    """A row that the report shows."""

    family: str
    prompt: str
    think: str
    answer: str


@dataclass(frozen=True)
class ControlArm:
    """The prompts that were asked without instructions: their number, their traces, the traces that
    passed, and whether these were offered to the corpus.
    """

    prompts: int
    traces: int
    passing: int
    accepted: bool

    @property
    def not_offered(self) -> int:
        """Passing traces that were not offered to the corpus."""
        return 0 if self.accepted else self.passing


_ASKED = "Every prompt is asked several times; each answer is a trace."
_CONTROL = (
    "The control arm is asked without instructions, to learn how the teacher writes by itself. "
    "Its answers are a baseline. They become rows only if the recipe accepts them."
)
_CORPUS = {
    "best of each prompt": (
        ("not_best_of_n",),
        "Only the best of several passing answers to one prompt is kept.",
    ),
    "without duplicates": (
        ("exact_duplicate", "near_duplicate"),
        "A row with nearly the same words as an earlier row is left out.",
    ),
    "without held-out questions": (
        ("contaminated",),
        "A row that holds a held-out question is left out.",
    ),
    "within the shares": (
        ("over_quota",),
        "The recipe limits the shares of families (corpus.quotas) and of general reasoning.",
    ),
}
"""Steps of the corpus stage: name → the reasons that remove rows in this step, and what the step
does.
"""


class Step(NamedTuple):
    """A step of the funnel.

    share: of the rows before this step. lost: reason and rows, the largest loss first. note: what
    the step does.
    """

    name: str
    rows: int
    share: float
    lost: list[tuple[str, int]]
    note: str


class ChainLine(NamedTuple):
    """One step of a chain in the funnel that card and report show.

    offered, made: items. asked: answers. tokens: of the answers. lost: the largest reasons.
    openings: effective number of openings of the questions, before and after the step.
    """

    chain: str
    step: str
    offered: int
    asked: int
    tokens: int
    made: int
    lost: str
    openings: tuple[float, float]


@dataclass(frozen=True)
class Findings:
    """Counts of a build.

    Reject fields map reason → rows. Lengths are in characters. judge: how reliable the coherence
    judge is, "" without a judge. trusting: models that ran their own code, "" if none.
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
    """Cosine similarity of an answer to its nearest passage, for a sample of the rows."""
    benchmark_hits: dict[str, int]
    sources: dict[tuple[str, str], int]
    suite: list[CheckedExpectation]
    examples: list[Example]
    trusting: str = ""
    fingerprint: str = ""
    trust: Trust = UNKNOWN
    """What the gates checked in these rows, and how many planted faults they find."""
    chains: tuple[ChainLine, ...] = ()
    """The steps of all chains."""

    @property
    def calls_per_question(self) -> dict[str, float]:
        """Name of a chain → answers that it read for each item of its last step."""
        asked: Counter[str] = Counter()
        last: dict[str, int] = {}
        for line in self.chains:
            asked[line.chain] += line.asked
            last[line.chain] = line.made
        return {name: round(asked[name] / last[name], 2) for name in last if last[name]}

    @property
    def yield_share(self) -> float:
        """Rows per prompt that may become a row. Prompts of the control arm count only if it is
        accepted.
        """
        offered = self.prompts if self.control.accepted else self.prompts - self.control.prompts
        return self.rows / offered if offered else 0.0

    @property
    def funnel(self) -> list[Step]:
        """The steps from asked traces to rows of the corpus."""
        steps = [Step("asked", self.asked, 1.0, [], _ASKED)]
        for name, note, losses in self._losses():
            before = steps[-1].rows
            left = before - sum(losses.values())
            lost = sorted(losses.items(), key=lambda loss: (-loss[1], loss[0]))
            steps.append(Step(name, left, left / before if before else 0.0, lost, note))
        return steps

    def _losses(self) -> list[tuple[str, str, dict[str, int]]]:
        """Return (name, what the step does, reason → rows lost) of every step in order, also of
        steps without loss.
        """
        aside = {"control_arm": self.control.not_offered} if self.control.not_offered else {}
        rejects = self.corpus_rejects
        known = {reason for reasons, _ in _CORPUS.values() for reason in reasons}
        other = {reason: rows for reason, rows in rejects.items() if reason not in known}
        corpus = [
            (name, note, {reason: rejects[reason] for reason in reasons if reason in rejects})
            for name, (reasons, note) in _CORPUS.items()
        ]
        return [
            ("answered", "The teacher finished in time, within its tokens.", self.trace_rejects),
            ("passed every gate", "The gates judge each trace by itself.", self.verdict_rejects),
            ("offered to the corpus", _CONTROL, aside),
            *corpus,
            *([("left after other checks", "", other)] if other else []),
        ]
