"""Rows that hold a stretch of text unlike all baseline rows. One such row is enough.

The surprise of a token is −log2 of its rate after the preceding tokens in the baseline's rows, with
back-off to shorter contexts (stupid backoff, Brants et al. 2007, section 4, on counts of texts).
The score of a row is the largest sum of surprise above the usual level over any stretch (a CUSUM
scan, Page 1954): in its opening, in its closing, and anywhere. The score of a baseline row leaves
out its own counts. So all rows are exchangeable if nothing leaked, and the rank among the baseline
scores is a p-value (conformal outlier test, Bates et al. 2023). Above the largest baseline score,
an exponential tail extrapolates (Karlin and Altschul 1990). Benjamini and Hochberg (1995) bound the
share of false alarms among the flagged rows.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tasks.audit.batch import Batch
from tasks.audit.counts import ORDER_VIEWS, Counts, Grams
from tasks.audit.tokens import EDGE_TOKENS, ORDERS, Tokens

Reals = NDArray[np.float64]

SCANS = ("opening", "closing", "anywhere")
"""The parts of a text in which the largest sum is searched."""
USUAL_BITS = 5.5
"""Surprise that every token may have, subtracted from its surprise."""
UNSEEN_WORD_BITS = 5.0
"""Additional surprise of a word that the baseline never holds."""
UNSEEN_BITS = 1.3
"""Additional surprise of a longer n-gram that the baseline never holds."""
KNOWN_SHARE = 0.5
"""Factor for the surprise of a token that the row's own prompt or answer holds."""
LEVEL = 0.008
"""False discovery rate among rows."""
TAIL_SHARE = 0.02
"""Share of the baseline scores from which the tail is estimated."""
MIN_FOR_TAIL = 1000
"""Fewest baseline rows for an estimate of the tail."""
TAIL_SAFETY = 1.5
"""Factor by which the tail is taken longer than estimated."""


def surprise(batch: Batch, baseline: Counts, *, own: int) -> Reals:
    """Return (tokens,) the surprise of every token of a batch above USUAL_BITS, in bits.

    own: 1 if the texts are themselves counted in the baseline, else 0.
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
        of_context = np.maximum(context, 0.5)
        rate = np.clip(here, 0.5, of_context) / of_context
        bits = np.where(seen, -np.log2(rate), bits + UNSEEN_BITS)
    excess: Reals = np.where(batch.known, bits * KNOWN_SHARE, bits) - USUAL_BITS
    return excess


def _ending_at(grams: Grams, tokens: int, baseline: Counts, own: int) -> Reals:
    """Return (tokens,) the number of baseline rows with the n-gram that ends at each token."""
    held = np.zeros(tokens)
    held[grams.places + grams.order - 1] = np.maximum(baseline.of(grams) - own, 0)
    return held


def scan(tokens: Tokens, excess: Reals) -> Reals:
    """Return (texts, SCANS): the largest sum of a stretch in the opening, in the closing, and
    anywhere.
    """
    far = -1e4
    opening = np.where(tokens.from_start < 2 * EDGE_TOKENS, excess, far)
    closing = np.where(tokens.to_end < 2 * EDGE_TOKENS, excess, far)
    sums = [_largest_sums(tokens, values) for values in (opening, closing, excess)]
    return np.stack(sums, axis=1)


def _largest_sums(tokens: Tokens, values: Reals) -> Reals:
    """Return (texts,) the largest sum of consecutive values in each text (Kadane), all texts at
    once.

    Each text is shifted below the one before it, so that the running minimum restarts there.
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
    """Return [first, last) of the tokens of one text with the largest sum."""
    total = np.concatenate([[0.0], np.cumsum(excess)])
    gain = total - np.minimum.accumulate(total)
    end = int(np.argmax(gain))
    return int(np.argmin(total[: end + 1])), end


@dataclass(frozen=True)
class Null:
    """The null distribution: scores when nothing leaked. scores: (baseline rows, SCANS), each
    column sorted.
    """

    scores: Reals

    @classmethod
    def of(cls, scores: Reals) -> "Null":
        """Return the null distribution of baseline scores (rows, SCANS)."""
        return cls(np.sort(scores, axis=0))

    def p_values(self, scores: Reals) -> Reals:
        """Return (rows,) one p-value per row: the smallest of its scans, corrected for their
        number.
        """
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
        if len(null) < MIN_FOR_TAIL:
            return rank
        edge = null[-int(TAIL_SHARE * len(null))]
        scale = TAIL_SAFETY * max(float(np.mean(null[null >= edge] - edge)), 1.0)
        beyond: Reals = np.exp(-(scores - null[-1]) / scale) / (len(null) + 1.0)
        return np.where(scores > null[-1], beyond, rank)
