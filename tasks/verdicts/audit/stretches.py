"""Stretches that recur: pieces of text that begin where a sentence begins and read alike in several rows, holes aside."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from tasks.verdicts.audit.tokens import Hashes, Places, Tokens
from tasks.verdicts.audit.units import Block

Reals = NDArray[np.float64]

LONGEST_STRETCH = 40
SHARED = 0.85
"""Share of the rows that must agree on a token."""
LONGEST_HOLE = 3
"""Tokens in a row on which the rows may differ: a slot."""
SEEDS = ((0, 4), (0, 3), (1, 3), (2, 3), (0, 2), (1, 2), (2, 2), (0, 1), (1, 1), (2, 1))
"""Where a seed begins after the start of its sentence, and its tokens, the longest first: a form may open with a slot of one or two tokens."""
HELD = 0.75
"""Share of a form's tokens by which a row is known to hold it."""


class Seed(NamedTuple):
    """Sentences that share an n-gram. starts: (rows,) the first token of the first such sentence of every row."""

    starts: Places
    times: float


@dataclass(frozen=True)
class Form:
    """What the rows of a stretch agree on. offsets: (tokens,) from the stretch's start. hashes: (tokens,)."""

    offsets: Places
    hashes: Hashes

    @property
    def length(self) -> int:
        """Return the tokens from the first to the last, holes included."""
        return int(self.offsets[-1]) + 1

    def cut(self, length: int) -> "Form":
        """Return the form without what stands at or after so many tokens."""
        kept = self.offsets < length
        return Form(self.offsets[kept], self.hashes[kept])

    def distinct(self) -> Iterator[tuple[int, np.uint64]]:
        """Yield (offset, token) for every token once."""
        _, first = np.unique(self.hashes, return_index=True)
        for place in np.sort(first):
            yield int(self.offsets[place]), self.hashes[place]

    def held_by(self, tokens: Tokens) -> tuple[Places, Places]:
        """Return (starts, texts): where the form stands in each text that holds it, the first time."""
        starts = self._candidates(tokens)
        counted = np.zeros(len(starts), np.int64)
        for offset, token in zip(self.offsets, self.hashes, strict=True):
            counted += _at(tokens, starts, int(offset)) == token
        found = np.sort(starts[counted >= HELD * len(self.offsets)])
        texts, first = np.unique(_texts_of(tokens, found), return_index=True)
        return found[first], texts

    def _candidates(self, tokens: Tokens) -> Places:
        """Return the places where the form may stand, by its tokens that are rarest here."""
        wanted = int(len(self.offsets) * (1 - HELD)) + 1
        places = [np.flatnonzero(tokens.hashes == token) for token in self.hashes]
        rarest = np.argsort([len(found) for found in places], kind="stable")[:wanted]
        starts = np.unique(np.concatenate([places[one] - self.offsets[one] for one in rarest]))
        return starts[(starts >= -2) & (starts < len(tokens.hashes))]


@dataclass(frozen=True)
class Stretch:
    """A form with the rows of a block that hold it.

    starts, ends: (rows,) its first token and the token behind it, in every row. times: how often a row holds its beginning, on average.
    closed: how far the rows agree on the tokens from first to last, where a hole that takes few values counts as agreed.
    """

    form: Form
    starts: Places
    ends: Places
    texts: Places
    times: float
    closed: float

    def cut(self, length: int) -> "Stretch":
        """Return the stretch without what stands at or after so many tokens; itself where that leaves nothing, or all."""
        if not self.form.offsets[0] < length < self.form.length:
            return self
        return replace(
            self, form=self.form.cut(length), ends=np.minimum(self.ends, self.starts + length)
        )

    @cached_property
    def key(self) -> bytes:
        """Return what tells it from others."""
        return self.form.hashes.tobytes() + self.starts.tobytes()


