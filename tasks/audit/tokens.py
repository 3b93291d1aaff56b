"""Tokens and n-grams of many texts at once, as 64-bit hashes. All comparisons of corpora use them.

A token is a run of letters and digits (camelCase is two), or one punctuation mark, or one CJK, kana
or hangul character. Case is folded. A run of digits reads as one 0. A letter with a number (R120)
reads as one shape, and so does an identifier that mixes both (3fa9c2). So two producer notes that
differ only in their numbers have the same n-grams.
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
"""Indices: of tokens, texts, rows or bytes."""
Flags = NDArray[np.bool_]
Bytes = NDArray[np.uint8]
Hashing = Callable[[Bytes, Bytes, Places], Hashes]
"""Returns the hashes of tokens, given the bytes, their kinds, and the first byte of every token."""

ORDERS = (1, 2, 3, 4)
"""Orders of the n-grams."""
EDGE_TOKENS = 8
"""Number of first tokens that are a text's opening, and of last tokens that are its closing."""

_BLANK, _WORD, _MARK, _OWN, _TAIL, _CONTINUED = range(6)
_LABEL, _IDENTIFIER = np.uint64(0x9E3779B97F4A7C15), np.uint64(0xC2B2AE3D27D4EB4F)
_MIX = np.uint64(0xFF51AFD7ED558CCD)
_STEP = np.cumprod(
    np.concatenate([np.ones(1, np.uint64), np.full(15, 0x9E3779B97F4A7C15, np.uint64)])
)
_SHIFT = np.uint64(32)
_LINE_BREAK = 0x0A


def _kinds() -> Bytes:
    """Return (256,) the kind of every byte of UTF-8: its role in a token."""
    kinds = np.full(256, _BLANK, np.uint8)
    for byte in range(0x21, 0x7F):
        kinds[byte] = _WORD if chr(byte).isalnum() or chr(byte) == "'" else _MARK
    kinds[0x80:0xC0] = _CONTINUED
    kinds[0xC3:0xE2] = _WORD  # Latin, Greek, Cyrillic, Hebrew, Arabic, Indic
    # Symbols, punctuation, CJK, kana, hangul and emoji are one token each.
    kinds[0xC2] = kinds[0xE2:] = _OWN
    return kinds


_KIND = _kinds()
_IS_DIGIT = np.array([0x30 <= byte <= 0x39 for byte in range(256)])
_IS_CAPITAL = np.array([0x41 <= byte <= 0x5A for byte in range(256)])
_IS_SMALL = np.array([0x61 <= byte <= 0x7A for byte in range(256)])
_FOLLOWS = np.array([_BLANK, _WORD, _MARK, _TAIL, _TAIL, _CONTINUED], np.uint8)
"""The kind of a continuation byte, by the kind of the byte before it."""
_VALUE = (np.arange(256, dtype=np.uint64) + np.uint64(1)) * _MIX
_AS_ZERO = np.array([0x30 if 0x30 <= byte <= 0x39 else byte for byte in range(256)], np.uint8)
_BASE = 0x5851F42D4C957F2D
_BASE_INVERSE = pow(_BASE, -1, 1 << 64)
_POWERS: list[Hashes] = [np.ones(1, np.uint64), np.ones(1, np.uint64)]


@dataclass(frozen=True)
class Tokens:
    """The tokens of consecutive texts.

    hashes: (tokens,) uint64. starts: (tokens,) first byte of each token in the bytes of all texts.
    bounds: (texts + 1,) first token of each text. size: number of bytes.
    """

    hashes: Hashes
    starts: Places
    bounds: Places
    size: int

    @cached_property
    def texts(self) -> Places:
        """Return (tokens,) the number of the text that each token belongs to."""
        return np.repeat(np.arange(len(self.bounds) - 1), np.diff(self.bounds))

    @cached_property
    def from_start(self) -> Places:
        """Return (tokens,) the place of each token in its own text."""
        return np.arange(len(self.hashes)) - self.bounds[self.texts]

    @cached_property
    def to_end(self) -> Places:
        """Return (tokens,) the number of tokens that follow in the same text."""
        return self.bounds[self.texts + 1] - 1 - np.arange(len(self.hashes))


def tokens_of(texts: pa.Array) -> Tokens:
    """Return the tokens of a string array without nulls. Numbers and labels are hashed by their
    shape.
    """
    return _cut(texts, _shaped_hashes)


