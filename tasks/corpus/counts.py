"""Counts of a build for its card and report: rejected rows by reason, sources, examples."""

from collections import Counter

from tasks.corpus.candidate import Candidate, Rejection
from tasks.corpus.findings import Example
from tasks.corpus.select import CONTROL
from tasks.corpus.upstream import Upstream
from tasks.store import Table


def gate_rejects(upstream: Upstream) -> dict[str, int]:
    """Return reason → traces that a gate or the judge rejected."""
    return dict(upstream.verdicts.rejected) | dict(upstream.coherence.rejected)


def control_ids(prompts: Table) -> set[str]:
    """Return the ids of the control arm's prompts."""
    columns = prompts.read(["prompt_id", "control"])
    return set(columns.filter(columns["control"])["prompt_id"].to_pylist())


def examples(kept: list[Candidate]) -> list[Example]:
    """Return the first row of every family."""
    first = {one.family: one for one in reversed(kept)}
    return [
        Example(family, one.question, one.trace["think"], one.trace["answer"])
        for family, one in sorted(first.items())
    ]


def sources(kept: list[Candidate]) -> dict[tuple[str, str], int]:
    """Return (source, licence) → number of rows that use it."""
    counted: Counter[tuple[str, str]] = Counter()
    for one in kept:
        named = [(source["source"].split("#")[0], source["licence"]) for source in one.sources]
        counted.update(set(named))
    return dict(sorted(counted.items()))


def by_reason(rejected: list[Rejection]) -> dict[str, int]:
    """Return reason → rows, in the order of the reasons."""
    return dict(sorted(Counter(one.reason for one in rejected).items()))


def corpus_rejects(rejected: list[Rejection]) -> dict[str, int]:
    """Return reason → rows without the control arm, which card and report count separately."""
    return {reason: count for reason, count in by_reason(rejected).items() if reason != CONTROL}
