"""A run of rows under audit, with what several detectors read of it made once."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import Protocol

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from tasks.audit.counts import Grams, grams_of
from tasks.audit.tokens import Flags, Hashes, Places, Tokens, tokens_of

PRODUCER = "producer:"


class Rows(Protocol):
    """Rows that can be streamed over again and again."""

    @property
    def producers(self) -> tuple[str, ...]:
        """Return the names of the producer-only columns."""
        ...

    def batches(self) -> Iterator[pa.RecordBatch]:
        """Yield id, prompt, think, answer, fault, and one column "producer:NAME" for each
        producer-only value; no nulls.
        """
        ...


@dataclass(frozen=True)
class FirstRows:
    """The first so many rows of a corpus."""

    whole: Rows
    rows: int

    @property
    def producers(self) -> tuple[str, ...]:
        """Return the names of the producer-only columns."""
        return self.whole.producers

    def batches(self) -> Iterator[pa.RecordBatch]:
        """Yield the rows in order."""
        left = self.rows
        for batch in self.whole.batches():
            yield batch.slice(0, left)
            left -= batch.num_rows
            if left <= 0:
                return


@dataclass(frozen=True)
class Batch:
    """Rows first_row … of a corpus."""

    first_row: int
    rows: pa.RecordBatch
    _texts: dict[str, list[str]] = field(default_factory=dict)

    def texts(self, column: str) -> list[str]:
        """Return a column's values."""
        if column not in self._texts:
            self._texts[column] = self.rows.column(column).to_pylist()
        return self._texts[column]

    @cached_property
    def tokens(self) -> Tokens:
        """Return the tokens of the think blocks."""
        return tokens_of(self.rows.column("think"))

    def offset(self, row: int) -> int:
        """Return the bytes of all think blocks before a row's."""
        return sum(len(text.encode()) for text in self.texts("think")[:row])

    @cached_property
    def prompt_tokens(self) -> Tokens:
        """Return the tokens of the prompts."""
        return tokens_of(self.rows.column("prompt"))

    @cached_property
    def prompt_digests(self) -> Hashes:
        """Return a 64-bit digest of every row's prompt; rows without one differ from all others."""
        import xxhash

        digests = [
            xxhash.xxh3_64_intdigest(text.encode()) if text else self.first_row + place
            for place, text in enumerate(self.texts("prompt"))
        ]
        return np.array(digests, np.uint64)

    @cached_property
    def samples_of(self) -> Places:
        """Return for every row the number of its prompt within the batch; rows without prompts have
        one each, as has an instruction that all share.
        """
        _, number, sizes = np.unique(self.prompt_digests, return_inverse=True, return_counts=True)
        return (
            np.arange(self.rows.num_rows)
            if len(sizes) * MOST_SAMPLES < self.rows.num_rows
            else number
        )

    @cached_property
    def grams(self) -> tuple[Grams, ...]:
        """Return the n-grams of the think blocks, view by view."""
        return tuple(grams_of(self.tokens))

    @cached_property
    def prompted(self) -> Flags:
        """Return which tokens of the think blocks their own prompts hold."""
        return held_beside(self.tokens, self.prompt_tokens)

    @cached_property
    def beside(self) -> Flags:
        """Return which tokens of the think blocks their own prompts or answers hold."""
        both: Flags = self.prompted | held_beside(
            self.tokens, tokens_of(self.rows.column("answer"))
        )
        return both

    def beside_at(self, places: Places) -> Flags:
        """Return which of the tokens at the places their own prompts or answers hold; for a few
        places quicker than all.
        """
        some = _keys(self.tokens.hashes[places], self.tokens.texts[places])
        answers = tokens_of(self.rows.column("answer"))
        held: Flags = np.isin(some, _keyed(self.prompt_tokens)) | np.isin(some, _keyed(answers))
        return held

    def unprompted(self, grams: Grams, chosen: Places) -> Places:
        """Return the chosen n-grams that do not consist of the prompt's and the answer's tokens
        alone.
        """
        places = grams.places[chosen]
        kept: Places = chosen[self._new[places + grams.order] > self._new[places]]
        return kept

    @cached_property
    def _new(self) -> NDArray[np.int32]:
        """Return how many tokens before each, and before the end, are neither the prompt's nor the
        answer's.
        """
        return np.concatenate([np.zeros(1, np.int32), np.cumsum(~self.beside, dtype=np.int32)])


def held_beside(tokens: Tokens, beside: Tokens) -> Flags:
    """Return which tokens also occur in the text of the same number beside them."""
    held: Flags = np.isin(_keyed(tokens), _keyed(beside))
    return held


def _keyed(tokens: Tokens) -> Hashes:
    return _keys(tokens.hashes, tokens.texts)


def _keys(hashes: Hashes, texts: Places) -> Hashes:
    keys: Hashes = hashes ^ (texts.astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15))
    return keys


def batches_of(rows: Rows) -> Iterator[Batch]:
    """Yield the rows as batches that know their place."""
    first_row = 0
    for batch in rows.batches():
        yield Batch(first_row, batch)
        first_row += batch.num_rows


def prompt_weights(
    digests: list[Hashes],
) -> tuple[np.ndarray[tuple[int], np.dtype[np.float64]], int]:
    """Return what each row counts when rows of one prompt share one count, and how many prompts
    there are.

    Rows without prompts, or a file with one prompt for nearly all rows, count one each.
    """
    prompts = np.concatenate(digests)
    _, number, sizes = np.unique(prompts, return_inverse=True, return_counts=True)
    if len(sizes) * MOST_SAMPLES < len(prompts):
        return np.ones(len(prompts)), len(prompts)
    return 1.0 / sizes[number], len(sizes)


MOST_SAMPLES = 32
"""Rows a prompt, on average, above which the prompt column is taken for an instruction that all
rows share.
"""
