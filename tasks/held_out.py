"""Held-out questions, and the search for them, or for a part that only one of them has, in a
text.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import pyarrow as pa
from pydantic import Field

from tasks.ngrams import ngrams, words
from tasks.rows import QUESTIONS
from tasks.spec import Spec


class DecontaminationSpec(Spec):
    """When a text counts as holding a held-out question."""

    words: int = Field(8, ge=3)
    """Length of a shared n-gram of alphanumeric words."""
    template_items: int = Field(3, ge=2)
    """An n-gram in so many questions of one category, asked ones included, is the common wording of
    the category. It does not show that a row holds one of them.
    """


Words = tuple[str, ...]
HEAD = 3
"""Number of first words by which an item is looked up."""


class Item(NamedTuple):
    """A whole held-out question. place: its rank; of several items in a row, the lowest one is
    reported.
    """

    place: int
    words: Words
    benchmark: str


@dataclass(frozen=True)
class HeldOut:
    """Held-out questions, ready for search: n-gram → benchmark, and whole items.

    lengths: first words of items → lengths of the items that begin with them. Many items of one
    template begin alike, but have few different lengths.
    """

    grams: dict[Words, str]
    items: dict[Words, Item]
    lengths: dict[Words, tuple[int, ...]]

    @cached_property
    def heads(self) -> list[int]:
        """Lengths of the first words: HEAD, and less for shorter items."""
        return sorted({len(head) for head in self.lengths})


def held_out(questions: pa.Table, spec: DecontaminationSpec) -> HeldOut:
    """Return the n-grams and items to search for. questions: QUESTIONS; those with split "held_out"
    are searched for.
    """
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
    ranked = enumerate(whole.items())
    items = {words: Item(place, words, benchmark) for place, (words, benchmark) in ranked}
    return HeldOut(grams, items, _lengths(items))


def _lengths(items: Iterable[Words]) -> dict[Words, tuple[int, ...]]:
    found: dict[Words, set[int]] = defaultdict(set)
    for item in items:
        found[item[:HEAD]].add(len(item))
    return {head: tuple(sorted(lengths)) for head, lengths in found.items()}


def found_in(text: str, benchmarks: HeldOut, spec: DecontaminationSpec) -> tuple[str, str] | None:
    """Return (benchmark, shared words) of the first hit in a text, or None."""
    tokens = words(text)
    for gram in ngrams(tokens, spec.words):
        if gram in benchmarks.grams:
            return benchmarks.grams[gram], " ".join(gram)
    item = min(_whole_items(tokens, benchmarks), default=None)
    return (item.benchmark, " ".join(item.words)) if item else None


def _whole_items(tokens: list[str], benchmarks: HeldOut) -> Iterator[Item]:
    """Yield every item whose words occur in a row in the text. An item without words matches only a
    text without words.
    """
    if not tokens and () in benchmarks.items:
        yield benchmarks.items[()]
    for length in benchmarks.heads:
        for start, head in enumerate(ngrams(tokens, length)):
            for whole in benchmarks.lengths.get(head, ()):
                sought = tuple(tokens[start : start + whole])
                if item := benchmarks.items.get(sought):
                    yield item


def as_held_out(questions: pa.Table) -> pa.Table:
    """Return QUESTIONS with the split held_out: those of a probe are never to be asked."""
    place = questions.column_names.index("split")
    split = pa.array(["held_out"] * questions.num_rows, pa.string())
    return questions.set_column(place, QUESTIONS.field("split"), split)
