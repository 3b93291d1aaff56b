"""What is to be said of a stretch that recurs: a stamp, one that a person must look at, or nothing.

A stretch is a stamp when all of this holds. Its words are foreign to the prompts and to the rest of
the think blocks. Nothing else that its rows have in common explains it. A row holds it once. And
taken out, it leaves texts like the others; where the texts are too free to tell, it must be a whole
sentence or note that reads alike everywhere. A stretch in nearly all rows leaves nothing to compare
with: a person must look.
"""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from tasks.audit.growth import stretches
from tasks.audit.judge import Judge, Position, Weighed
from tasks.audit.stretches import Form, Stretch
from tasks.audit.thresholds import BITS, LEAST_ROWS, MOST_LAYERS, ONCE, SAME_PLACE
from tasks.audit.tokens import Flags, Places
from tasks.audit.units import Block


class Ruling(NamedTuple):
    """A stretch that something is to be said of. texts, starts, ends: (rows,) where the block holds
    it.

    cleared: a person has cleared its words. leads: its rows begin with it, or with what was taken
    off before.
    """

    form: Form
    position: Position
    texts: Places
    starts: Places
    ends: Places
    suspect: bool
    cleared: bool
    leads: bool


def rulings(block: Block, cleared: Flags) -> list[Ruling]:
    """Return the stamps of a block, and the stretches to look at. cleared: (tokens,) which tokens a
    cleared phrase accounts for.

    What stands at the start is taken off before the rest is judged: how a text opens shows behind
    it.
    """
    if block.weights.sum() < LEAST_ROWS:
        return []
    kept = list[Ruling]()
    for _ in range(MOST_LAYERS):
        ruled = _ruled(Judge(block, cleared))
        ruled = [one for one in ruled if _lies_behind(one, block.heads)]
        first = [one for one in ruled if one.leads]
        kept += first
        if not first:
            return _telling(kept + ruled)
        heads = block.heads.copy()
        for one in first:
            heads[one.texts] = np.maximum(heads[one.texts], one.ends)
        block = block.behind(heads)
    return _telling(kept + [one for one in ruled if not one.leads])


def _telling(ruled: list[Ruling]) -> list[Ruling]:
    """Return the stretches without short ones whose rows longer ones account for: a word that two
    forms share names neither.
    """
    return [one for one in ruled if not _is_piece(one, ruled)]


def _is_piece(one: Ruling, ruled: list[Ruling]) -> bool:
    longer = [
        other.texts
        for other in ruled
        if len(other.form.offsets) >= 2 * len(one.form.offsets)
        and (one.cleared, one.suspect) == (other.cleared, other.suspect)
        and np.isin(other.texts, one.texts).mean() >= SAME_PLACE
    ]
    held = np.isin(one.texts, np.concatenate(longer)) if longer else np.zeros(1, bool)
    return float(held.mean()) >= SAME_PLACE


def _lies_behind(one: Ruling, heads: Places) -> bool:
    """Say whether a stretch lies in the texts proper."""
    return float((one.starts >= heads[one.texts]).mean()) >= SAME_PLACE


def _ruled(judge: "Judge") -> list[Ruling]:
    ruled, openers = list[Ruling](), list[Weighed]()
    known = [
        judge.weighed(one) for one in stretches(judge.block, least=LEAST_ROWS, most_times=ONCE)
    ]
    weighed = [one for one in known if one is not None]
    judge.meet(weighed)
    for one in weighed:
        if judge.is_stamp(one):
            ruled.append(_ruling(judge, one, suspect=False))
        elif judge.is_suspect(one):
            ruled.append(_ruling(judge, one, suspect=True))
        elif judge.is_opener(one):
            openers.append(one)
    return [*ruled, *_together(judge, openers, ruled)]


def _together(judge: Judge, openers: list[Weighed], ruled: list[Ruling]) -> Iterator[Ruling]:
    """Yield openers that a person must look at: with what was ruled already they open nearly all
    rows.
    """
    held = np.zeros(judge.block.size, bool)
    for texts in [one.texts for one in ruled] + [one.stretch.texts for one in openers]:
        held[texts] = True
    if judge.leaves_nothing(float(judge.block.weights[held].sum())):
        for one in openers:
            if not judge.explained(one.stretch):
                yield _ruling(judge, one, suspect=True)


def _ruling(judge: Judge, one: Weighed, *, suspect: bool) -> Ruling:
    """Return what is said of a stretch."""
    stretch = one.stretch
    return Ruling(
        judge.form_of(one),
        _place(judge, stretch),
        stretch.texts,
        stretch.starts,
        stretch.ends,
        suspect=suspect,
        cleared=one.uncleared < BITS,
        leads=judge.position(stretch) == "start",
    )


def _place(judge: Judge, stretch: Stretch) -> Position:
    """Return where a row must hold the form, counted from the first token of its text."""
    block, place = judge.block, judge.position(stretch)
    behind = block.heads[stretch.texts] > block.tokens.bounds[stretch.texts]
    return "anywhere" if place == "start" and behind.mean() > 1 - SAME_PLACE else place
