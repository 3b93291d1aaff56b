"""A block: rows that are examined together, with the places where their sentences begin."""

from dataclasses import dataclass, replace
from functools import cache, cached_property

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from tasks.audit.batch import Batch, also_in, prompt_weights
from tasks.audit.tokens import (
    Flags,
    Hashes,
    Places,
    Tokens,
    hashes_at,
    line_starts,
    tokens_of,
)

Reals = NDArray[np.float64]
COLUMNS = ("think", "prompt", "answer")
LONGEST = 4
"""Longest n-gram that describes a sentence."""
STOPS = ". ! ? … 。 ！ ？"
"""Marks that end a sentence."""
PAUSES = ". ! ? … 。 ！ ？ : ："
"""Marks that end a sentence or a clause."""
CLOSING = ") ] } > ; » ⟩ ） 】"
"""Marks that end a note."""


@cache
def marks(spelt: str) -> Hashes:
    """Return the hashes of marks. They are computed at the first call, because Arrow then loads
    pandas.
    """
    return tokens_of(pa.array([spelt])).hashes


@dataclass(frozen=True)
class Block:
    """Rows that are examined together.

    rows: (texts,) their numbers in the corpus. tokens: of their think blocks. lines: (tokens,)
    where a line begins. known: (tokens,) whether the row's own prompt or answer holds the token.
    prompts, answers: their tokens. weights: (texts,) rows of one prompt share a weight of 1. heads:
    (texts,) the token at which each text proper begins, after the stamps that were removed.
    """

    rows: Places
    tokens: Tokens
    lines: Flags
    known: Flags
    prompts: Tokens
    answers: Tokens
    weights: Reals
    heads: Places

    @property
    def size(self) -> int:
        """Return the number of rows."""
        return len(self.rows)

    @cached_property
    def sentences(self) -> Places:
        """Return the first token of every sentence, line, and clause after a colon, in order.

        Sentences before the text proper are left out.
        """
        begins = np.flatnonzero(self._begins(marks(PAUSES)))
        proper: Places = begins[begins >= self.heads[self.tokens.texts[begins]]]
        return proper

    @cached_property
    def whole(self) -> Flags:
        """Return (tokens + 1,) where a sentence, a line or a text begins, or where the last text
        ends.
        """
        begins = np.append(self._begins(marks(STOPS)), True)
        begins[1:] |= np.isin(self.tokens.hashes, marks(CLOSING))
        return begins

    def _begins(self, marks: Hashes) -> Flags:
        """Return (tokens,) which tokens begin a text or a line, or follow a mark and a blank."""
        ends = np.isin(self.tokens.hashes, marks)
        after = np.zeros(len(ends), bool)
        after[1:] = ends[:-1] & (np.diff(self.tokens.starts) > 1)
        begins: Flags = (self.tokens.from_start == 0) | self.lines | (after & ~ends)
        return begins

    @cached_property
    def starts(self) -> Hashes:
        """Return (LONGEST, sentences) the hashes of the first 1, 2, … tokens of every sentence; 0
        beyond the end of its text.
        """
        return np.stack([self.grams_at(self.sentences, order) for order in range(1, LONGEST + 1)])

    @cached_property
    def lasts(self) -> Hashes:
        """Return (LONGEST, sentences) the hashes of the last 1, 2, … tokens of every sentence."""
        ends = np.append(self.sentences[1:], len(self.tokens.hashes))
        orders = range(1, LONGEST + 1)
        kept = [self.grams_at(np.maximum(ends - order, 0), order) for order in orders]
        return np.stack(kept)

    def grams_at(self, places: Places, order: int) -> Hashes:
        """Return (places,) the hashes of the n-grams that begin at the places; 0 if they leave
        their text or the place is outside all texts.
        """
        found = np.zeros(len(places), np.uint64)
        last = len(self.tokens.hashes) - 1
        inside = (places >= 0) & (places <= last)
        inside[inside] = self.tokens.to_end[places[inside]] >= order - 1
        found[inside] = hashes_at(self.tokens, places[inside], order)
        return found

    def behind(self, heads: Places) -> "Block":
        """Return the same rows with other heads. A sentence begins at each head."""
        lines = self.lines.copy()
        lines[heads[heads < len(lines)]] = True
        return replace(self, heads=heads, lines=lines)

    def openings(self, places: Places, texts: Places) -> Hashes:
        """Return (LONGEST - 1, places) the hashes of the first 1, 2, … tokens at the places; 0
        outside of their texts.
        """
        outside = places >= self.tokens.bounds[texts + 1]
        found = np.stack([self.grams_at(places, order) for order in range(1, LONGEST)])
        found[:, outside] = 0
        return found

    @cached_property
    def _by_hash(self) -> tuple[Places, Hashes]:
        order = np.argsort(self.tokens.hashes, kind="stable")
        return order, self.tokens.hashes[order]

    def places_of(self, token: np.uint64) -> Places:
        """Return the places of a token, in order."""
        order, ordered = self._by_hash
        low, high = np.searchsorted(ordered, [token, token + np.uint64(1)])
        return order[low:high]

    def next_sentence(self, places: Places) -> Places:
        """Return (places,) the first start of a sentence at or after each place, or the end of its
        text.
        """
        found = np.searchsorted(self.sentences, places, "left")
        ends = self.tokens.bounds[self.texts_at(places) + 1]
        following = np.append(self.sentences, len(self.tokens.hashes))[found]
        first: Places = np.minimum(following, ends)
        return first

    def texts_at(self, places: Places) -> Places:
        """Return (places,) the text of every place. A place at the end of a text belongs to that
        text.
        """
        return self.tokens.texts[np.clip(places - 1, 0, max(len(self.tokens.hashes) - 1, 0))]


class BlockBuilder:
    """Collects rows for a block."""

    def __init__(self) -> None:
        self._rows: list[Places] = []
        self._digests: list[Hashes] = []
        self._columns: dict[str, list[pa.Array]] = {name: [] for name in COLUMNS}
        self.size = 0
        self.length = 0

    def add(self, batch: Batch, kept: Places) -> None:
        """Add rows of a batch. kept: their places within it.

        The rows are copied, because references to a few rows would keep the whole batch in memory.
        """
        if not len(kept):
            return
        self._rows.append(batch.first_row + kept)
        self._digests.append(batch.prompt_digests[kept])
        for name, parts in self._columns.items():
            parts.append(batch.rows.column(name).take(pa.array(kept)))
        self.size += len(kept)
        self.length += len(batch.tokens.hashes) * len(kept) // batch.rows.num_rows

    def block(self) -> Block:
        """Return the collected rows as one block."""
        thinks, prompts, answers = (pa.concat_arrays(parts) for parts in self._columns.values())
        tokens, asked, answered = tokens_of(thinks), tokens_of(prompts), tokens_of(answers)
        return Block(
            rows=np.concatenate(self._rows),
            tokens=tokens,
            lines=line_starts(thinks, tokens),
            known=also_in(tokens, asked) | also_in(tokens, answered),
            prompts=asked,
            answers=answered,
            weights=prompt_weights(self._digests)[0],
            heads=tokens.bounds[:-1],
        )
