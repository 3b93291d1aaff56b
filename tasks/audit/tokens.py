"""Tokens and n-grams of many texts at once, as 64-bit hashes: what corpora are compared by.

A token is a run of letters and digits (camelCase is two), or one punctuation mark, or one CJK, kana
or hangul character. Case is folded, a run of digits reads as one 0, a letter with a number (R120)
reads as one shape, and so does an identifier that mixes both (3fa9c2). So two producer notes that
differ only in their numbers are the same n-grams.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

Hashes = NDArray[np.uint64]
Places = NDArray[np.int64]
Flags = NDArray[np.bool_]
Bytes = NDArray[np.uint8]
Hashing = Callable[[Bytes, Bytes, Places], Hashes]

ORDERS = (1, 2, 3, 4)
EDGE_TOKENS = 8
"""Tokens that count as a text's opening and as its closing."""

_BLANK, _WORD, _MARK, _OWN, _TAIL, _CONTINUED = range(6)
_LABEL, _IDENTIFIER = np.uint64(0x9E3779B97F4A7C15), np.uint64(0xC2B2AE3D27D4EB4F)
_MIX = np.uint64(0xFF51AFD7ED558CCD)
_STEP = np.cumprod(
    np.concatenate([np.ones(1, np.uint64), np.full(15, 0x9E3779B97F4A7C15, np.uint64)])
)
_SHIFT = np.uint64(32)
_LINE_BREAK = 0x0A


def _kinds() -> Bytes:
    """Return the kind of every byte of UTF-8: what it does to the token it stands in."""
    kinds = np.full(256, _BLANK, np.uint8)
    for byte in range(0x21, 0x7F):
        kinds[byte] = _WORD if chr(byte).isalnum() or chr(byte) == "'" else _MARK
    kinds[0x80:0xC0] = _CONTINUED
    kinds[0xC3:0xE2] = _WORD  # Latin, Greek, Cyrillic, Hebrew, Arabic, Indic
    kinds[0xC2] = kinds[0xE2:] = (
        _OWN  # symbols, punctuation, CJK, kana, hangul, emoji: a token each
    )
    return kinds


_KIND = _kinds()
_IS_DIGIT = np.array([0x30 <= byte <= 0x39 for byte in range(256)])
_IS_CAPITAL = np.array([0x41 <= byte <= 0x5A for byte in range(256)])
_IS_SMALL = np.array([0x61 <= byte <= 0x7A for byte in range(256)])
_FOLLOWS = np.array([_BLANK, _WORD, _MARK, _TAIL, _TAIL, _CONTINUED], np.uint8)
"""What a continuation byte is, by the kind of the byte before it."""
_VALUE = (np.arange(256, dtype=np.uint64) + np.uint64(1)) * _MIX
_AS_ZERO = np.array([0x30 if 0x30 <= byte <= 0x39 else byte for byte in range(256)], np.uint8)
_BASE = 0x5851F42D4C957F2D
_BASE_INVERSE = pow(_BASE, -1, 1 << 64)
_POWERS: list[Hashes] = [np.ones(1, np.uint64), np.ones(1, np.uint64)]


@dataclass(frozen=True)
class Tokens:
    """Tokens of a run of texts. hashes: (tokens,) uint64. starts: (tokens,) bytes into the run.
    bounds: (texts + 1,) tokens.
    """

    hashes: Hashes
    starts: Places
    bounds: Places
    size: int

    @cached_property
    def texts(self) -> Places:
        """Return the number of the text that every token belongs to."""
        return np.repeat(np.arange(len(self.bounds) - 1), np.diff(self.bounds))

    @cached_property
    def from_start(self) -> Places:
        """Return every token's place in its own text."""
        return np.arange(len(self.hashes)) - self.bounds[self.texts]

    @cached_property
    def to_end(self) -> Places:
        """Return how many tokens follow in the same text."""
        return self.bounds[self.texts + 1] - 1 - np.arange(len(self.hashes))


def tokens_of(texts: pa.Array) -> Tokens:
    """Return the tokens of a string array without nulls, numbers and labels by their shape."""
    return _cut(texts, _shaped_hashes)


def exact_tokens(texts: pa.Array) -> Tokens:
    """Return the tokens of a string array without nulls, every number as it stands."""
    return _cut(texts, _exact_hashes)


def _cut(texts: pa.Array, hashes: Hashing) -> Tokens:
    offsets, spelled = bytes_of(texts)
    _, data = bytes_of(pc.utf8_lower(texts))
    # Folding changes the length of a few letters alone (Turkish I and the like); then all texts of
    # the run keep their case.
    data = data if len(data) == len(spelled) else spelled
    kinds, first = _byte_kinds(data), np.zeros(len(data) + 1, bool)
    first[offsets[:-1]] = True
    starts = np.flatnonzero(_begins(kinds, first[:-1] | _humps(spelled)))
    return Tokens(hashes(data, kinds, starts), starts, np.searchsorted(starts, offsets), len(data))


