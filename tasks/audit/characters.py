"""Text that is not language: cheap statistics of every row, compared with fixed limits and with the
baseline if there is one.
"""

import zlib

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from tasks.audit.batch import Batch
from tasks.audit.finding import Finding, RowNotes, quote_opening
from tasks.audit.tokens import Flags, Tokens, ngram_hashes
from tasks.ngrams import laps, repeated_share, words
from tasks.text_faults import FluencySpec, mojibake

Reals = NDArray[np.float64]

STATISTICS = ("spaces", "longest_run", "odd_characters", "compressed", "repeated")
"""Statistics of a text:

- spaces: share of its characters that are spaces
- longest_run: largest number of bytes from the start of one token to the start of the next
- odd_characters: share of its characters that only a wrong decoding produces
- compressed: share of its bytes that is left after compression, times log2 of its length
- repeated: share of its 8-grams of tokens that occurred earlier in it
"""
FAULTS = {"run_together": (0, 1), "mojibake": (2,), "loop": (3, 4)}
"""The numbers of the statistics that show each fault."""
SIGN = np.array([-1.0, 1.0, 1.0, -1.0, 1.0])
"""Direction in which each statistic is worse: 1 for larger, -1 for smaller."""
FLOOR = np.array([0.005, 2.0, 0.002, 0.02, 0.01])
"""Smallest spread assumed for each statistic, so that a uniform baseline does not turn tiny
differences into faults.
"""
FAR = 8.0
"""Robust standard deviations from the baseline's median beyond which a row can be at fault."""
BEYOND = 2.0
"""A row at fault also lies at least so many times as far out as every baseline row."""
MIN_SPACES, WIDE_SCRIPT, MIN_CHARACTERS, MIN_TOKENS = 0.05, 2.2, 80, 24
LOOP_ORDER, MIN_SHARE, MIN_LAPS = 8, 0.06, 4
_ODD = "[\u0080-\u009f\ufffd]|[\u00c2-\u00f4][\u0080-\u00bf]"


def statistics(batch: Batch) -> Reals:
    """Return (rows, STATISTICS) float64 for the think blocks of a batch."""
    texts, tokens = batch.rows.column("think"), batch.tokens
    length = np.maximum(_ints(pc.utf8_length(texts)), 1)
    spaces = _ints(pc.count_substring(texts, " ")) / length
    # Some scripts use no spaces. They are recognised by their three bytes per character.
    spaces[_ints(pc.binary_length(texts)) / length > WIDE_SCRIPT] = 0.15
    spaces[length < MIN_CHARACTERS] = 0.15
    odd = _ints(pc.count_substring_regex(texts, _ODD)) / length
    packed = np.array([_packed(text) for text in texts.to_pylist()])
    return np.stack([spaces, _longest_runs(tokens), odd, packed, repeated_shares(tokens)], axis=1)


def _ints(values: pa.Array) -> Reals:
    return np.asarray(values.to_numpy(zero_copy_only=False), np.float64)


def _packed(text: str) -> float:
    raw = text.encode()
    if len(raw) <= MIN_CHARACTERS:
        return 6.0
    ratio = len(zlib.compress(raw, 1)) / max(len(raw), 1)
    return ratio * float(np.log2(len(raw) + 2))


def _longest_runs(tokens: Tokens) -> Reals:
    """Return (texts,) the largest number of bytes from the start of one token to the next."""
    longest = np.zeros(len(tokens.bounds) - 1)
    lengths = np.diff(np.append(tokens.starts, tokens.size))
    filled = np.flatnonzero(np.diff(tokens.bounds) > 0)
    if len(filled):
        longest[filled] = np.maximum.reduceat(lengths, tokens.bounds[filled])
    return longest


