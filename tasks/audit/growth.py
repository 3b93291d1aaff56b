"""Recurring stretches in a block: they start from words with which sentences of several rows begin,
and grow token by token as long as the rows agree.
"""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from tasks.audit.blocks import Block
from tasks.audit.stretches import Form, Stretch, texts_of, tokens_at
from tasks.audit.tokens import Flags, Hashes, Places

Reals = NDArray[np.float64]

LONGEST_STRETCH = 40
"""Longest stretch, in tokens."""
SHARED = 0.85
"""Share of the rows that must agree on a token."""
LONGEST_HOLE = 3
"""Longest hole: consecutive tokens on which the rows differ (a slot)."""
SEEDS = ((0, 4), (0, 3), (1, 3), (2, 3), (0, 2), (1, 2), (2, 2), (0, 1), (1, 1), (2, 1))
"""(offset, order) of the n-grams that start a stretch, the longest first. offset: tokens after the
start of the sentence, because a form may open with a slot of one or two tokens.
"""


class Seed(NamedTuple):
    """Sentences that share an n-gram.

    starts: (rows,) the first token of the first such sentence in every row. times: mean number of
    such sentences per row.
    """

    starts: Places
    times: float


def stretches(block: Block, *, least: float, most_times: float) -> Iterator[Stretch]:
    """Yield the stretches that at least `least` rows hold and that occur at most `most_times` times
    in a row, on average.
    """
    known: set[bytes] = set()
    for offset, order in SEEDS:
        new = list[Seed]()
        for seed in _seeds_at(block, offset, order, least):
            key = seed.starts.tobytes()
            if key not in known:
                known.add(key)
                new.append(seed)
        yield from _grown(block, [seed for seed in new if seed.times <= most_times])


def _seeds_at(block: Block, offset: int, order: int, least: float) -> Iterator[Seed]:
    starts, texts = block.sentences, block.tokens.texts[block.sentences]
    hashes = block.grams_at(starts + offset, order)
    inside = np.flatnonzero((hashes != 0) & (texts_of(block.tokens, starts + offset) == texts))
    ordered = inside[np.lexsort((starts[inside], hashes[inside]))]
    hashes, starts, texts = hashes[ordered], starts[ordered], texts[ordered]
    first = np.ones(len(hashes), bool)
    first[1:] = (hashes[1:] != hashes[:-1]) | (texts[1:] != texts[:-1])
    bounds = np.append(np.flatnonzero(np.diff(hashes, prepend=~hashes[:1])), len(hashes))
    rows = np.zeros(0)
    if len(hashes):
        weights = np.where(first, block.weights[texts], 0.0)
        rows = np.add.reduceat(weights, bounds[:-1])
    for one in np.flatnonzero(rows >= least):
        part = slice(bounds[one], bounds[one + 1])
        kept = starts[part][first[part]]
        yield Seed(kept, float((bounds[one + 1] - bounds[one]) / len(kept)))


def _grown(block: Block, seeds: Sequence[Seed]) -> Iterator[Stretch]:
    """Yield the longest stretch on which the rows of each seed agree. A seed whose rows agree on no
    token gives none.
    """
    if not seeds:
        return
    growth = _growth(block, seeds)
    for number, seed in enumerate(seeds):
        offsets = np.flatnonzero(growth.agreed[number])
        if len(offsets):
            form = Form(offsets, growth.tokens[number][offsets], np.ones(len(offsets)))
            closed = float(np.mean(growth.common[number][: form.length]))
            texts = block.tokens.texts[seed.starts]
            ends = np.minimum(seed.starts + form.length, block.tokens.bounds[texts + 1])
            yield Stretch(form, seed.starts, ends, texts, seed.times, closed)


class _Growth(NamedTuple):
    """What the rows of each seed say at each token after their starts. All arrays: (seeds,
    LONGEST_STRETCH).

    tokens: the commonest token. agreed: whether enough rows hold it. common: share of the rows
    whose token also occurs in another row.
    """

    tokens: Hashes
    agreed: Flags
    common: Reals


def _growth(block: Block, seeds: Sequence[Seed]) -> _Growth:
    """Return the growth of all seeds together. A seed ends after a hole of more than LONGEST_HOLE
    tokens.
    """
    shape = len(seeds), LONGEST_STRETCH
    found = _Growth(np.zeros(shape, np.uint64), np.zeros(shape, bool), np.zeros(shape))
    starts = np.concatenate([seed.starts for seed in seeds])
    seed_of = np.repeat(np.arange(len(seeds)), [len(seed.starts) for seed in seeds])
    hole = np.zeros(len(seeds), np.int64)
    for offset in range(LONGEST_STRETCH):
        growing = hole[seed_of] <= LONGEST_HOLE
        starts, seed_of = starts[growing], seed_of[growing]
        if not len(starts):
            break
        texts = block.tokens.texts[starts]
        column = tokens_at(block.tokens, starts, offset)
        column[texts_of(block.tokens, starts + offset) != texts] = 0
        asked, token, share, common = _agreement(column, block.weights[texts], seed_of)
        agreed = (token != 0) & (share >= SHARED)
        found.tokens[asked, offset] = token
        found.agreed[asked, offset] = agreed
        found.common[asked, offset] = common
        hole[asked] = np.where(agreed, 0, hole[asked] + 1)
    return found


class _Agreement(NamedTuple):
    """What the rows of each seed say at one place. All arrays: (seeds,).

    token: the commonest token. share: share of the rows that hold it. common: share of the rows
    whose token also occurs in another row.
    """

    seeds: Places
    token: Hashes
    share: Reals
    common: Reals


def _agreement(column: Hashes, weights: Reals, seed_of: Places) -> _Agreement:
    """Return the agreement of rows on a token. column, weights: (rows,). seed_of: (rows,)
    ascending.
    """
    order = np.lexsort((column, seed_of))
    column, weights, seed_of = column[order], weights[order], seed_of[order]
    first = np.ones(len(column), bool)
    first[1:] = (column[1:] != column[:-1]) | (seed_of[1:] != seed_of[:-1])
    runs = np.flatnonzero(first)
    held, counts = np.add.reduceat(weights, runs), np.diff(np.append(runs, len(column)))
    heads = np.flatnonzero(np.diff(seed_of[runs], prepend=-1))
    total, widest = np.add.reduceat(held, heads), np.maximum.reduceat(held, heads)
    common = np.add.reduceat(np.where(counts > 1, held, 0.0), heads)
    number = np.repeat(np.arange(len(heads)), np.diff(np.append(heads, len(runs))))
    best = np.flatnonzero(held == widest[number])
    best = best[np.unique(number[best], return_index=True)[1]]
    return _Agreement(seed_of[runs[heads]], column[runs[best]], widest / total, common / total)
