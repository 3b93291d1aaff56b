"""The stretches of a block: from words that sentences of several rows begin with, token by token,
as far as the rows agree.
"""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from tasks.audit.stretches import Form, Stretch, texts_of, tokens_at
from tasks.audit.tokens import Flags, Hashes, Places
from tasks.audit.units import Block

Reals = NDArray[np.float64]

LONGEST_STRETCH = 40
SHARED = 0.85
"""Share of the rows that must agree on a token."""
LONGEST_HOLE = 3
"""Tokens in a row on which the rows may differ: a slot."""
SEEDS = ((0, 4), (0, 3), (1, 3), (2, 3), (0, 2), (1, 2), (2, 2), (0, 1), (1, 1), (2, 1))
"""Where a seed begins after the start of its sentence, and its tokens, the longest first: a form
may open with a slot of one or two tokens.
"""


class Seed(NamedTuple):
    """Sentences that share an n-gram. starts: (rows,) the first token of the first such sentence of
    every row.

    times: how often a row holds such a sentence, on average.
    """

    starts: Places
    times: float


def stretches(block: Block, *, least: float, most_times: float) -> Iterator[Stretch]:
    """Yield the stretches that at least so many rows hold, and that a row begins at most so many
    times on average.
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
    order_of = inside[np.lexsort((starts[inside], hashes[inside]))]
    hashes, starts, texts = hashes[order_of], starts[order_of], texts[order_of]
    first = np.ones(len(hashes), bool)
    first[1:] = (hashes[1:] != hashes[:-1]) | (texts[1:] != texts[:-1])
    bounds = np.append(np.flatnonzero(np.diff(hashes, prepend=~hashes[:1])), len(hashes))
    rows = (
        np.add.reduceat(np.where(first, block.weights[texts], 0.0), bounds[:-1])
        if len(hashes)
        else np.zeros(0)
    )
    for one in np.flatnonzero(rows >= least):
        part = slice(bounds[one], bounds[one + 1])
        kept = starts[part][first[part]]
        yield Seed(kept, float((bounds[one + 1] - bounds[one]) / len(kept)))


def _grown(block: Block, seeds: Sequence[Seed]) -> Iterator[Stretch]:
    """Yield the longest stretch on which the rows of each seed agree; none for a seed whose rows
    agree on nothing.
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
    """What the rows of seeds say at each token behind their starts. All: (seeds, LONGEST_STRETCH).

    tokens: the commonest. agreed: whether so many rows hold it that it belongs to the stretch.
    common: the share of the rows whose token another row has too.
    """

    tokens: Hashes
    agreed: Flags
    common: Reals


def _growth(block: Block, seeds: Sequence[Seed]) -> _Growth:
    """Return how seeds grow, all of them together: a seed ends behind the longest hole."""
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
    """What rows say at one place, seed by seed: the commonest token, the share that holds it, the
    share whose token another row has too.
    """

    seeds: Places
    token: Hashes
    share: Reals
    common: Reals


def _agreement(column: Hashes, weights: Reals, seed_of: Places) -> _Agreement:
    """Return the agreement of rows on a token. column, weights: (rows,). seed_of: (rows,) in
    ascending order.
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
