"""Rows that hold a stretch of text no baseline row is like, however rare its form: one row is
enough.

Every token has a surprise: −log2 of its rate after the tokens before it among the baseline's rows,
backing off to shorter contexts (stupid backoff, Brants et al. 2007, section 4, over counts of
texts). A row's score is the stretch with the largest sum of surprise beyond the usual (a CUSUM
scan, Page 1954): in its opening, in its closing, anywhere. A baseline row is scored with its own
counts taken out, so that under no leak all rows are exchangeable and the rank among baseline scores
is a p-value (conformal outlier test, Bates et al. 2023); beyond the last rank an exponential tail
carries on (Karlin and Altschul 1990). Benjamini and Hochberg (1995) bound the share of false alarms
among the rows flagged.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tasks.audit.batch import Batch
from tasks.audit.counts import ORDER_VIEWS, Counts, Grams
from tasks.audit.tokens import EDGE_TOKENS, ORDERS, Tokens

Reals = NDArray[np.float64]

SCANS = ("opening", "closing", "anywhere")
USUAL_BITS, UNSEEN_WORD_BITS, UNSEEN_BITS = 5.5, 5.0, 1.3
"""Surprise a token may have at no cost; what a word nobody wrote adds to its rarity; what a longer
n-gram nobody wrote adds.
"""
KNOWN_SHARE = 0.5
"""What is left of the surprise of a token that the row's own prompt or answer holds."""
LEVEL = 0.008
"""False discovery rate among rows."""
TAIL_SHARE, LEAST_FOR_TAIL, TAIL_SAFETY = 0.02, 1000, 1.5


def surprise(batch: Batch, baseline: Counts, *, own: int) -> Reals:
    """Return the surprise of every token of a batch in bits beyond the usual. own: 1 where its
    texts are themselves counted in the baseline.
    """
    rows = max(baseline.rows - own, 1)
    held = [
        _ending_at(grams, len(batch.tokens.hashes), baseline, own)
        for grams in batch.grams
        if grams.view in ORDER_VIEWS
    ]
    bits: Reals = UNSEEN_WORD_BITS * (held[0] == 0) - np.log2(np.maximum(held[0], 0.5) / rows)
    for order in ORDERS[1:]:
        here, context = held[order - 1], np.roll(held[order - 2], 1)
        seen = (here > 0) & (context > 0)
        bits = np.where(
            seen,
            -np.log2(np.clip(here, 0.5, np.maximum(context, 0.5)) / np.maximum(context, 0.5)),
            bits + UNSEEN_BITS,
        )
    excess: Reals = np.where(batch.beside, bits * KNOWN_SHARE, bits) - USUAL_BITS
    return excess


def _ending_at(grams: Grams, tokens: int, baseline: Counts, own: int) -> Reals:
    """Return in how many baseline rows the n-gram ending at every token occurs."""
    held = np.zeros(tokens)
    held[grams.places + grams.order - 1] = np.maximum(baseline.of(grams) - own, 0)
    return held


def scan(tokens: Tokens, excess: Reals) -> Reals:
    """Return (texts, scans): the largest sum over any stretch of the opening, of the closing, and
    of the whole text.
    """
    far = -1e4
    opening = np.where(tokens.from_start < 2 * EDGE_TOKENS, excess, far)
    closing = np.where(tokens.to_end < 2 * EDGE_TOKENS, excess, far)
    return np.stack(
        [_largest_sums(tokens, values) for values in (opening, closing, excess)], axis=1
    )


def _largest_sums(tokens: Tokens, values: Reals) -> Reals:
    """Return Kadane's maximum a text, all texts at once: the running minimum restarts because each
    text is shifted below the last.
    """
    texts = len(tokens.bounds) - 1
    best = np.zeros(texts)
    if not len(values):
        return best
    total = np.cumsum(values)
    before = total - values
    shift = tokens.texts * (2 * (np.ptp(total) + np.abs(values).max()) + 1)
    lowest = np.minimum.accumulate(before - shift) + shift
    filled = np.flatnonzero(np.diff(tokens.bounds) > 0)
    best[filled] = np.maximum(np.maximum.reduceat(total - lowest, tokens.bounds[filled]), 0)
    return best


def stretch(excess: Reals) -> tuple[int, int]:
    """Return the half-open token range of one text whose sum is largest."""
    total = np.concatenate([[0.0], np.cumsum(excess)])
    gain = total - np.minimum.accumulate(total)
    end = int(np.argmax(gain))
    return int(np.argmin(total[: end + 1])), end


@dataclass(frozen=True)
class Null:
    """What scores look like when nothing leaked: (baseline rows, scans), each column sorted."""

    scores: Reals

    @classmethod
    def of(cls, scores: Reals) -> "Null":
        """Return the null of baseline scores (rows, scans)."""
        return cls(np.sort(scores, axis=0))

    def p_values(self, scores: Reals) -> Reals:
        """Return one p-value a row: the rarest of its scans, corrected for their number."""
        per_scan = [
            self._tail(self.scores[:, number], scores[:, number]) for number in range(len(SCANS))
        ]
        p: Reals = np.minimum(np.min(per_scan, axis=0) * len(SCANS), 1.0)
        return p

    def _tail(self, null: Reals, scores: Reals) -> Reals:
        rank = np.asarray(
            (1.0 + len(null) - np.searchsorted(null, scores, "left")) / (len(null) + 1.0),
            np.float64,
        )
        if len(null) < LEAST_FOR_TAIL:
            return rank
        edge = null[-int(TAIL_SHARE * len(null))]
        scale = TAIL_SAFETY * max(float(np.mean(null[null >= edge] - edge)), 1.0)
        beyond: Reals = np.exp(-(scores - null[-1]) / scale) / (len(null) + 1.0)
        return np.where(scores > null[-1], beyond, rank)