def stretches(block: Block, *, least: float) -> Iterator[Stretch]:
    """Yield the stretches that at least so many rows hold."""
    seen: set[bytes] = set()
    for seed in _seeds(block, least):
        found = _grown(block, seed)
        if found is not None and found.key not in seen:
            seen.add(found.key)
            yield found


def _seeds(block: Block, least: float) -> Iterator[Seed]:
    known: set[bytes] = set()
    for offset, order in SEEDS:
        for seed in _seeds_at(block, offset, order, least):
            key = seed.starts.tobytes()
            if key not in known:
                known.add(key)
                yield seed


def _seeds_at(block: Block, offset: int, order: int, least: float) -> Iterator[Seed]:
    starts, texts = block.sentences, block.tokens.texts[block.sentences]
    hashes = block.grams_at(starts + offset, order)
    inside = np.flatnonzero((hashes != 0) & (_texts_of(block.tokens, starts + offset) == texts))
    order_of = inside[np.lexsort((starts[inside], hashes[inside]))]
    hashes, starts, texts = hashes[order_of], starts[order_of], texts[order_of]
    first = np.ones(len(hashes), bool)
    first[1:] = (hashes[1:] != hashes[:-1]) | (texts[1:] != texts[:-1])
    bounds = np.append(np.flatnonzero(np.diff(hashes, prepend=~hashes[:1])), len(hashes))
    rows = (
        np.add.reduceat(np.where(first, block.weights[texts], 0.0), bounds[:-1])
        if len(hashes)
        else np.zeros(0)
    )
    for one in np.flatnonzero(rows >= least):
        part = slice(bounds[one], bounds[one + 1])
        kept = starts[part][first[part]]
        yield Seed(kept, float((bounds[one + 1] - bounds[one]) / len(kept)))


def _grown(block: Block, seed: Seed) -> Stretch | None:
    """Return the longest stretch on which the rows of a seed agree; None where they agree on nothing."""
    texts = block.tokens.texts[seed.starts]
    weights = block.weights[texts]
    offsets, hashes, closed, hole = list[int](), list[np.uint64](), list[float](), 0
    agreed = list[float]()
    for offset in range(LONGEST_STRETCH):
        column = _at(block.tokens, seed.starts, offset)
        column[_texts_of(block.tokens, seed.starts + offset) != texts] = 0
        token, share, few = _agreement(column, weights)
        agreed.append(few)
        if token and share >= SHARED:
            offsets.append(offset)
            hashes.append(token)
            closed, hole = agreed.copy(), 0
        else:
            hole += 1
            if hole > LONGEST_HOLE:
                break
    if not offsets:
        return None
    form = Form(np.array(offsets), np.array(hashes, np.uint64))
    ends = np.minimum(seed.starts + form.length, block.tokens.bounds[texts + 1])
    return Stretch(form, seed.starts, ends, texts, seed.times, float(np.mean(closed)))


def _agreement(column: Hashes, weights: Reals) -> tuple[np.uint64, float, float]:
    """Return the commonest token of a column with its share, and the share of the rows whose token another row has too."""
    tokens, which, counts = np.unique(column, return_inverse=True, return_counts=True)
    held = np.bincount(which, weights=weights)
    most = int(np.argmax(held))
    total = float(weights.sum())
    return tokens[most], float(held[most]) / total, float(held[counts > 1].sum()) / total


def _at(tokens: Tokens, starts: Places, offset: int) -> Hashes:
    """Return the tokens so far behind the places; 0 outside of all texts."""
    places = starts + offset
    inside = (places >= 0) & (places < len(tokens.hashes))
    found = np.zeros(len(places), np.uint64)
    found[inside] = tokens.hashes[places[inside]]
    return found


def _texts_of(tokens: Tokens, places: Places) -> Places:
    """Return the text of every place; −1 outside."""
    inside = (places >= 0) & (places < len(tokens.hashes))
    found = np.full(len(places), -1, np.int64)
    found[inside] = tokens.texts[places[inside]]
    return found
