"""What the steps of a chain may look up: the passages, their names, and what occurs nowhere."""

import re
from collections import Counter, defaultdict
from collections.abc import Iterator
from functools import cached_property

import pyarrow as pa
from rapidfuzz import fuzz, process

from tasks.chains.item import Item
from tasks.ngrams import words
from tasks.trace_context import Row, RowsByKey

PASSAGE = ("passage_id", "document_id", "title", "section", "heading", "text", "neighbours")
"""Columns of PASSAGES that steps may use."""
_NAME = re.compile(r"\b[A-Z][\w’'-]*(?:\s+[A-Z][\w’'-]*)*")
_STARTS = re.compile(r"(?:^|[.!?:;]\s+|\n\s*|[\"“(\[]\s*)$")
SIMILAR = 88.0
"""Two names with this similarity (0 to 100) may mean the same thing."""


class World:
    """The passages of a build, ready to be looked up."""

    def __init__(self, passages: pa.Table) -> None:
        self._table = passages.select([*PASSAGE, "category", "licence"])
        self._rows = RowsByKey(self._table, "passage_id")

    def passage(self, passage_id: str) -> Row:
        """Return a row of PASSAGES; KeyError for an unknown one."""
        return self._rows[passage_id]

    def roots(self, item: Item) -> list[Row]:
        """Return the root passages of an item."""
        return [self.passage(one) for one in item.passage_ids]

    def root_text(self, item: Item) -> str:
        """Return headings and texts of an item's root passages as one text."""
        return "\n".join(f"{one['heading']}\n{one['text']}" for one in self.roots(item))

    def every(self) -> Iterator[Row]:
        """Yield all passages in their order."""
        for batch in self._table.to_batches(max_chunksize=1000):
            yield from batch.to_pylist()

    def occurs(self, text: str) -> bool:
        """Return whether the words of a text occur in a row anywhere in the passages."""
        sought = words(text)
        return bool(sought) and f" {' '.join(sought)} " in self._all_words

    def nearest_name(self, name: str) -> str:
        """Return the name of the documents that is spelt almost like this one, "" if none is."""
        found = process.extractOne(
            name.casefold(), self._folded, scorer=fuzz.ratio, score_cutoff=SIMILAR
        )
        return found[0] if found else ""

    @cached_property
    def names(self) -> dict[str, tuple[str, ...]]:
        """Name → ids of the passages in which it occurs, for all names of the passages."""
        found: defaultdict[str, dict[str, None]] = defaultdict(dict)
        for row in self.every():
            for name in names_in(row["text"]):
                found[name][row["passage_id"]] = None
        return {name: tuple(ids) for name, ids in found.items()}

    @cached_property
    def _folded(self) -> list[str]:
        return sorted({name.casefold() for name in self.names})

    @cached_property
    def _all_words(self) -> str:
        texts = (f"{row['heading']}\n{row['text']}" for row in self.every())
        return "".join(f" {' '.join(words(text))} " for text in texts)


def names_in(text: str) -> list[str]:
    """Return the names in a text: runs of capitalised words that do not only begin a sentence.

    >>> names_in("The fee is due. Examiner Marta Lind decides, and Lind may extend it.")
    ['Examiner Marta Lind', 'Lind']
    """
    found: Counter[str] = Counter()
    for match in _NAME.finditer(text):
        name = " ".join(match[0].split())
        if _STARTS.search(text[: match.start()][-3:]) or match.start() == 0:
            # The capital of a sentence's first word says nothing, unless the name goes on.
            name = name if " " in name and name.split()[0] not in _OPENERS else _after(name)
        if len(name) > 2:
            found[name] += 1
    return list(found)


_OPENERS = frozenset(
    "A An And As At But By Every Each For From He If In It Its No Not Of On Or She So Such That "
    "The Their There These They This Those To Under Unless When Where Which While With".split()
)


def _after(name: str) -> str:
    """Return a name without its first word, which opens a sentence."""
    return name.partition(" ")[2]
