"""Recurring stretches: pieces of text that begin where a sentence begins and read alike in several
rows, except for holes.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from tasks.audit.tokens import Hashes, Places, Tokens

Reals = NDArray[np.float64]

HELD = 0.75
"""Share of a form's tokens that a row must hold to hold the form."""
HELD_BITS = 0.5
"""Share of a form's rarity that a row must hold too, because common words alone do not show the
form.
"""


@dataclass(frozen=True)
class Form:
    """The tokens on which the rows of a stretch agree.

    offsets: (tokens,) places after the start of the stretch. hashes: (tokens,). bits: (tokens,)
    rarity of each token in the other texts; all 1 until it is measured.
    """

    offsets: Places
    hashes: Hashes
    bits: Reals

    @property
    def length(self) -> int:
        """Return the number of tokens from the first to the last, holes included."""
        return int(self.offsets[-1]) + 1

    def cut(self, length: int) -> "Form":
        """Return the form without its tokens at or after an offset."""
        kept = self.offsets < length
        return Form(self.offsets[kept], self.hashes[kept], self.bits[kept])

    def distinct(self) -> Iterator[tuple[int, np.uint64]]:
        """Yield (offset, token) of every token, each token once."""
        _, first = np.unique(self.hashes, return_index=True)
        for place in np.sort(first):
            yield int(self.offsets[place]), self.hashes[place]

    def held_by(self, tokens: Tokens) -> tuple[Places, Places]:
        """Return (starts, texts): the first place of the form in every text that holds it."""
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
        """Return the places where the form may begin, found by its rarest tokens."""
        wanted = int(len(self.offsets) * (1 - HELD)) + 1
        places = [np.flatnonzero(tokens.hashes == token) for token in self.hashes]
        rarest = np.argsort([len(found) for found in places], kind="stable")[:wanted]
        starts = np.unique(np.concatenate([places[one] - self.offsets[one] for one in rarest]))
        return starts[(starts >= -2) & (starts < len(tokens.hashes))]


@dataclass(frozen=True)
class Stretch:
    """A form with the rows of a block that hold it.

    starts, ends: (rows,) its first token in each row, and the token after its end. times: mean
    number of times that a row holds its beginning. closed: how far the rows agree on the tokens
    from the first to the last; a hole with few values counts as agreed.
    """

    form: Form
    starts: Places
    ends: Places
    texts: Places
    times: float
    closed: float

    def cut(self, length: int) -> "Stretch":
        """Return the stretch without what follows after `length` tokens; unchanged if nothing or
        everything would be cut.
        """
        if not self.form.offsets[0] < length < self.form.length:
            return self
        ends = np.minimum(self.ends, self.starts + length)
        return replace(self, form=self.form.cut(length), ends=ends)


def tokens_at(tokens: Tokens, starts: Places, offset: int) -> Hashes:
    """Return (places,) the tokens `offset` places after the starts; 0 outside all texts."""
    places = starts + offset
    inside = (places >= 0) & (places < len(tokens.hashes))
    found = np.zeros(len(places), np.uint64)
    found[inside] = tokens.hashes[places[inside]]
    return found


def texts_of(tokens: Tokens, places: Places) -> Places:
    """Return (places,) the text of every place; −1 outside all texts."""
    inside = (places >= 0) & (places < len(tokens.hashes))
    found = np.full(len(places), -1, np.int64)
    found[inside] = tokens.texts[places[inside]]
    return found
