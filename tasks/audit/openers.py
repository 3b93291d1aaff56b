"""How think blocks begin: the openers that the report shows, and labels that occur only at the
beginning.
"""

import re
from collections import Counter

import numpy as np

from tasks.audit.batch import Batch
from tasks.audit.counts import Counts, Grams, covered, grams_of
from tasks.audit.finding import Example, Finding, RowNotes, quote_tokens
from tasks.audit.tokens import EDGE_TOKENS, LABEL_SHAPES, Flags, Hashes, Places, hashes_at

OPENER_WORDS = 3
"""Words of an opener."""
MAX_OPENERS = 12
"""Openers that the report shows."""
KEPT_OPENERS = 50_000
"""Most different openers that are counted."""
LOCKED = 0.95
"""Share of a token's rows in which it must stand in the opening to be locked to it."""
MIN_LOCKED = 2
"""Fewest locked tokens in the opening of a flagged row."""
MIN_ROWS = 10
MIN_SHARE = 0.02
"""Fewest rows with a locked label, as a number and as a share of the corpus."""
MIN_LIFT_SHARE = 0.05
"""A token is unlocked if the baseline opens with it at this share of the corpus' rate or more."""
CHANCE_ROWS = 1
"""Baseline rows that may open with a label by chance."""
MIN_EXPECTED = 5
"""CHANCE_ROWS applies only if the corpus' rate predicts at least so many baseline rows."""
VIEWS = ("1", "opening")
"""The n-gram views that this detector needs."""
_NUMBER = re.compile(r"\d+")


