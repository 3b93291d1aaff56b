"""How think blocks begin: the openers to look at, and, without a baseline, labels that stand nowhere but at the beginning."""

import re
from collections import Counter

import numpy as np

from tasks.verdicts.audit.batch import Batch
from tasks.verdicts.audit.counts import Counts
from tasks.verdicts.audit.found import Found, RowNotes, Seen, spell_tokens
from tasks.verdicts.audit.tokens import EDGE_TOKENS, LABEL_SHAPES, Flags, Places

OPENER_WORDS, MOST_OPENERS, KEPT_OPENERS = 3, 12, 50_000
LOCKED, LEAST_LOCKED, LEAST_ROWS, LEAST_SHARE = 0.95, 2, 10, 0.02
_NUMBER = re.compile(r"\d+")


class Openers:
    """Counts how think blocks begin: their first three words, numbers read as 0."""

    def __init__(self) -> None:
        self._counted: Counter[str] = Counter()
        self._rows = 0

    def add(self, batch: Batch) -> None:
        """Count a batch."""
        for think in batch.texts("think"):
            self._counted[_NUMBER.sub("0", " ".join(think[:80].split()[:OPENER_WORDS]))] += 1
        self._rows += batch.rows.num_rows
        if len(self._counted) > KEPT_OPENERS:
            self._counted = Counter(dict(self._counted.most_common(KEPT_OPENERS // 2)))

    def shares(self) -> dict[str, float]:
        """Return opener → share of rows, the commonest first."""
        return {opener: rows / self._rows for opener, rows in self._counted.most_common() if opener}


class LockedLabelDetector:
    """Without a baseline: a label (A4, R120, 3fa9c2) beside other words that occur in openings and almost nowhere else.

    Reasoning may open as it likes, but its words also occur later, in prompts, or in answers. A label that is locked to the opening in two of
    hundred rows is a stamp. Ordinary words alone prove nothing here: that takes a baseline.
    """

    def __init__(self) -> None:
        self._counts = Counts()
        self._stamped, self._locked = RowNotes(), RowNotes()

    def learn(self, batch: Batch) -> None:
        """Count the n-grams."""
        self._counts.add(batch.tokens)

    def look(self, batch: Batch) -> None:
        """Note rows that open with locked tokens."""
        locked = self._locked_tokens(batch)
        labels = locked & np.isin(batch.tokens.hashes, LABEL_SHAPES)
        count = len(batch.tokens.bounds) - 1
        several = np.bincount(batch.tokens.texts[locked], minlength=count) >= LEAST_LOCKED
        stamped = several & (np.bincount(batch.tokens.texts[labels], minlength=count) > 0)
        for notes, rows in ((self._locked, several), (self._stamped, stamped)):
            for row in np.flatnonzero(rows):
                notes.note("", batch.first_row + int(row))

    def _locked_tokens(self, batch: Batch) -> Flags:
        unigrams, opening = batch.grams[0], next(grams for grams in batch.grams if grams.view == "opening")
        anywhere = np.zeros(len(batch.tokens.hashes))
        anywhere[unigrams.places] = self._counts.of(unigrams)
        opens = np.zeros(len(batch.tokens.hashes))
        opens[opening.places] = self._counts.of(opening)
        often = opens >= max(LEAST_ROWS, LEAST_SHARE / 4 * self._counts.rows)
        locked: Flags = often & (opens >= LOCKED * anywhere) & ~batch.beside & (batch.tokens.from_start < EDGE_TOKENS)
        return locked

    def found(self) -> list[Found]:
        """Return all rows with locked openings as one finding, if enough of them carry a label."""
        stamped = self._stamped.rows.get("", [])
        if len(stamped) < max(LEAST_ROWS, LEAST_SHARE * self._counts.rows):
            return []
        rows: Places = np.array(self._locked.rows[""], np.int64)
        return [Found("locked_label", rows, self._spell, rows)]

    def _spell(self, batch: Batch, row: int) -> Seen:
        low, high = batch.tokens.bounds[row : row + 2]
        locked = np.flatnonzero(self._locked_tokens(batch)[low:high])
        return spell_tokens(batch, row, int(low + locked[0]), int(low + locked[-1]) + 1)