def exact_tokens(texts: pa.Array) -> Tokens:
    """Return the tokens of a string array without nulls. Numbers are hashed as they are."""
    return _cut(texts, _exact_hashes)


def _cut(texts: pa.Array, hashes: Hashing) -> Tokens:
    offsets, spelled = bytes_of(texts)
    _, data = bytes_of(pc.utf8_lower(texts))
    # Case folding changes the length of very few letters (such as the Turkish I). All texts keep
    # their case if one of them occurs.
    data = data if len(data) == len(spelled) else spelled
    kinds, first = _byte_kinds(data), np.zeros(len(data) + 1, bool)
    first[offsets[:-1]] = True
    starts = np.flatnonzero(_begins(kinds, first[:-1] | _humps(spelled)))
    return Tokens(hashes(data, kinds, starts), starts, np.searchsorted(starts, offsets), len(data))


def bytes_of(texts: pa.Array) -> tuple[Places, Bytes]:
    """Return (offsets, bytes): the bytes of all texts, and (texts + 1,) where each text begins in
    them.
    """
    whole = texts.cast(pa.large_string())
    _, ends, content = whole.buffers()
    inside = slice(whole.offset, whole.offset + len(whole) + 1)
    offsets = np.frombuffer(ends, np.int64)[inside]
    spelled = np.frombuffer(content or b"", np.uint8)
    return offsets - offsets[0], spelled[offsets[0] : offsets[-1]]


def _humps(data: Bytes) -> Flags:
    """Return (bytes,) whether a capital follows a small letter, as in camelCase, so that a word
    begins.
    """
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
    """Return hashes in which a run of digits counts as one 0, and all labels and all identifiers
    are alike.
    """
    if not len(starts):
        return np.zeros(0, np.uint64)
    digit = _IS_DIGIT[data]
    first = digit.copy()
    first[1:] &= ~digit[:-1]
    first[starts] = digit[starts]
    counts = (kinds != _BLANK) & (first | ~digit)
    hashes = _polynomial(_AS_ZERO[data], counts, starts)
    of_digits = np.searchsorted(starts, np.flatnonzero(first), "right") - 1
    numbered, runs = np.unique(of_digits, return_counts=True)
    seen = np.concatenate([np.zeros(1, np.int32), np.cumsum(counts, dtype=np.int32)])
    letters = seen[np.append(starts, len(data))[numbered + 1]] - seen[starts[numbered]] - runs
    hashes[numbered[(runs == 1) & (letters == 1)]] = _LABEL
    hashes[numbered[(runs > 1) & (letters > 0)]] = _IDENTIFIER
    return _mixed(hashes)


def _polynomial(data: Bytes, counts: Flags, starts: Places) -> Hashes:
    """Return one polynomial hash per token over the bytes that count (Karp and Rabin 1987).

    It is a difference of prefix sums, multiplied by an inverse power so that its place does not
    matter.
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
    """Return at least `count` powers of the base modulo 2**64, and their inverses."""
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
    """Return (tokens,) whether a line break stands between a token and the one before it."""
    _, spelled = bytes_of(texts)
    breaks = np.concatenate([np.zeros(1, np.int64), np.cumsum(spelled == _LINE_BREAK)])
    before = breaks[np.minimum(tokens.starts, len(spelled))]
    return np.diff(before, prepend=before[:1]) > 0


def ngram_hashes(tokens: Tokens, order: int) -> tuple[Hashes, Places]:
    """Return the hashes of all n-grams that lie within one text, and their first tokens."""
    places = np.flatnonzero(tokens.to_end >= order - 1)
    return hashes_at(tokens, places, order), places


def hashes_at(tokens: Tokens, places: Places, order: int) -> Hashes:
    """Return the hashes of the n-grams that begin at these places. Each must lie within one
    text.
    """
    hashes = tokens.hashes[places] * _STEP[0]
    for ahead in range(1, order):
        hashes += tokens.hashes[places + ahead] * _STEP[ahead]
    return _mixed(hashes) + np.uint64(order)


LABEL_SHAPES: Hashes = _mixed(np.array([_LABEL, _IDENTIFIER]))
"""The hashes of the two shapes: a letter with a number, and an identifier."""
