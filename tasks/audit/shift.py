"""Whether corpus and baseline can be compared at all.

A leak is put into a text: cut it out, and what is left looks like the baseline. Where what is left
does not, the two are of different kinds (other tasks, another teacher), and what recurs in the one
and not in the other proves nothing. The measure is the chance that the left-over of a flagged row
is more surprising than a baseline row (Mann and Whitney 1947, the area under the ROC curve); it is
near 0.5 for leaks of any form.
"""

import numpy as np
from numpy.typing import NDArray

from tasks.audit.batch import Batch, Rows, batches_of
from tasks.audit.counts import Counts
from tasks.audit.novelty import stretch, surprise
from tasks.audit.tokens import Flags, Hashes, Places

Reals = NDArray[np.float64]

AROUND = 6
"""Tokens cut off on both sides of a suspected piece: its slots and its seams."""
LEAST_TOKENS, LEAST_ROWS = 20, 20
BLOCK, ENOUGH_ROWS = 500, 2000
COMPARABLE = 0.7
"""Area under the curve up to which corpus and baseline are of one kind."""


def usual_surprise(batch: Batch, counts: Counts) -> Reals:
    """Return the mean surprise of every baseline row, each against all others; nan for a text too
    short.
    """
    excess = surprise(batch, counts, own=1)
    return _means(batch, excess, np.ones(len(excess), bool))


def left_over(corpus: Rows, counts: Counts, usual: Reals, *, pieces: Hashes, rows: Places) -> float:
    """Return the area under the curve between what the given rows hold beside the suspected pieces,
    and the baseline; 0.5 where it cannot be told.
    """
    rows = _some(rows)
    flagged = [_left_over(batch, counts, pieces, rows) for batch in batches_of(corpus)]
    values = np.concatenate(flagged) if flagged else np.zeros(0)
    values, usual = values[~np.isnan(values)], usual[~np.isnan(usual)]
    if len(values) < LEAST_ROWS or not len(usual):
        return 0.5
    below = np.searchsorted(np.sort(usual), values, "left") + np.searchsorted(
        np.sort(usual), values, "right"
    )
    return float(below.mean() / (2 * len(usual)))


def _some(rows: Places) -> Places:
    """Return the rows of every so many blocks of the corpus: enough to tell, and the others need
    not be cut into tokens again.
    """
    blocks = rows // BLOCK
    _, place = np.unique(blocks, return_inverse=True)
    some: Places = rows[place % max(1, len(rows) // ENOUGH_ROWS) == 0]
    return some


def _left_over(batch: Batch, counts: Counts, pieces: Hashes, rows: Places) -> Reals:
    mine = (
        rows[(rows >= batch.first_row) & (rows < batch.first_row + batch.rows.num_rows)]
        - batch.first_row
    )
    if not len(mine):
        return np.zeros(0)
    excess = surprise(batch, counts, own=0)
    means: Reals = _means(batch, excess, ~_cut(batch, excess, pieces, mine))[mine]
    return means


def _cut(batch: Batch, excess: Reals, pieces: Hashes, rows: Places) -> Flags:
    """Return the tokens that belong to suspected pieces or to a row's most surprising stretch, with
    those around them.
    """
    cut = np.zeros(len(excess), bool)
    for grams in batch.grams:
        hit = grams.places[np.isin(grams.hashes, pieces)]
        for ahead in range(-AROUND, grams.order + AROUND):
            cut[np.clip(hit + ahead, 0, len(cut) - 1)] = True
    for row in rows:
        low, high = batch.tokens.bounds[row : row + 2]
        first, last = stretch(excess[low:high])
        cut[max(low + first - AROUND, low) : min(low + last + AROUND, high)] = True
    return cut


def _means(batch: Batch, excess: Reals, kept: Flags) -> Reals:
    count = len(batch.tokens.bounds) - 1
    total = np.bincount(batch.tokens.texts[kept], weights=excess[kept], minlength=count)
    tokens = np.bincount(batch.tokens.texts[kept], minlength=count)
    means: Reals = np.where(tokens >= LEAST_TOKENS, total / np.maximum(tokens, 1), np.nan)
    return means
