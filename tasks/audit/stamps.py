"""The detector of stamps: texts that were inserted into rows, found without a baseline and without
knowing their form. Then all rows are searched for them.

The first rows are examined together, then every fourth of four times as many, every sixteenth of
sixteen times as many, and so on. So a stamp in the first rows is found whatever follows, and a
large corpus costs little more than a small one.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np

from tasks.audit.batch import Batch, Rows, batches_of
from tasks.audit.blocks import BlockBuilder
from tasks.audit.counts import covered
from tasks.audit.finding import Example, Finding, quote_tokens
from tasks.audit.insertion import NEAR_EDGE
from tasks.audit.stamp_search import Stamp, find_stamps
from tasks.audit.tokens import Hashes, Places, Tokens

BLOCK_ROWS = 1200
BLOCK_TOKENS = 2_000_000
"""A block is complete at this number of rows or tokens."""
MAX_FORMS = 40
"""Most stamps that all rows are searched for."""
MIN_NEW = 3
"""Fewest rows of a form that no earlier form holds."""
HABIT = 0.5
"""Share of a stamp's rate that the baseline must reach, for the stamp to be possibly the teacher's
own habit.
"""


@dataclass
class _Noted:
    stamp: Stamp
    rows: list[Places] = field(default_factory=list)

    def all_rows(self) -> Places:
        return np.concatenate([np.zeros(0, np.int64), *self.rows])


class StampDetector:
    """Finds stamps in blocks of rows, then every row that holds one. baseline: rows that show which
    forms are the teacher's own habit.
    """

    def __init__(self, cleared: Hashes, baseline: Rows | None) -> None:
        self._cleared, self._baseline = cleared, baseline
        self._builder, self._stride, self._seen, self._rows = BlockBuilder(), 1, 0, 0
        self._noted: list[_Noted] | None = None
        self._stamps: list[Stamp] = []

    def learn(self, batch: Batch) -> None:
        """Add rows to the current block until it is complete."""
        self._rows += batch.rows.num_rows
        numbers = np.arange(batch.rows.num_rows)
        self._builder.add(batch, numbers[(numbers + self._seen) % self._stride == 0])
        self._seen += batch.rows.num_rows
        if self._builder.size >= BLOCK_ROWS or self._builder.length >= BLOCK_TOKENS:
            self._close_block()

    def look(self, batch: Batch) -> None:
        """Note the rows that hold a stamp."""
        for one in self._forms():
            one.rows.append(_rows_with(one.stamp, batch.tokens) + batch.first_row)

    def findings(self) -> list[Finding]:
        """Return one finding per stamp."""
        taken, kept = np.zeros(0, np.int64), list[Finding]()
        for one in self._forms():
            rows = one.all_rows()
            new = np.setdiff1d(rows, taken)
            if len(new) >= MIN_NEW:
                kept.append(self._finding(one, rows, new))
                taken = np.union1d(taken, rows)
        return kept

    def _finding(self, one: _Noted, rows: Places, new: Places) -> Finding:
        stamp = one.stamp
        known = self._share_of_baseline(stamp)
        is_habit = known is not None and known >= HABIT * len(rows) / self._rows
        suspect = stamp.suspect or is_habit
        flags = new[:0] if suspect or stamp.cleared else new
        return Finding(
            "insertion",
            rows,
            _Quoter(stamp),
            flags,
            leak=not suspect,
            baseline_share=known,
            cleared=stamp.cleared,
            suspect=suspect and not stamp.cleared,
        )

    def _share_of_baseline(self, stamp: Stamp) -> float | None:
        if self._baseline is None:
            return None
        held = total = 0
        for batch in batches_of(self._baseline):
            held += len(_rows_with(stamp, batch.tokens))
            total += batch.rows.num_rows
        return held / max(total, 1)

    def _close_block(self) -> None:
        if self._builder.size:
            block = self._builder.block()
            self._stamps += find_stamps(block, covered(block.tokens, self._cleared))
        self._builder, self._stride, self._seen = BlockBuilder(), 4 * self._stride, 0

    def _forms(self) -> list[_Noted]:
        if self._noted is None:
            self._close_block()
            self._noted = [_Noted(one) for one in _distinct(self._stamps)]
        return self._noted


def _distinct(stamps: list[Stamp]) -> Iterator[Stamp]:
    """Yield the forms that are all different: those with the most rows first, of about equal ones
    the longest, and stamps before suspects.
    """
    seen: set[bytes] = set()
    kept = 0
    for one in sorted(stamps, key=_rank):
        form = one.form
        key = form.hashes.tobytes() + form.offsets.tobytes()
        if key not in seen and kept < MAX_FORMS:
            seen.add(key)
            kept += 1
            yield one


def _rank(one: Stamp) -> tuple[bool, int, int]:
    """Return the sort key of a form: stamps first, then by rows in steps of a tenth, then the
    longest.
    """
    steps = int(np.log(max(len(one.texts), 1)) / np.log(1.1))
    return one.suspect, -steps, -len(one.form.offsets)


def _rows_with(stamp: Stamp, tokens: Tokens) -> Places:
    return _standing(stamp, tokens)[1]


def _standing(stamp: Stamp, tokens: Tokens) -> tuple[Places, Places]:
    """Return (starts, texts) of the form where it stands at its place."""
    starts, texts = stamp.form.held_by(tokens)
    if stamp.position == "start":
        kept = starts - tokens.bounds[texts] <= NEAR_EDGE
    elif stamp.position == "end":
        kept = tokens.bounds[texts + 1] - starts - stamp.form.length <= NEAR_EDGE
    else:
        return starts, texts
    return starts[kept], texts[kept]


class _Quoter:
    """Quotes a stamp from a row."""

    def __init__(self, stamp: Stamp) -> None:
        self._stamp = stamp

    def __call__(self, batch: Batch, row: int) -> Example:
        starts, texts = _standing(self._stamp, batch.tokens)
        mine = starts[texts == row]
        if not len(mine):
            return Example("", "")
        low, high = batch.tokens.bounds[row : row + 2]
        first = max(int(mine[0]), int(low))
        last = min(int(mine[0]) + self._stamp.form.length, int(high))
        return quote_tokens(batch, row, first, last)
