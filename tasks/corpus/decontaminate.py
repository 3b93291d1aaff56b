"""Decontamination: no row holds a held-out question, or a stretch of one that only that question has."""

from collections import Counter, defaultdict
from dataclasses import dataclass

import pyarrow as pa
from pydantic import Field

from tasks.corpus.candidate import Candidate, Rejection
from tasks.corpus.select import Selection
from tasks.ngrams import ngrams, words
from tasks.spec import Spec


class DecontaminationSpec(Spec):
    """When a row is taken to hold a held-out question."""

    words: int = Field(8, ge=3)
    """Length of the shared n-gram of alphanumeric words."""
    template_items: int = Field(3, ge=2)
    """An n-gram that this many questions of one category share, asked ones counted, is the category's wording, and proves nothing about one of them."""


@dataclass(frozen=True)
class HeldOut:
    """Held-out questions, ready to be looked for: n-gram → benchmark, and short items whole."""

    grams: dict[tuple[str, ...], str]
    whole: dict[str, str]


def held_out(questions: pa.Table, spec: DecontaminationSpec) -> HeldOut:
    """Return what to look for, from the questions that are never asked."""
    counts: dict[tuple[str, ...], Counter[str]] = defaultdict(Counter)
    whole: dict[str, str] = {}
    sought: set[tuple[str, ...]] = set()
    for row in questions.select(["text", "category", "split"]).to_pylist():
        tokens = words(row["text"])
        own = set(ngrams(tokens, spec.words))
        for gram in own:
            counts[gram][row["category"]] += 1
        if row["split"] == "held_out":
            sought |= own
            whole[f" {' '.join(tokens)} "] = row["category"]
    grams = {
        gram: category
        for gram in sought
        for category, seen in counts[gram].items()
        if seen < spec.template_items
    }
    return HeldOut(grams, whole)


def without_contaminated(
    found: list[Candidate], benchmarks: HeldOut, spec: DecontaminationSpec
) -> tuple[Selection, Counter[str]]:
    """Keep rows whose prompt and completion hold no held-out question; also return hits by benchmark."""
    kept, rejected = [], []
    hits: Counter[str] = Counter()
    for one in found:
        hit = contamination(one, benchmarks, spec)
        if hit:
            hits[hit[0]] += 1
            rejected.append(Rejection(one.trace_id, "contaminated", f"{hit[0]}: {hit[1]}"))
        else:
            kept.append(one)
    return (kept, rejected), hits


def contamination(
    one: Candidate, benchmarks: HeldOut, spec: DecontaminationSpec
) -> tuple[str, str] | None:
    """Return (benchmark, shared words) of the first hit, or None."""
    tokens = words(f"{one.question}\n{one.completion}")
    for gram in ngrams(tokens, spec.words):
        if gram in benchmarks.grams:
            return benchmarks.grams[gram], " ".join(gram)
    text = f" {' '.join(tokens)} "
    return next(
        ((benchmark, item.strip()) for item, benchmark in benchmarks.whole.items() if item in text),
        None,
    )
