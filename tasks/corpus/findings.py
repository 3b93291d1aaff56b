"""What was found out about a corpus; card and report say it in words and pictures."""

from dataclasses import dataclass

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
    """What was asked bare: prompts, their traces, those that passed every gate, and whether these were offered to the corpus."""

    prompts: int
    traces: int
    passing: int
    accepted: bool

    @property
    def aside(self) -> int:
        """Passing traces that were not offered to the corpus."""
        return 0 if self.accepted else self.passing


@dataclass(frozen=True)
class Findings:
    """Counts of a build. Rejects map reason → rows; lengths are characters; similarities are cosines; prompts are all that were asked.

    judge: what the judge of coherence is worth, "" when none was asked. trusting: models that ran code of their own, "" when none did.
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
    benchmark_hits: dict[str, int]
    sources: dict[tuple[str, str], int]
    suite: list[dict[str, object]]
    examples: list[Example]
    trusting: str = ""
    trust: Trust = UNKNOWN
    """What the gates checked in these rows, and what they find of planted faults."""

    @property
    def yield_share(self) -> float:
        """Rows per prompt that could make one: the control arm counts where it is accepted."""
        offered = self.prompts if self.control.accepted else self.prompts - self.control.prompts
        return self.rows / offered if offered else 0.0

    @property
    def funnel(self) -> list[tuple[str, int]]:
        """(what is left, rows) from asked to corpus, reason by reason."""
        left = self.asked
        steps = [("asked", left)]
        aside = {"control_arm": self.control.aside} if self.control.aside else {}
        for rejects in (self.trace_rejects, self.verdict_rejects, aside, self.corpus_rejects):
            for reason, rows in sorted(rejects.items(), key=lambda item: -item[1]):
                left -= rows
                steps.append((f"after {reason}", left))
        return steps