def bytes_of(texts: pa.Array) -> tuple[Places, Bytes]:
    """Return where every text begins in the bytes of all texts, with their end, and these bytes."""
    whole = texts.cast(pa.large_string())
    offsets = np.frombuffer(whole.buffers()[1], np.int64)[
        whole.offset : whole.offset + len(whole) + 1
    ]
    return offsets - offsets[0], np.frombuffer(whole.buffers()[2] or b"", np.uint8)[
        offsets[0] : offsets[-1]
    ]


def _humps(data: Bytes) -> Flags:
    """Return where a capital follows a small letter, as in camelCase: a word begins there."""
    humps = np.zeros(len(data), bool)
    humps[1:] = _IS_CAPITAL[data[1:]] & _IS_SMALL[data[:-1]]
    return humps


def _byte_kinds(data: Bytes) -> Bytes:
    kinds = _KIND[data]
    for _ in range(3):
        rest = np.flatnonzero(kinds == _CONTINUED)
        if not len(rest):
            break
        kinds[rest] = _FOLLOWS[kinds[rest - 1]]
    return kinds


def _begins(kinds: Bytes, first: Flags) -> Flags:
    word = kinds == _WORD
    after_word = np.empty_like(word)
    after_word[:1] = False
    after_word[1:] = word[:-1]
    begins: Flags = (kinds == _MARK) | (kinds == _OWN) | (word & (first | ~after_word))
    return begins


def _exact_hashes(data: Bytes, kinds: Bytes, starts: Places) -> Hashes:
    return _mixed(_polynomial(data, kinds != _BLANK, starts))


def _shaped_hashes(data: Bytes, kinds: Bytes, starts: Places) -> Hashes:
    """Return hashes in which a run of digits counts as its first, and labels and identifiers all
    read alike.
    """
    if not len(starts):
        return np.zeros(0, np.uint64)
    digit = _IS_DIGIT[data]
    first = digit.copy()
    first[1:] &= ~digit[:-1]
    first[starts] = digit[starts]
    counts = (kinds != _BLANK) & (first | ~digit)
    hashes = _polynomial(_AS_ZERO[data], counts, starts)
    numbered, runs = np.unique(
        np.searchsorted(starts, np.flatnonzero(first), "right") - 1, return_counts=True
    )
    seen = np.concatenate([np.zeros(1, np.int32), np.cumsum(counts, dtype=np.int32)])
    letters = seen[np.append(starts, len(data))[numbered + 1]] - seen[starts[numbered]] - runs
    hashes[numbered[(runs == 1) & (letters == 1)]] = _LABEL
    hashes[numbered[(runs > 1) & (letters > 0)]] = _IDENTIFIER
    return _mixed(hashes)


def _polynomial(data: Bytes, counts: Flags, starts: Places) -> Hashes:
    """Return one hash a token over the bytes that count: a difference of prefix sums, moved to
    power 0 (Karp and Rabin 1987).
    """
    if not len(starts):
        return np.zeros(0, np.uint64)
    powers, inverses = _powers(len(data) + 1)
    seen = np.cumsum(counts, dtype=np.int32)
    value = _VALUE[data]
    value *= powers[seen]
    value[~counts] = 0
    sums = np.cumsum(value)
    ends = np.append(starts[1:], len(data)) - 1
    hashes: Hashes = (sums[ends] - sums[starts] + value[starts]) * inverses[seen[starts]]
    return hashes


def _powers(count: int) -> tuple[Hashes, Hashes]:
    """Return at least so many powers of the base modulo 2**64, and their inverses."""
    if len(_POWERS[0]) < count:
        _POWERS[:] = [_powers_of(base, count * 5 // 4) for base in (_BASE, _BASE_INVERSE)]
    return _POWERS[0], _POWERS[1]


def _powers_of(base: int, count: int) -> Hashes:
    powers = np.full(count, base, np.uint64)
    powers[0] = 1
    return np.cumprod(powers)


def _mixed(hashes: Hashes) -> Hashes:
    hashes ^= hashes >> _SHIFT
    hashes *= _MIX
    hashes ^= hashes >> _SHIFT
    return hashes


def line_starts(texts: pa.Array, tokens: Tokens) -> Flags:
    """Return which tokens have a line break between themselves and the token before."""
    _, spelled = bytes_of(texts)
    breaks = np.concatenate([np.zeros(1, np.int64), np.cumsum(spelled == _LINE_BREAK)])
    before = breaks[np.minimum(tokens.starts, len(spelled))]
    return np.diff(before, prepend=before[:1]) > 0


def ngram_hashes(tokens: Tokens, order: int) -> tuple[Hashes, Places]:
    """Return the hash of every n-gram that lies within one text, and the place of its first token."""
    places = np.flatnonzero(tokens.to_end >= order - 1)
    return hashes_at(tokens, places, order), places


def hashes_at(tokens: Tokens, places: Places, order: int) -> Hashes:
    """Return the hashes of the n-grams whose first tokens stand at the places; all of them must lie
    within one text.
    """
    hashes = tokens.hashes[places] * _STEP[0]
    for ahead in range(1, order):
        hashes += tokens.hashes[places + ahead] * _STEP[ahead]
    return _mixed(hashes) + np.uint64(order)


LABEL_SHAPES: Hashes = _mixed(np.array([_LABEL, _IDENTIFIER]))
"""What a letter with a number, and an identifier, read as."""
