"""A block of rows as one run of tokens, with the places where its sentences begin."""

from dataclasses import dataclass, replace
from functools import cache, cached_property

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from tasks.audit.batch import Batch, held_beside, prompt_weights
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
"""Longest n-gram that a sentence is known by."""
STOPS = ". ! ? … 。 ！ ？"
PAUSES = ". ! ? … 。 ！ ？ : ："
CLOSING = ") ] } > ; » ⟩ ） 】"
"""Marks that end a sentence, marks that end a clause, and marks that end a note."""


@cache
def marks(spelt: str) -> Hashes:
    """Return the hashes of marks; made when they are first asked for, because Arrow loads pandas."""
    return tokens_of(pa.array([spelt])).hashes


@dataclass(frozen=True)
class Block:
    """Rows under one look. rows: (texts,) their numbers in the corpus. weights: rows of one prompt
    share one count.

    beside: (tokens,) which tokens the row's own prompt or answer holds. lines: (tokens,) where a
    line begins. prompts, answers: the tokens of what stands beside the think blocks. heads:
    (texts,) the token with which each text proper begins.
    """

    rows: Places
    tokens: Tokens
    lines: Flags
    beside: Flags
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
        """Return the first token of every sentence, line and clause behind a colon, in order.

        What stands before a text proper is no part of it: its sentences are left out.
        """
        begins = np.flatnonzero(self._begins(marks(PAUSES)))
        proper: Places = begins[begins >= self.heads[self.tokens.texts[begins]]]
        return proper

    @cached_property
    def whole(self) -> Flags:
        """Return (tokens + 1,) where a sentence, a line or a text begins, or the last one ends."""
        begins = np.append(self._begins(marks(STOPS)), True)
        begins[1:] |= np.isin(self.tokens.hashes, marks(CLOSING))
        return begins

    def _begins(self, marks: Hashes) -> Flags:
        """Return the tokens at the start of a text or line, or behind a mark and a blank."""
        ends = np.isin(self.tokens.hashes, marks)
        after = np.zeros(len(ends), bool)
        after[1:] = ends[:-1] & (np.diff(self.tokens.starts) > 1)
        begins: Flags = (self.tokens.from_start == 0) | self.lines | (after & ~ends)
        return begins

    @cached_property
    def starts(self) -> Hashes:
        """Return (LONGEST, sentences): hashes of the first 1, 2, … tokens of every sentence; 0 past
        the end of its text.
        """
        return np.stack([self.grams_at(self.sentences, order) for order in range(1, LONGEST + 1)])

    @cached_property
    def lasts(self) -> Hashes:
        """Return (LONGEST, sentences): hashes of the last 1, 2, … tokens of every sentence."""
        ends = np.append(self.sentences[1:], len(self.tokens.hashes))
        kept = [
            self.grams_at(np.maximum(ends - order, 0), order) for order in range(1, LONGEST + 1)
        ]
        return np.stack(kept)

    def grams_at(self, places: Places, order: int) -> Hashes:
        """Return the hashes of the n-grams that begin at the places; 0 where they leave their text
        or begin nowhere.
        """
        found = np.zeros(len(places), np.uint64)
        last = len(self.tokens.hashes) - 1
        inside = (places >= 0) & (places <= last)
        inside[inside] = self.tokens.to_end[places[inside]] >= order - 1
        found[inside] = hashes_at(self.tokens, places[inside], order)
        return found

    def behind(self, heads: Places) -> "Block":
        """Return the same rows, their texts proper beginning at these tokens; a sentence begins
        there too.
        """
        lines = self.lines.copy()
        lines[heads[heads < len(lines)]] = True
        return replace(self, heads=heads, lines=lines)

    def openings(self, places: Places, texts: Places) -> Hashes:
        """Return (LONGEST, places): hashes of the first 1, 2, … tokens at the places; 0 where they
        lie outside of their texts.
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
        """Return the first sentence start at or after every place, or the end of its text."""
        found = np.searchsorted(self.sentences, places, "left")
        ends = self.tokens.bounds[self.texts_at(places) + 1]
        following = np.append(self.sentences, len(self.tokens.hashes))[found]
        first: Places = np.minimum(following, ends)
        return first

    def texts_at(self, places: Places) -> Places:
        """Return the text of every place; a place at the end of a text belongs to the text before."""
        return self.tokens.texts[np.clip(places - 1, 0, max(len(self.tokens.hashes) - 1, 0))]


class BlockBuilder:
    """Takes rows until there are enough for a block."""

    def __init__(self) -> None:
        self._rows: list[Places] = []
        self._digests: list[Hashes] = []
        self._columns: dict[str, list[pa.Array]] = {name: [] for name in COLUMNS}
        self.size = 0
        self.length = 0

    def add(self, batch: Batch, kept: Places) -> None:
        """Take rows of a batch. kept: their numbers within it.

        The rows are copied, so that a few of them do not keep the whole batch in memory.
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
        """Return the rows taken so far as one block."""
        thinks, prompts, answers = (pa.concat_arrays(parts) for parts in self._columns.values())
        tokens, asked, answered = tokens_of(thinks), tokens_of(prompts), tokens_of(answers)
        return Block(
            rows=np.concatenate(self._rows),
            tokens=tokens,
            lines=line_starts(thinks, tokens),
            beside=held_beside(tokens, asked) | held_beside(tokens, answered),
            prompts=asked,
            answers=answered,
            weights=prompt_weights(self._digests)[0],
            heads=tokens.bounds[:-1],
        )
