"""A batch of rows under audit. What several detectors need of it is computed once."""

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
"""Prefix of the column names of producer-only values."""
MAX_SAMPLES = 32
"""Mean number of rows per prompt above which the prompt column counts as one shared instruction."""


class Rows(Protocol):
    """Rows that can be read any number of times."""

    @property
    def producers(self) -> tuple[str, ...]:
        """Return the names of the producer-only columns."""
        ...

    def batches(self) -> Iterator[pa.RecordBatch]:
        """Yield batches with the columns id, prompt, think, answer, fault and one column
        "producer:NAME" for each producer-only value. No value is null.
        """
        ...


@dataclass(frozen=True)
class FirstRows:
    """The first `rows` rows of a corpus."""

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
    """Consecutive rows of a corpus. first_row: the number of the first one in the corpus."""

    first_row: int
    rows: pa.RecordBatch
    _texts: dict[str, list[str]] = field(default_factory=dict)

    def texts(self, column: str) -> list[str]:
        """Return the values of a text column."""
        if column not in self._texts:
            self._texts[column] = self.rows.column(column).to_pylist()
        return self._texts[column]

    @cached_property
    def tokens(self) -> Tokens:
        """Return the tokens of the think blocks."""
        return tokens_of(self.rows.column("think"))

    def offset(self, row: int) -> int:
        """Return the number of bytes in all think blocks before the one of a row."""
        return sum(len(text.encode()) for text in self.texts("think")[:row])

    @cached_property
    def prompt_tokens(self) -> Tokens:
        """Return the tokens of the prompts."""
        return tokens_of(self.rows.column("prompt"))

    @cached_property
    def prompt_digests(self) -> Hashes:
        """Return (rows,) uint64 digests of the prompts. Every row without a prompt gets a digest of
        its own.
        """
        import xxhash

        digests = [
            xxhash.xxh3_64_intdigest(text.encode()) if text else self.first_row + place
            for place, text in enumerate(self.texts("prompt"))
        ]
        return np.array(digests, np.uint64)

    @cached_property
    def samples_of(self) -> Places:
        """Return (rows,) the number of each row's prompt within the batch.

        Every row gets a number of its own if the rows have no prompts or share one instruction.
        """
        _, number, sizes = np.unique(self.prompt_digests, return_inverse=True, return_counts=True)
        if len(sizes) * MAX_SAMPLES < self.rows.num_rows:
            return np.arange(self.rows.num_rows)
        return number

    @cached_property
    def grams(self) -> tuple[Grams, ...]:
        """Return the n-grams of the think blocks, one entry per view and order."""
        return tuple(grams_of(self.tokens))

    @cached_property
    def in_prompt(self) -> Flags:
        """Return (tokens,) whether the row's own prompt also holds the token."""
        return also_in(self.tokens, self.prompt_tokens)

    @cached_property
    def known(self) -> Flags:
        """Return (tokens,) whether the row's own prompt or answer also holds the token."""
        answers = tokens_of(self.rows.column("answer"))
        both: Flags = self.in_prompt | also_in(self.tokens, answers)
        return both

    def known_at(self, places: Places) -> Flags:
        """Return whether the row's own prompt or answer also holds the tokens at the given places.

        This is faster than `known` for a few places.
        """
        some = _keys(self.tokens.hashes[places], self.tokens.texts[places])
        answers = tokens_of(self.rows.column("answer"))
        held: Flags = np.isin(some, _keyed(self.prompt_tokens)) | np.isin(some, _keyed(answers))
        return held

    def with_unknown_tokens(self, grams: Grams, chosen: Places) -> Places:
        """Return those of the chosen n-grams that hold at least one token which is neither in the
        prompt nor in the answer. chosen: indices into `grams`.
        """
        places = grams.places[chosen]
        kept: Places = chosen[self._new[places + grams.order] > self._new[places]]
        return kept

    @cached_property
    def _new(self) -> NDArray[np.int32]:
        """Return (tokens + 1,) the number of tokens before each place that are neither in the
        prompt nor in the answer.
        """
        return np.concatenate([np.zeros(1, np.int32), np.cumsum(~self.known, dtype=np.int32)])


def also_in(tokens: Tokens, others: Tokens) -> Flags:
    """Return (tokens,) whether each token also occurs in the text with the same number in
    `others`.
    """
    held: Flags = np.isin(_keyed(tokens), _keyed(others))
    return held


def _keyed(tokens: Tokens) -> Hashes:
    return _keys(tokens.hashes, tokens.texts)


def _keys(hashes: Hashes, texts: Places) -> Hashes:
    keys: Hashes = hashes ^ (texts.astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15))
    return keys


def batches_of(rows: Rows) -> Iterator[Batch]:
    """Yield the rows as batches with their place in the corpus."""
    first_row = 0
    for batch in rows.batches():
        yield Batch(first_row, batch)
        first_row += batch.num_rows


def prompt_weights(
    digests: list[Hashes],
) -> tuple[np.ndarray[tuple[int], np.dtype[np.float64]], int]:
    """Return (rows,) the weight of each row, and the number of different prompts.

    Rows with the same prompt share a weight of 1. Every row weighs 1 if the rows have no prompts or
    nearly all share one.
    """
    prompts = np.concatenate(digests)
    _, number, sizes = np.unique(prompts, return_inverse=True, return_counts=True)
    if len(sizes) * MAX_SAMPLES < len(prompts):
        return np.ones(len(prompts)), len(prompts)
    return 1.0 / sizes[number], len(sizes)
