"""The search for stamps in a block: every recurring stretch is a stamp, a suspect that a person
must review, or neither.

A stretch is a stamp if all of this holds. Its words are rare in the prompts and in the rest of the
think blocks. No other feature of its rows explains it. A row holds it once. Without it, its texts
read like the others; if the texts differ too much for this test, it must be a complete sentence or
note that reads alike everywhere. A stretch in nearly all rows leaves too few others for a
comparison, so a person must review it.
"""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from tasks.audit.blocks import Block
from tasks.audit.growth import stretches
from tasks.audit.stamp_rules import Position, StampCandidate, StampRules
from tasks.audit.stretches import Form, Stretch
from tasks.audit.thresholds import BITS, MAX_LAYERS, MIN_ROWS, ONCE, SAME_PLACE
from tasks.audit.tokens import Flags, Places


class Stamp(NamedTuple):
    """A stamp, or a suspect stretch.

    texts, starts, ends: (rows,) where the block holds it. cleared: a person has cleared its words.
    leads: its rows begin with it, or with it after stamps that were removed before.
    """

    form: Form
    position: Position
    texts: Places
    starts: Places
    ends: Places
    suspect: bool
    cleared: bool
    leads: bool


def find_stamps(block: Block, cleared: Flags) -> list[Stamp]:
    """Return the stamps and the suspects of a block. cleared: (tokens,) which tokens belong to a
    cleared phrase.

    Stamps at the start are removed before the rest is tested, because only then the usual opening
    of the texts is visible.
    """
    if block.weights.sum() < MIN_ROWS:
        return []
    kept = list[Stamp]()
    for _ in range(MAX_LAYERS):
        found = _stamps_of_layer(StampRules(block, cleared))
        found = [one for one in found if _lies_behind(one, block.heads)]
        first = [one for one in found if one.leads]
        kept += first
        if not first:
            return _without_pieces(kept + found)
        heads = block.heads.copy()
        for one in first:
            heads[one.texts] = np.maximum(heads[one.texts], one.ends)
        block = block.behind(heads)
    return _without_pieces(kept + [one for one in found if not one.leads])


def _without_pieces(stamps: list[Stamp]) -> list[Stamp]:
    """Return the stamps without short ones whose rows are accounted for by longer ones. A word that
    two forms share identifies neither.
    """
    return [one for one in stamps if not _is_piece(one, stamps)]


def _is_piece(one: Stamp, stamps: list[Stamp]) -> bool:
    longer = [other.texts for other in stamps if _may_contain(other, one)]
    held = np.isin(one.texts, np.concatenate(longer)) if longer else np.zeros(1, bool)
    return float(held.mean()) >= SAME_PLACE


def _may_contain(longer: Stamp, one: Stamp) -> bool:
    """Return whether a stamp is of the same kind, twice as long, and mostly in the same rows."""
    return (
        len(longer.form.offsets) >= 2 * len(one.form.offsets)
        and (one.cleared, one.suspect) == (longer.cleared, longer.suspect)
        and float(np.isin(longer.texts, one.texts).mean()) >= SAME_PLACE
    )


def _lies_behind(one: Stamp, heads: Places) -> bool:
    """Return whether a stretch lies in the texts proper, after what was removed."""
    return float((one.starts >= heads[one.texts]).mean()) >= SAME_PLACE


def _stamps_of_layer(rules: StampRules) -> list[Stamp]:
    recurring = stretches(rules.block, least=MIN_ROWS, most_times=ONCE)
    tested = [rules.candidate(one) for one in recurring]
    candidates = [one for one in tested if one is not None]
    rules.note_recurring(candidates)
    stamps, openers = list[Stamp](), list[StampCandidate]()
    for one in candidates:
        if rules.is_stamp(one):
            stamps.append(_stamp(rules, one, suspect=False))
        elif rules.is_suspect(one):
            stamps.append(_stamp(rules, one, suspect=True))
        elif rules.is_opener(one):
            openers.append(one)
    return [*stamps, *_suspect_openers(rules, openers, stamps)]


def _suspect_openers(
    rules: StampRules, openers: list[StampCandidate], stamps: list[Stamp]
) -> Iterator[Stamp]:
    """Yield the openers that a person must review, because they and the stamps open nearly all
    rows.
    """
    held = np.zeros(rules.block.size, bool)
    for texts in [one.texts for one in stamps] + [one.stretch.texts for one in openers]:
        held[texts] = True
    if rules.leaves_nothing(float(rules.block.weights[held].sum())):
        for one in openers:
            if not rules.explained(one.stretch):
                yield _stamp(rules, one, suspect=True)


def _stamp(rules: StampRules, one: StampCandidate, *, suspect: bool) -> Stamp:
    stretch = one.stretch
    return Stamp(
        rules.form_of(one),
        _place(rules, stretch),
        stretch.texts,
        stretch.starts,
        stretch.ends,
        suspect=suspect,
        cleared=one.uncleared < BITS,
        leads=rules.position(stretch) == "start",
    )


def _place(rules: StampRules, stretch: Stretch) -> Position:
    """Return where a row must hold the form, counted from the first token of its whole text."""
    block, place = rules.block, rules.position(stretch)
    behind = block.heads[stretch.texts] > block.tokens.bounds[stretch.texts]
    return "anywhere" if place == "start" and behind.mean() > 1 - SAME_PLACE else place
