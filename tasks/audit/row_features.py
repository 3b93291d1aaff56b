"""Features of rows that may explain a recurring stretch: words of their prompts, their answers or
the rest of their think blocks.

A stamp is inserted without regard to a row's content, so it is independent of all features. The
words with which a teacher always begins one kind of task depend on the words of that task. The test
is binomial: among the rows with the stretch, more hold the feature than its share of all rows
explains.
"""

import numpy as np
from numpy.typing import NDArray

from tasks.audit.blocks import Block
from tasks.audit.stretches import Stretch
from tasks.audit.tokens import Flags, Hashes, Places, Tokens, hashes_at

Reals = NDArray[np.float64]

ORDERS = (1, 2)
"""Features are words and pairs of words."""
MIN_ROWS = 8
"""Fewest rows that hold a feature."""
COVER = 0.8
"""Share of a stretch's rows that must hold a feature which explains it."""
LIFT = 1.25
"""Factor by which this share must exceed the feature's share of all rows."""
LEVEL = 1e-2
"""Probability that any feature explains an independent stretch by chance."""
_MARKS = tuple(np.uint64(mark) for mark in (0, 0x94D049BB133111EB, 0xBF58476D1CE4E5B9))
"""Separate the hashes of think blocks, prompts and answers."""


class RowFeatures:
    """The features of a block's rows: words and pairs of words of think blocks, prompts and
    answers.
    """

    def __init__(self, block: Block) -> None:
        self._block = block
        sides = (block.tokens, block.prompts, block.answers)
        heads = (block.heads, block.prompts.bounds[:-1], block.answers.bounds[:-1])
        found = [
            _features(tokens, first, order, mark)
            for tokens, first, mark in zip(sides, heads, _MARKS, strict=True)
            for order in ORDERS
        ]
        hashes = np.concatenate([hashes for hashes, _ in found])
        self._hashes, column = np.unique(hashes, return_inverse=True)
        rows = np.concatenate([rows for _, rows in found])
        self._columns = column[np.argsort(rows, kind="stable")]
        self._bounds = np.append(0, np.cumsum(np.bincount(rows, minlength=block.size)))
        self._shares = self._weighted(np.arange(block.size)) / block.weights.sum()

    def explain(self, stretch: Stretch) -> bool:
        """Return whether a feature explains a stretch. The stretch's own tokens do not count as
        features.
        """
        rows = self._block.weights[stretch.texts].sum()
        count = self._weighted(stretch.texts)
        telling = (count >= COVER * rows) & (count >= LIFT * self._shares * rows)
        telling &= ~np.isin(self._hashes, self._own(stretch))
        if not telling.any():
            return False
        # SciPy costs half a second and 40 MiB, and most corpora never need it here.
        from scipy.special import betainc

        p = betainc(count[telling], rows - count[telling] + 1, self._shares[telling])
        return float(p.min()) * len(self._hashes) <= LEVEL

    def _weighted(self, rows: Places) -> Reals:
        """Return (features,) the weighted number of these rows that hold each feature."""
        lengths = self._bounds[rows + 1] - self._bounds[rows]
        behind = self._bounds[rows] - (np.cumsum(lengths) - lengths)
        places = np.repeat(behind, lengths) + np.arange(lengths.sum())
        weights = np.repeat(self._block.weights[rows], lengths)
        counted = np.bincount(self._columns[places], weights, minlength=len(self._hashes))
        return counted.astype(np.float64)

    def _own(self, stretch: Stretch) -> Hashes:
        """Return the features that lie within the stretch or cross its edges."""
        tokens, inside = self._block.tokens, np.zeros(len(self._block.tokens.hashes) + 1, np.int64)
        np.add.at(inside, stretch.starts, 1)
        np.add.at(inside, stretch.ends, -1)
        held: Flags = np.cumsum(inside)[:-1] > 0
        own = []
        for order in ORDERS:
            places = np.flatnonzero(tokens.to_end >= order - 1)
            kept = held[places] | held[places + order - 1]
            own.append(np.unique(hashes_at(tokens, places[kept], order)))
        return np.concatenate(own)


def _features(tokens: Tokens, heads: Places, order: int, mark: np.uint64) -> tuple[Hashes, Places]:
    """Return (hash, row) of every n-gram in enough rows, once per row.

    heads: (texts,) the token at which each text proper begins. Tokens before it give no features.
    """
    proper = np.arange(len(tokens.hashes)) >= heads[tokens.texts]
    places = np.flatnonzero(proper & (tokens.to_end >= order - 1))
    hashes, rows = hashes_at(tokens, places, order) ^ mark, tokens.texts[places]
    ordered = np.lexsort((rows, hashes))
    hashes, rows = hashes[ordered], rows[ordered]
    once = np.ones(len(hashes), bool)
    once[1:] = (hashes[1:] != hashes[:-1]) | (rows[1:] != rows[:-1])
    hashes, rows = hashes[once], rows[once]
    bounds = np.flatnonzero(np.diff(hashes, prepend=~hashes[:1]))
    counts = np.diff(np.append(bounds, len(hashes)))
    kept = np.repeat(counts >= MIN_ROWS, counts)
    return hashes[kept], rows[kept]
