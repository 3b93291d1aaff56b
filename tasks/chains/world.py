"""What the steps of a chain may look up: the passages, their names, and what occurs nowhere."""

import math
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

    def value(self, item: Item, path: str) -> str:
        """Return a value of an item by its path; `passage.heading` is of its first root."""
        name, _, field = path.partition(".")
        if name == "passage" and item.passage_ids:
            return str(self.roots(item)[0][field])
        return item.text(path)

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

    def best_matches(self, text: str) -> list[str]:
        """Return the ids of the passages that share the most words with a text; a rare word counts
        more (inverse document frequency), and of equal passages the one whose heading is named.
        Empty if none shares any.
        """
        scores: defaultdict[str, float] = defaultdict(float)
        asked = set(words(text))
        for word in sorted(asked):
            holders = self._holders.get(word, ())
            weight = math.log((self._table.num_rows + 1) / len(holders)) if holders else 0.0
            for passage_id in holders if weight else ():
                scores[passage_id] += weight
        for passage_id in scores:
            heading = set(words(self.passage(passage_id)["heading"]))
            scores[passage_id] *= 1 + 0.1 * len(heading & asked) / max(1, len(heading))
        best = max(scores.values(), default=0.0)
        return [one for one, score in scores.items() if score >= best - 1e-9]

    @cached_property
    def _holders(self) -> dict[str, list[str]]:
        """Word → ids of the passages that hold it."""
        found: defaultdict[str, list[str]] = defaultdict(list)
        for row in self.every():
            for word in dict.fromkeys(words(f"{row['heading']}\n{row['text']}")):
                found[word].append(row["passage_id"])
        return found

    @cached_property
    def names(self) -> dict[str, tuple[str, ...]]:
        """Name → ids of the passages in which it occurs, for all names of the passages."""
        found: defaultdict[str, dict[str, None]] = defaultdict(dict)
        for row in self.every():
            for name in names_in(row["text"]):
                found[name][row["passage_id"]] = None
        return {name: tuple(ids) for name, ids in found.items()}

    @cached_property
    def last_words(self) -> list[str]:
        """The last words of all names, each once; no abbreviations."""
        found = {name.rpartition(" ")[2] for name in self.names}
        return sorted(one for one in found if is_word(one))

    @cached_property
    def _folded(self) -> list[str]:
        return sorted({name.casefold() for name in self.names})

    @cached_property
    def _all_words(self) -> str:
        texts = (f"{row['heading']}\n{row['text']}" for row in self.every())
        return "".join(f" {' '.join(words(text))} " for text in texts)


def is_word(name: str) -> bool:
    """Return whether a name is one written-out word, and no abbreviation.

    >>> is_word("Lind"), is_word("GPU")
    (True, False)
    """
    return name.isalpha() and name[1:].islower() and len(name) > 2


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
        if len(name) > 2 and name not in _OPENERS:
            found[name] += 1
    return list(found)


_OPENERS = frozenset(
    "A After All An And Any As At Before Below Both But By Each Either Every For From He How If In "
    "It Its Most No None Not Of On Once One Only Or Other She Since So Some Such That The Their "
    "There These They This Those To Under Unless Until We What When Where Which While Who Why With "
    "You Your".split()
)


def _after(name: str) -> str:
    """Return a name without its first word, which opens a sentence."""
    return name.partition(" ")[2]
