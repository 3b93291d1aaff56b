"""Whether corpus and baseline are comparable at all.

A leak is inserted into a text. Without it, the rest of the text reads like the baseline. If the
rest does not, corpus and baseline are of different kinds (other tasks, another teacher), and what
recurs in only one of them proves nothing. The measure is the probability that the rest of a flagged
row is more surprising than a baseline row (Mann and Whitney 1947, the area under the ROC curve). It
is near 0.5 for leaks of any form.
"""

import numpy as np
from numpy.typing import NDArray

from tasks.audit.batch import Batch, Rows, batches_of
from tasks.audit.counts import Counts
from tasks.audit.novelty import stretch, surprise
from tasks.audit.tokens import Flags, Hashes, Places

Reals = NDArray[np.float64]

AROUND = 6
"""Tokens that are also removed on both sides of a suspected piece, because of its slots."""
MIN_TOKENS = 20
"""Fewest tokens of a row for a mean surprise."""
MIN_ROWS = 20
"""Fewest rows for a comparison."""
BLOCK = 500
"""Rows of one block of the sample."""
ENOUGH_ROWS = 2000
"""About so many flagged rows are compared."""
COMPARABLE = 0.7
"""Largest area under the curve at which corpus and baseline are comparable."""


def usual_surprise(batch: Batch, counts: Counts) -> Reals:
    """Return (rows,) the mean surprise of every baseline row, without its own counts; nan for a
    short text.
    """
    excess = surprise(batch, counts, own=1)
    return _means(batch, excess, np.ones(len(excess), bool))


def shift_area(
    corpus: Rows, counts: Counts, usual: Reals, *, pieces: Hashes, rows: Places
) -> float:
    """Return the area under the curve for the given rows without suspected pieces, against the
    baseline.

    usual: (baseline rows,) their mean surprise. pieces: hashes of the suspected n-grams. The result
    is 0.5 if there are too few rows.
    """
    rows = _some(rows)
    flagged = [_means_without_pieces(batch, counts, pieces, rows) for batch in batches_of(corpus)]
    values = np.concatenate(flagged) if flagged else np.zeros(0)
    values, usual = values[~np.isnan(values)], usual[~np.isnan(usual)]
    if len(values) < MIN_ROWS or not len(usual):
        return 0.5
    ordered = np.sort(usual)
    below = np.searchsorted(ordered, values, "left") + np.searchsorted(ordered, values, "right")
    return float(below.mean() / (2 * len(usual)))


def _some(rows: Places) -> Places:
    """Return the rows of some regularly chosen blocks of the corpus, so that the other blocks need
    not be tokenized again.
    """
    blocks = rows // BLOCK
    _, place = np.unique(blocks, return_inverse=True)
    some: Places = rows[place % max(1, len(rows) // ENOUGH_ROWS) == 0]
    return some


def _means_without_pieces(batch: Batch, counts: Counts, pieces: Hashes, rows: Places) -> Reals:
    places = rows - batch.first_row
    mine = places[(places >= 0) & (places < batch.rows.num_rows)]
    if not len(mine):
        return np.zeros(0)
    excess = surprise(batch, counts, own=0)
    means: Reals = _means(batch, excess, ~_cut(batch, excess, pieces, mine))[mine]
    return means


def _cut(batch: Batch, excess: Reals, pieces: Hashes, rows: Places) -> Flags:
    """Return (tokens,) which tokens belong to suspected pieces or to a row's most surprising
    stretch, with the tokens around them.
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
    means: Reals = np.where(tokens >= MIN_TOKENS, total / np.maximum(tokens, 1), np.nan)
    return means
