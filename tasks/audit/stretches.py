"""Stretches that recur: pieces of text that begin where a sentence begins and read alike in several
rows, holes aside.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from tasks.audit.tokens import Hashes, Places, Tokens

Reals = NDArray[np.float64]

HELD = 0.75
"""Share of a form's tokens by which a row is known to hold it."""
HELD_BITS = 0.5
"""Share of a form's foreignness by which a row is known to hold it: its usual words alone are no
sign of it.
"""


@dataclass(frozen=True)
class Form:
    """What the rows of a stretch agree on. offsets: (tokens,) from the stretch's start. hashes:
    (tokens,).

    bits: (tokens,) how foreign each token is to the texts; all alike as long as they are not
    measured.
    """

    offsets: Places
    hashes: Hashes
    bits: Reals

    @property
    def length(self) -> int:
        """Return the tokens from the first to the last, holes included."""
        return int(self.offsets[-1]) + 1

    def cut(self, length: int) -> "Form":
        """Return the form without what stands at or after so many tokens."""
        kept = self.offsets < length
        return Form(self.offsets[kept], self.hashes[kept], self.bits[kept])

    def distinct(self) -> Iterator[tuple[int, np.uint64]]:
        """Yield (offset, token) for every token once."""
        _, first = np.unique(self.hashes, return_index=True)
        for place in np.sort(first):
            yield int(self.offsets[place]), self.hashes[place]

    def held_by(self, tokens: Tokens) -> tuple[Places, Places]:
        """Return (starts, texts): where the form stands in each text that holds it, the first time."""
        starts = self._candidates(tokens)
        counted, bits = np.zeros(len(starts), np.int64), np.zeros(len(starts))
        for offset, token, weight in zip(self.offsets, self.hashes, self.bits, strict=True):
            there = tokens_at(tokens, starts, int(offset)) == token
            counted += there
            bits += weight * there
        foreign = bits >= HELD_BITS * self.bits.sum()
        found = np.sort(starts[foreign & (counted >= HELD * len(self.offsets))])
        texts, first = np.unique(texts_of(tokens, found), return_index=True)
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

    starts, ends: (rows,) its first token and the token behind it, in every row. times: how often a
    row holds its beginning, on average. closed: how far the rows agree on the tokens from first to
    last, where a hole that takes few values counts as agreed.
    """

    form: Form
    starts: Places
    ends: Places
    texts: Places
    times: float
    closed: float

    def cut(self, length: int) -> "Stretch":
        """Return the stretch without what stands at or after so many tokens; itself where that
        leaves nothing, or all.
        """
        if not self.form.offsets[0] < length < self.form.length:
            return self
        return replace(
            self, form=self.form.cut(length), ends=np.minimum(self.ends, self.starts + length)
        )


def tokens_at(tokens: Tokens, starts: Places, offset: int) -> Hashes:
    """Return the tokens so far behind the places; 0 outside of all texts."""
    places = starts + offset
    inside = (places >= 0) & (places < len(tokens.hashes))
    found = np.zeros(len(places), np.uint64)
    found[inside] = tokens.hashes[places[inside]]
    return found


def texts_of(tokens: Tokens, places: Places) -> Places:
    """Return the text of every place; −1 outside."""
    inside = (places >= 0) & (places < len(tokens.hashes))
    found = np.full(len(places), -1, np.int64)
    found[inside] = tokens.texts[places[inside]]
    return found
