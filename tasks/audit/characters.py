"""Text that is not language, found fast: cheap statistics of every row, held against fixed bounds
and, where there is one, against the baseline.
"""

import zlib

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from tasks.audit.batch import Batch
from tasks.audit.found import Found, RowNotes, spell_opening
from tasks.audit.tokens import Flags, Tokens, ngram_hashes
from tasks.ngrams import laps, repeated_share, words
from tasks.text_faults import FluencySpec, mojibake

Reals = NDArray[np.float64]

STATISTICS = ("spaces", "longest_run", "odd_characters", "compressed", "repeated")
FAULTS = {"run_together": (0, 1), "mojibake": (2,), "loop": (3, 4)}
"""Statistics of a text, and which of them betray which fault: characters that are spaces; bytes
from one token to the next, at most; letters that only broken decoding leaves; bytes after
compression times log2 of the length; 8-grams of tokens that occurred earlier.
"""
SIGN = np.array([-1.0, 1.0, 1.0, -1.0, 1.0])
FLOOR = np.array([0.005, 2.0, 0.002, 0.02, 0.01])
"""Least spread of each statistic: a baseline without any would make a fault of every trifle."""
FAR, BEYOND = 8.0, 2.0
"""Robust deviations from the baseline's median beyond which a row is at fault, if it also lies so
many times as far out as any baseline row.
"""
LEAST_SPACES, WIDE_SCRIPT, LEAST_CHARACTERS, LEAST_TOKENS = 0.05, 2.2, 80, 24
LOOP_ORDER, LEAST_SHARE, LEAST_LAPS = 8, 0.06, 4
_ODD = "[\u0080-\u009f\ufffd]|[\u00c2-\u00f4][\u0080-\u00bf]"


def statistics(batch: Batch) -> Reals:
    """Return (rows, STATISTICS) of the think blocks."""
    texts, tokens = batch.rows.column("think"), batch.tokens
    length = np.maximum(_ints(pc.utf8_length(texts)), 1)
    spaces = _ints(pc.count_substring(texts, " ")) / length
    # Scripts without spaces are no run-together words; three bytes a character tell them.
    spaces[_ints(pc.binary_length(texts)) / length > WIDE_SCRIPT] = 0.15
    spaces[length < LEAST_CHARACTERS] = 0.15
    odd = _ints(pc.count_substring_regex(texts, _ODD)) / length
    packed = np.array([_packed(text) for text in texts.to_pylist()])
    return np.stack([spaces, _longest_runs(tokens), odd, packed, repeated_shares(tokens)], axis=1)


def _ints(values: pa.Array) -> Reals:
    return np.asarray(values.to_numpy(zero_copy_only=False), np.float64)


def _packed(text: str) -> float:
    raw = text.encode()
    return (
        len(zlib.compress(raw, 1)) / max(len(raw), 1) * float(np.log2(len(raw) + 2))
        if len(raw) > LEAST_CHARACTERS
        else 6.0
    )


def _longest_runs(tokens: Tokens) -> Reals:
    """Return the bytes from the start of a token to the next, at most, a text."""
    longest = np.zeros(len(tokens.bounds) - 1)
    lengths = np.diff(np.append(tokens.starts, tokens.size))
    filled = np.flatnonzero(np.diff(tokens.bounds) > 0)
    if len(filled):
        longest[filled] = np.maximum.reduceat(lengths, tokens.bounds[filled])
    return longest


def repeated_shares(tokens: Tokens) -> Reals:
    """Return the share of each text's 8-grams of tokens that occurred earlier in it; 0 for a short
    text.
    """
    hashes, places = ngram_hashes(tokens, LOOP_ORDER)
    texts, count = tokens.texts[places], len(tokens.bounds) - 1
    total = np.bincount(texts, minlength=count)
    # The text's number in the upper bits: one sort of one column, and 40 bits of hash are plenty
    # within one text.
    keys = np.sort((texts.astype(np.uint64) << np.uint64(40)) | (hashes >> np.uint64(24)))
    repeats = np.bincount(
        (keys[1:][keys[1:] == keys[:-1]] >> np.uint64(40)).astype(np.int64), minlength=count
    )
    return np.where(total >= LEAST_TOKENS, repeats / np.maximum(total, 1), 0.0)


class CharacterDetector:
    """Rows at fault without producer state: broken think blocks, loops, run-together words,
    mojibake.
    """

    def __init__(self, spec: FluencySpec, bound: Reals | None) -> None:
        self._spec = spec
        self._notes = RowNotes()
        self._bound = bound

    def learn(self, batch: Batch) -> None:
        """Nothing is to be learned."""

    def look(self, batch: Batch) -> None:
        """Note every row's faults."""
        for place, fault in enumerate(batch.texts("fault")):
            if fault:
                self._notes.note(fault, batch.first_row + place)
        measured = statistics(batch)
        for name, numbers in FAULTS.items():
            beyond, suspects = (
                np.any([look(measured, number) for number in numbers], axis=0)
                for look in (self._beyond, self._suspects)
            )
            for place in np.flatnonzero(beyond | suspects):
                if beyond[place] or self._confirmed(name, batch.texts("think")[place]):
                    self._notes.note(name, batch.first_row + int(place))

    def _suspects(self, measured: Reals, number: int) -> Flags:
        """Return the rows worth a closer look."""
        fixed = np.array([-LEAST_SPACES, self._spec.longest_word, 0.0, -0.6, LEAST_SHARE])
        suspects: Flags = SIGN[number] * measured[:, number] > fixed[number]
        return suspects

    def _beyond(self, measured: Reals, number: int) -> Flags:
        """Return the rows beyond anything in the baseline."""
        bound = np.inf if self._bound is None else self._bound[number]
        beyond: Flags = SIGN[number] * measured[:, number] > bound
        return beyond

    def _confirmed(self, name: str, text: str) -> bool:
        """Return what the fluency gate says of the text, fault by fault."""
        if name == "mojibake":
            return mojibake(text)
        if name == "loop":
            tokens = words(text)
            times, length = laps(tokens, LOOP_ORDER)
            return repeated_share(tokens, LOOP_ORDER) > self._spec.repeated or (
                times >= LEAST_LAPS and length >= LEAST_TOKENS
            )
        return text.count(" ") < LEAST_SPACES * len(text) or _has_long_word(
            text, self._spec.longest_word
        )

    def found(self) -> list[Found]:
        """Return one finding a fault."""
        return [
            Found(name, rows, spell_opening, rows, leak=False)
            for name, rows in self._notes.widest_first()
        ]


def bounds(measured: Reals) -> Reals:
    """Return the signed bound of every statistic of baseline rows: far from the median, and twice
    as far as any baseline row.
    """
    middle = np.median(measured, axis=0)
    spread = np.maximum(1.4826 * np.median(np.abs(measured - middle), axis=0), FLOOR)
    bounds: Reals = SIGN * middle + np.maximum(
        FAR * spread, BEYOND * (SIGN * (measured - middle)).max(axis=0)
    )
    return bounds


def _has_long_word(text: str, longest: int) -> bool:
    """Return whether a run of letters is longer; scripts that need no spaces are left alone."""
    return any(
        len(word) > longest and len(word.encode()) < WIDE_SCRIPT * len(word)
        for word in words(text)
        if not word.isdigit()
    )
