"""Whether what rows have in common explains a stretch: a kind of prompt, a kind of answer, other
words of the same think blocks.

A stamp is put into rows without a look at them, so it keeps company with nothing. What a kind of
task always begins with keeps company with the words of that task. The test is binomial: of the rows
with the stretch, so many hold the feature, where the feature's share of all rows would put fewer.
"""

import numpy as np
from numpy.typing import NDArray

from tasks.audit.stretches import Stretch
from tasks.audit.tokens import Flags, Hashes, Places, Tokens, hashes_at
from tasks.audit.units import Block

Reals = NDArray[np.float64]

ORDERS = (1, 2)
LEAST_ROWS = 8
COVER, LIFT = 0.8, 1.25
"""Share of a stretch's rows that a feature must hold, and how far beyond its share of all rows."""
LEVEL = 1e-2
"""Chance that any of the features explains a stretch that keeps company with none."""
_MARKS = tuple(np.uint64(mark) for mark in (0, 0x94D049BB133111EB, 0xBF58476D1CE4E5B9))


class Kinds:
    """The features of a block's rows: words and pairs of words of prompts, answers and think
    blocks.
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
        self._hashes, column = np.unique(
            np.concatenate([hashes for hashes, _ in found]), return_inverse=True
        )
        rows = np.concatenate([rows for _, rows in found])
        self._columns = column[np.argsort(rows, kind="stable")]
        self._bounds = np.append(0, np.cumsum(np.bincount(rows, minlength=block.size)))
        self._shares = self._weighted(np.arange(block.size)) / block.weights.sum()

    def explain(self, stretch: Stretch) -> bool:
        """Say whether a feature explains a stretch. The stretch's own tokens are no features."""
        rows = self._block.weights[stretch.texts].sum()
        count = self._weighted(stretch.texts)
        telling = (count >= COVER * rows) & (count >= LIFT * self._shares * rows)
        telling &= ~np.isin(self._hashes, self._own(stretch))
        if not telling.any():
            return False
        # SciPy costs half a second and 40 MiB; most corpora get by without it.
        from scipy.special import betainc

        p = betainc(count[telling], rows - count[telling] + 1, self._shares[telling])
        return float(p.min()) * len(self._hashes) <= LEVEL

    def _weighted(self, rows: Places) -> Reals:
        """Return how many of the rows hold each feature; rows of one prompt share one count."""
        lengths = self._bounds[rows + 1] - self._bounds[rows]
        behind = self._bounds[rows] - (np.cumsum(lengths) - lengths)
        places = np.repeat(behind, lengths) + np.arange(lengths.sum())
        weights = np.repeat(self._block.weights[rows], lengths)
        counted = np.bincount(self._columns[places], weights, minlength=len(self._hashes))
        return counted.astype(np.float64)

    def _own(self, stretch: Stretch) -> Hashes:
        """Return the features that lie within the stretch or across its edges."""
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
    """Return (hash, row) of every n-gram that enough rows hold, once a row.

    heads: (texts,) the token with which each text proper begins; what stands before is no feature.
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
    kept = np.repeat(counts >= LEAST_ROWS, counts)
    return hashes[kept], rows[kept]