def repeated_shares(tokens: Tokens) -> Reals:
    """Return (texts,) the share of each text's 8-grams of tokens that occurred earlier in it; 0 for
    a short text.
    """
    hashes, places = ngram_hashes(tokens, LOOP_ORDER)
    texts, count = tokens.texts[places], len(tokens.bounds) - 1
    total = np.bincount(texts, minlength=count)
    # With the text's number in the upper bits, one sort suffices. 40 bits of hash are enough
    # within one text.
    keys = np.sort((texts.astype(np.uint64) << np.uint64(40)) | (hashes >> np.uint64(24)))
    repeated = keys[1:][keys[1:] == keys[:-1]]
    of_text = (repeated >> np.uint64(40)).astype(np.int64)
    repeats = np.bincount(of_text, minlength=count)
    return np.where(total >= MIN_TOKENS, repeats / np.maximum(total, 1), 0.0)


class CharacterDetector:
    """Finds faults that are not producer state: broken think blocks, loops, run-together words,
    mojibake.
    """

    def __init__(self, spec: FluencySpec, bound: Reals | None) -> None:
        self._spec = spec
        self._notes = RowNotes()
        self._bound = bound

    def learn(self, batch: Batch) -> None:
        """Do nothing: no pass over the corpus is needed to learn."""

    def look(self, batch: Batch) -> None:
        """Note the faults of every row."""
        for place, fault in enumerate(batch.texts("fault")):
            if fault:
                self._notes.note(fault, batch.first_row + place)
        measured = statistics(batch)
        for name, numbers in FAULTS.items():
            beyond = np.any([self._beyond(measured, number) for number in numbers], axis=0)
            suspects = np.any([self._suspects(measured, number) for number in numbers], axis=0)
            for place in np.flatnonzero(beyond | suspects):
                if beyond[place] or self._confirmed(name, batch.texts("think")[place]):
                    self._notes.note(name, batch.first_row + int(place))

    def _suspects(self, measured: Reals, number: int) -> Flags:
        """Return (rows,) which rows need a closer look."""
        fixed = np.array([-MIN_SPACES, self._spec.longest_word, 0.0, -0.6, MIN_SHARE])
        suspects: Flags = SIGN[number] * measured[:, number] > fixed[number]
        return suspects

    def _beyond(self, measured: Reals, number: int) -> Flags:
        """Return (rows,) which rows lie beyond all baseline rows."""
        bound = np.inf if self._bound is None else self._bound[number]
        beyond: Flags = SIGN[number] * measured[:, number] > bound
        return beyond

    def _confirmed(self, name: str, text: str) -> bool:
        """Return whether the fluency gate also finds the fault in the text."""
        if name == "mojibake":
            return mojibake(text)
        if name == "loop":
            tokens = words(text)
            times, length = laps(tokens, LOOP_ORDER)
            long_loop = times >= MIN_LAPS and length >= MIN_TOKENS
            return repeated_share(tokens, LOOP_ORDER) > self._spec.repeated or long_loop
        few_spaces = text.count(" ") < MIN_SPACES * len(text)
        return few_spaces or _has_long_word(text, self._spec.longest_word)

    def findings(self) -> list[Finding]:
        """Return one finding per fault."""
        return [
            Finding(name, rows, quote_opening, rows, leak=False)
            for name, rows in self._notes.widest_first()
        ]


def bounds(measured: Reals) -> Reals:
    """Return (STATISTICS,) the signed limit of each statistic, from baseline rows (rows,
    STATISTICS).

    The limit is FAR deviations from the median, and BEYOND times as far as every baseline row.
    """
    middle = np.median(measured, axis=0)
    spread = np.maximum(1.4826 * np.median(np.abs(measured - middle), axis=0), FLOOR)
    farthest = (SIGN * (measured - middle)).max(axis=0)
    bounds: Reals = SIGN * middle + np.maximum(FAR * spread, BEYOND * farthest)
    return bounds


def _has_long_word(text: str, longest: int) -> bool:
    """Return whether a run of letters is longer than `longest`. Scripts without spaces are left
    out.
    """
    return any(
        len(word) > longest and len(word.encode()) < WIDE_SCRIPT * len(word)
        for word in words(text)
        if not word.isdigit()
    )
