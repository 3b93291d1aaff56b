"""What card and report say of a corpus: counts of its rows, and words that the flow hands over."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from tasks.corpus.candidate import Candidate, Rejection
from tasks.corpus.counts import control_ids, corpus_rejects, examples, gate_rejects, sources
from tasks.corpus.findings import ChainLine, ControlArm, Findings
from tasks.corpus.similarity import similarities
from tasks.corpus.suite import CheckedExpectation
from tasks.corpus.trust import Trust
from tasks.corpus.upstream import Upstream


class About(NamedTuple):
    """What the flow knows of a corpus before it is made.

    name: of the recipe. teachers: name of a model → the model. judge: one sentence, how reliable
    the coherence judge is, "" without a judge. trusting: models that ran their own code, "" if
    none. chains: their funnels. All of it is for people and not part of the corpus' key.
    """

    name: str
    teachers: Mapping[str, str]
    judge: str
    trusting: str = ""
    fingerprint: str = ""
    chains: tuple[ChainLine, ...] = ()


class Chosen(NamedTuple):
    """The rows of a corpus and how they were chosen.

    validation: trace ids of the validation split. benchmark_hits: rows that a held-out question
    removed, by its source.
    """

    kept: list[Candidate]
    rejected: list[Rejection]
    validation: set[str]
    benchmark_hits: Counter[str]
    suite: list[CheckedExpectation]
    control: ControlArm
    trust: Trust


def describe(
    chosen: Chosen, upstream: Upstream, about: About, *, band: tuple[int, int], embedding: str
) -> Findings:
    """Return what card and report say. band: shortest and longest think block that the suite
    accepts, in characters. embedding: model for the similarity of answers to passages.
    """
    kept = chosen.kept
    return Findings(
        name=about.name,
        teacher=", ".join(sorted(set(about.teachers.values()))),
        prompts=upstream.prompts.rows,
        asked=upstream.traces.rows_in,
        trace_rejects=dict(upstream.traces.rejected),
        verdict_rejects=gate_rejects(upstream),
        corpus_rejects=corpus_rejects(chosen.rejected),
        passing=upstream.coherence.rows_out,
        judge=about.judge,
        trusting=about.trusting,
        fingerprint=about.fingerprint,
        chains=about.chains,
        control=chosen.control,
        rows=len(kept),
        validation=len(chosen.validation),
        families=dict(sorted(Counter(one.family for one in kept).items())),
        general=sum(one.general for one in kept),
        verified=sum(one.known_answer for one in kept),
        think_lengths=[len(one.trace["think"]) for one in kept],
        band=band,
        similarities=similarities(kept, upstream.passages.path, embedding),
        benchmark_hits=dict(sorted(chosen.benchmark_hits.items())),
        sources=sources(kept),
        suite=chosen.suite,
        examples=examples(kept),
        trust=chosen.trust,
    )


def control_arm(passing: Sequence[Candidate], upstream: Upstream, *, accepted: bool) -> ControlArm:
    """Return the counts of the control arm. accepted: whether its rows may enter the corpus."""
    bare = control_ids(upstream.prompts)
    traces = sum(
        prompt_id in bare
        for batch in upstream.traces.batches(["prompt_id"])
        for prompt_id in batch.column("prompt_id").to_pylist()
    )
    return ControlArm(len(bare), traces, sum(one.control for one in passing), accepted=accepted)
