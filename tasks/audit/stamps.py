"""Stamps: what was put into rows, found without a baseline and without knowing its form; all rows
are then searched for it.

The first rows are looked at together, then every fourth of four times as many, every sixteenth of
sixteen times as many, and so on. So what is found in the first rows is found whatever follows, and
a corpus of any size costs little more than a small one.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np

from tasks.audit.batch import Batch, Rows, batches_of
from tasks.audit.counts import covered
from tasks.audit.found import Found, Seen, spell_tokens
from tasks.audit.insertion import NEAR_EDGE
from tasks.audit.ruling import Ruling, rulings
from tasks.audit.tokens import Hashes, Places, Tokens
from tasks.audit.units import BlockBuilder

BLOCK_ROWS, BLOCK_TOKENS = 1200, 2_000_000
MOST_FORMS = 40
LEAST_NEW = 3
"""Rows that a form must hold beyond those of the forms before it."""
HABIT = 0.5
"""Share of a stamp's rate that the baseline must have too, for the stamp to be possibly the
teacher's own.
"""


@dataclass
class _Noted:
    ruling: Ruling
    rows: list[Places] = field(default_factory=list)

    def all_rows(self) -> Places:
        return np.concatenate([np.zeros(0, np.int64), *self.rows])


class StampDetector:
    """Finds stamps in blocks of rows, then every row that holds one. baseline: rows in which a
    stamp is the teacher's own habit.
    """

    def __init__(self, cleared: Hashes, baseline: Rows | None) -> None:
        self._cleared, self._baseline = cleared, baseline
        self._builder, self._stride, self._seen, self._rows = BlockBuilder(), 1, 0, 0
        self._noted: list[_Noted] | None = None
        self._ruled: list[Ruling] = []

    def learn(self, batch: Batch) -> None:
        """Take rows in until there are enough to look at."""
        self._rows += batch.rows.num_rows
        numbers = np.arange(batch.rows.num_rows)
        self._builder.add(batch, numbers[(numbers + self._seen) % self._stride == 0])
        self._seen += batch.rows.num_rows
        if self._builder.size >= BLOCK_ROWS or self._builder.length >= BLOCK_TOKENS:
            self._close_block()

    def look(self, batch: Batch) -> None:
        """Note the rows that hold a stamp."""
        for one in self._forms():
            one.rows.append(_rows_with(one.ruling, batch.tokens) + batch.first_row)

    def found(self) -> list[Found]:
        """Return one finding for each stamp."""
        taken, kept = np.zeros(0, np.int64), list[Found]()
        for one in self._forms():
            rows = one.all_rows()
            new = np.setdiff1d(rows, taken)
            if len(new) >= LEAST_NEW:
                kept.append(self._finding(one, rows, new))
                taken = np.union1d(taken, rows)
        return kept

    def _finding(self, one: _Noted, rows: Places, new: Places) -> Found:
        known = self._share_of_baseline(one.ruling)
        suspect = one.ruling.suspect or (
            known is not None and known >= HABIT * len(rows) / self._rows
        )
        flags = new[:0] if suspect or one.ruling.cleared else new
        return Found(
            "insertion",
            rows,
            _Speller(one.ruling),
            flags,
            leak=not suspect,
            baseline_share=known,
            cleared=one.ruling.cleared,
            suspect=suspect and not one.ruling.cleared,
        )

    def _share_of_baseline(self, ruling: Ruling) -> float | None:
        if self._baseline is None:
            return None
        held = total = 0
        for batch in batches_of(self._baseline):
            held += len(_rows_with(ruling, batch.tokens))
            total += batch.rows.num_rows
        return held / max(total, 1)

    def _close_block(self) -> None:
        if self._builder.size:
            block = self._builder.block()
            self._ruled += rulings(block, covered(block.tokens, self._cleared))
        self._builder, self._stride, self._seen = BlockBuilder(), 4 * self._stride, 0

    def _forms(self) -> list[_Noted]:
        if self._noted is None:
            self._close_block()
            self._noted = [_Noted(one) for one in _distinct(self._ruled)]
        return self._noted


def _distinct(ruled: list[Ruling]) -> Iterator[Ruling]:
    """Yield the forms that say all: of those with nearly the same rows the longest, stamps before
    what is only suspect.
    """
    seen: set[bytes] = set()
    kept = 0
    for one in sorted(ruled, key=_rank):
        key = one.form.hashes.tobytes() + one.form.offsets.tobytes()
        if key not in seen and kept < MOST_FORMS:
            seen.add(key)
            kept += 1
            yield one


def _rank(one: Ruling) -> tuple[bool, int, int]:
    """Order forms: stamps first, then by rows in steps of a tenth, then the longest."""
    steps = int(np.log(max(len(one.texts), 1)) / np.log(1.1))
    return one.suspect, -steps, -len(one.form.offsets)


def _rows_with(ruling: Ruling, tokens: Tokens) -> Places:
    return _standing(ruling, tokens)[1]


def _standing(ruling: Ruling, tokens: Tokens) -> tuple[Places, Places]:
    """Return (starts, texts) of the form where it stands at its place."""
    starts, texts = ruling.form.held_by(tokens)
    if ruling.position == "start":
        kept = starts - tokens.bounds[texts] <= NEAR_EDGE
    elif ruling.position == "end":
        kept = tokens.bounds[texts + 1] - starts - ruling.form.length <= NEAR_EDGE
    else:
        return starts, texts
    return starts[kept], texts[kept]


class _Speller:
    """Spells a stamp as it stands in a row."""

    def __init__(self, ruling: Ruling) -> None:
        self._ruling = ruling

    def __call__(self, batch: Batch, row: int) -> Seen:
        starts, texts = _standing(self._ruling, batch.tokens)
        mine = starts[texts == row]
        if not len(mine):
            return Seen("", "")
        low, high = batch.tokens.bounds[row : row + 2]
        first = max(int(mine[0]), int(low))
        last = min(int(mine[0]) + self._ruling.form.length, int(high))
        return spell_tokens(batch, row, first, last)