class Openers:
    """Counts how think blocks begin: their first three words, with numbers read as 0."""

    def __init__(self) -> None:
        self._counted: Counter[str] = Counter()
        self._rows = 0

    def add(self, batch: Batch) -> None:
        """Count a batch."""
        for think in batch.texts("think"):
            self._counted[opener_of(think[:80])] += 1
        self._rows += batch.rows.num_rows
        if len(self._counted) > KEPT_OPENERS:
            self._counted = Counter(dict(self._counted.most_common(KEPT_OPENERS // 2)))

    def shares(self) -> dict[str, float]:
        """Return opener → share of rows, the commonest first."""
        return {opener: rows / self._rows for opener, rows in self._counted.most_common() if opener}


def opener_of(text: str) -> str:
    """Return the first three words of a text, with numbers read as 0."""
    return _NUMBER.sub("0", " ".join(text.split()[:OPENER_WORDS]))


class LockedLabelDetector:
    """Finds labels (A4, R120, 3fa9c2) that occur, together with other words, in openings and almost
    nowhere else. It needs no baseline.

    Words of natural reasoning also occur later in the text, in prompts, or in answers. A label that
    is locked to the opening in two of a hundred rows is a stamp, unless a baseline opens with it
    too. Without a baseline, ordinary words that are locked to the opening prove nothing.
    """

    def __init__(self, counts: Counts, baseline: Counts | None, cleared: Hashes) -> None:
        self._counts, self._baseline, self._cleared = counts, baseline, cleared
        self._stamped, self._known = RowNotes(), RowNotes()
        self._locked, self._looked_at = RowNotes(), RowNotes()

    def learn(self, batch: Batch) -> None:
        """Do nothing: the audit counts the n-grams."""

    def look(self, batch: Batch) -> None:
        """Note the rows that open with locked tokens."""
        locked = self._locked_tokens(batch)
        unlocked = self._unlocked_tokens(batch, locked)
        self._note(batch, locked & ~unlocked, self._looked_at)
        if len(self._cleared):
            locked &= ~covered(batch.tokens, self._cleared)
        self._note_labels(batch, locked, self._known)
        several = self._note_labels(batch, locked & ~unlocked, self._stamped)
        for row in np.flatnonzero(several):
            self._locked.note("", batch.first_row + int(row))

    def _note_labels(self, batch: Batch, locked: Flags, notes: RowNotes) -> Flags:
        """Note the rows with a locked label and other locked tokens.

        Return (rows,) which rows have several locked tokens.
        """
        several = _holding(batch, locked, MIN_LOCKED)
        labels = np.isin(batch.tokens.hashes, LABEL_SHAPES)
        # A label that occurs again later (5x in an equation) belongs to the reasoning.
        later = labels & (batch.tokens.from_start >= EDGE_TOKENS)
        repeated = np.bincount(batch.tokens.texts[later], minlength=len(several)) > 0
        kept = (several & ~repeated)[batch.tokens.texts]
        self._note(batch, locked & labels & kept, notes, least=1)
        return several

    def _note(self, batch: Batch, locked: Flags, notes: RowNotes, least: int = MIN_LOCKED) -> None:
        for row in np.flatnonzero(_holding(batch, locked, least)):
            notes.note("", batch.first_row + int(row))

    def _locked_tokens(self, batch: Batch) -> Flags:
        """Return (tokens,) which tokens of openings occur almost nowhere else in the corpus."""
        opens = next(grams_of(batch.tokens, ["opening"]))
        opening = opens.places
        anywhere = Grams("1", hashes_at(batch.tokens, opening, 1), opening, 1)
        count = self._counts.of(opens)
        frequent = count >= max(MIN_ROWS, MIN_SHARE / 4 * self._counts.rows)
        locked = frequent & (count >= LOCKED * self._counts.of(anywhere))
        found = np.zeros(len(batch.tokens.hashes), bool)
        kept = opening[locked]
        if len(kept):
            found[kept[~batch.known_at(kept)]] = True
        return found

    def _unlocked_tokens(self, batch: Batch, locked: Flags) -> Flags:
        """Return (tokens,) which of the locked tokens also open texts of the baseline."""
        found = np.zeros(len(locked), bool)
        if self._baseline is None or not locked.any():
            return found
        opens = next(grams_of(batch.tokens, ["opening"]))
        known, count = self._baseline.of(opens), self._counts.of(opens)
        expected = count * self._baseline.rows / self._counts.rows
        by_chance = (known <= CHANCE_ROWS) & (expected >= MIN_EXPECTED)
        rare = (known < MIN_LIFT_SHARE * expected) | by_chance
        found[opens.places[~rare]] = True
        return found & locked

    def findings(self) -> list[Finding]:
        """Return one finding with all rows that hold a locked label, if they are enough, and one
        with the rows that a person has cleared.

        Rows whose label is unlocked only by the baseline are suspect, because the baseline may hold
        the same stamp.
        """
        least = max(MIN_ROWS, MIN_SHARE * self._counts.rows)
        rows, known = _rows(self._stamped), _rows(self._known)
        rows = rows if len(rows) >= least else rows[:0]
        unlocked = np.setdiff1d(known, rows) if len(known) >= least else rows[:0]
        cleared = np.setdiff1d(_rows(self._looked_at), _rows(self._locked))
        several = [
            Finding("locked_label", rows, self._quote, rows),
            Finding("locked_label", unlocked, self._quote, rows[:0], leak=False, suspect=True),
        ]
        if len(self._cleared):
            several.append(Finding("locked_label", cleared, self._quote, cleared[:0], cleared=True))
        return [one for one in several if len(one.rows)]

    def _quote(self, batch: Batch, row: int) -> Example:
        low, high = batch.tokens.bounds[row : row + 2]
        locked = np.flatnonzero(self._locked_tokens(batch)[low:high])
        return quote_tokens(batch, row, int(low + locked[0]), int(low + locked[-1]) + 1)


def _holding(batch: Batch, locked: Flags, least: int) -> Flags:
    """Return (rows,) which rows hold at least so many of the given tokens."""
    held = np.bincount(batch.tokens.texts[locked], minlength=len(batch.tokens.bounds) - 1)
    return held >= least


def _rows(notes: RowNotes) -> Places:
    return np.array(notes.rows.get("", []), np.int64)
