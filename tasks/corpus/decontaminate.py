"""Decontamination: no row holds a held-out question, or a stretch of one that only that question
has.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

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
    """An n-gram that this many questions of one category share, asked ones counted, is the
    category's wording, and proves nothing about one of them.
    """


Words = tuple[str, ...]
HEAD = 3
"""Words of an item by which it is looked up."""


class Item(NamedTuple):
    """A held-out question as a whole. place: its rank among the items; the lowest one is named."""

    place: int
    words: Words
    benchmark: str


@dataclass(frozen=True)
class HeldOut:
    """Held-out questions, ready to be looked for: n-gram → benchmark, and whole items.

    lengths: the words that an item begins with → how long the items are that begin so. Many items
    of one template begin alike, but they have few lengths.
    """

    grams: dict[Words, str]
    items: dict[Words, Item]
    lengths: dict[Words, tuple[int, ...]]

    @cached_property
    def heads(self) -> list[int]:
        """Lengths of the beginnings: HEAD, and less for an item that is shorter."""
        return sorted({len(head) for head in self.lengths})


def held_out(questions: pa.Table, spec: DecontaminationSpec) -> HeldOut:
    """Return what to look for, from the questions that are never asked."""
    counts: dict[Words, Counter[str]] = defaultdict(Counter)
    whole: dict[Words, str] = {}
    sought: set[Words] = set()
    for row in questions.select(["text", "category", "split"]).to_pylist():
        tokens = words(row["text"])
        own = set(ngrams(tokens, spec.words))
        for gram in own:
            counts[gram][row["category"]] += 1
        if row["split"] == "held_out":
            sought |= own
            whole[tuple(tokens)] = row["category"]
    grams = {
        gram: category
        for gram in sought
        for category, seen in counts[gram].items()
        if seen < spec.template_items
    }
    items = {
        item: Item(place, item, benchmark) for place, (item, benchmark) in enumerate(whole.items())
    }
    return HeldOut(grams, items, _lengths(items))


def _lengths(items: Iterable[Words]) -> dict[Words, tuple[int, ...]]:
    found: dict[Words, set[int]] = defaultdict(set)
    for item in items:
        found[item[:HEAD]].add(len(item))
    return {head: tuple(sorted(lengths)) for head, lengths in found.items()}


def without_contaminated(
    found: list[Candidate], benchmarks: HeldOut, spec: DecontaminationSpec
) -> tuple[Selection, Counter[str]]:
    """Keep rows whose prompt and completion hold no held-out question; also return hits by
    benchmark.
    """
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
    item = min(_whole_items(tokens, benchmarks), default=None)
    return (item.benchmark, " ".join(item.words)) if item else None


def _whole_items(tokens: list[str], benchmarks: HeldOut) -> Iterator[Item]:
    """Yield every item whose words stand in a row in the text; one without words is a whole text
    without words.
    """
    if not tokens and () in benchmarks.items:
        yield benchmarks.items[()]
    for length in benchmarks.heads:
        for start, head in enumerate(ngrams(tokens, length)):
            for whole in benchmarks.lengths.get(head, ()):
                item = benchmarks.items.get(tuple(tokens[start : start + whole]))
                if item:
                    yield item
