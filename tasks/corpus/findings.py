"""What was found out about a corpus; card and report say it in words and pictures."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Example:
    """A row to read."""

    family: str
    prompt: str
    think: str
    answer: str


@dataclass(frozen=True)
class Findings:
    """Counts of a build. Rejects map reason → rows; lengths are characters; similarities are cosines."""

    name: str
    teacher: str
    prompts: int
    asked: int
    trace_rejects: dict[str, int]
    verdict_rejects: dict[str, int]
    corpus_rejects: dict[str, int]
    passing: int
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

    @property
    def yield_share(self) -> float:
        """Rows per prompt."""
        return self.rows / self.prompts if self.prompts else 0.0

    @property
    def funnel(self) -> list[tuple[str, int]]:
        """(what is left, rows) from asked to corpus, reason by reason."""
        left = self.asked
        steps = [("asked", left)]
        for rejects in (self.trace_rejects, self.verdict_rejects, self.corpus_rejects):
            for reason, rows in sorted(rejects.items(), key=lambda item: -item[1]):
                left -= rows
                steps.append((f"after {reason}", left))
        return steps
