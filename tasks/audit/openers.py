"""How think blocks begin: the openers to look at, and labels that stand nowhere but at the
beginning.
"""

import re
from collections import Counter

import numpy as np

from tasks.audit.batch import Batch
from tasks.audit.counts import Counts, Grams, covered, grams_of
from tasks.audit.found import Found, RowNotes, Seen, spell_tokens
from tasks.audit.tokens import EDGE_TOKENS, LABEL_SHAPES, Flags, Hashes, Places, hashes_at

OPENER_WORDS, MOST_OPENERS, KEPT_OPENERS = 3, 12, 50_000
LOCKED, LEAST_LOCKED, LEAST_ROWS, LEAST_SHARE, LEAST_LIFT_SHARE = 0.95, 2, 10, 0.02, 0.05
CHANCE_ROWS, LEAST_EXPECTED = 1, 5
"""One row of a small baseline may open with a label by chance; where the corpus' share would have
put five there, it says nothing.
"""
VIEWS = ("1", "opening")
_NUMBER = re.compile(r"\d+")


class Openers:
    """Counts how think blocks begin: their first three words, numbers read as 0."""

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
    """Return the first three words of a text, numbers read as 0."""
    return _NUMBER.sub("0", " ".join(text.split()[:OPENER_WORDS]))


class LockedLabelDetector:
    """A label (A4, R120, 3fa9c2) beside other words that occur in openings and almost nowhere else.
    It needs no baseline.

    Reasoning may open as it likes, but its words also occur later, in prompts, or in answers. A
    label that is locked to the opening in two of hundred rows is a stamp, unless a baseline opens
    so as well. Ordinary words alone prove nothing here: that takes a baseline.
    """

    def __init__(self, counts: Counts, baseline: Counts | None, cleared: Hashes) -> None:
        self._counts, self._baseline, self._cleared = counts, baseline, cleared
        self._stamped, self._known = RowNotes(), RowNotes()
        self._locked, self._looked_at = RowNotes(), RowNotes()

    def learn(self, batch: Batch) -> None:
        """Nothing is to be learned: the n-grams are counted already."""

    def look(self, batch: Batch) -> None:
        """Note rows that open with locked tokens."""
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
        """Note the rows with a locked label beside other locked tokens; return (rows,) which have
        several locked tokens.
        """
        several = _holding(batch, locked, LEAST_LOCKED)
        labels = np.isin(batch.tokens.hashes, LABEL_SHAPES)
        # A label that a row goes on to speak of (5x in an equation) belongs to its reasoning.
        later = labels & (batch.tokens.from_start >= EDGE_TOKENS)
        spoken = np.bincount(batch.tokens.texts[later], minlength=len(several)) > 0
        kept = (several & ~spoken)[batch.tokens.texts]
        self._note(batch, locked & labels & kept, notes, least=1)
        return several

    def _note(
        self, batch: Batch, locked: Flags, notes: RowNotes, least: int = LEAST_LOCKED
    ) -> None:
        for row in np.flatnonzero(_holding(batch, locked, least)):
            notes.note("", batch.first_row + int(row))

    def _locked_tokens(self, batch: Batch) -> Flags:
        """Return (tokens,) which tokens of openings occur almost nowhere else in the corpus."""
        opens = next(grams_of(batch.tokens, ["opening"]))
        opening = opens.places
        anywhere = Grams("1", hashes_at(batch.tokens, opening, 1), opening, 1)
        count = self._counts.of(opens)
        locked = (count >= max(LEAST_ROWS, LEAST_SHARE / 4 * self._counts.rows)) & (
            count >= LOCKED * self._counts.of(anywhere)
        )
        found = np.zeros(len(batch.tokens.hashes), bool)
        kept = opening[locked]
        if len(kept):
            found[kept[~batch.beside_at(kept)]] = True
        return found

    def _unlocked_tokens(self, batch: Batch, locked: Flags) -> Flags:
        """Return (tokens,) which of the locked tokens the baseline's texts open with, too."""
        found = np.zeros(len(locked), bool)
        if self._baseline is None or not locked.any():
            return found
        opens = next(grams_of(batch.tokens, ["opening"]))
        known, count = self._baseline.of(opens), self._counts.of(opens)
        expected = count * self._baseline.rows / self._counts.rows
        rare = (known < LEAST_LIFT_SHARE * expected) | (
            (known <= CHANCE_ROWS) & (expected >= LEAST_EXPECTED)
        )
        found[opens.places[~rare]] = True
        return found & locked

    def found(self) -> list[Found]:
        """Return all rows with a locked label as one finding, if they are enough; what a person
        cleared as another.

        Rows whose label only the baseline unlocks are suspect: a baseline may hold the same stamp.
        """
        least = max(LEAST_ROWS, LEAST_SHARE * self._counts.rows)
        rows, known = _rows(self._stamped), _rows(self._known)
        rows = rows if len(rows) >= least else rows[:0]
        unlocked = np.setdiff1d(known, rows) if len(known) >= least else rows[:0]
        cleared = np.setdiff1d(_rows(self._looked_at), _rows(self._locked))
        several = [
            Found("locked_label", rows, self._spell, rows),
            Found("locked_label", unlocked, self._spell, rows[:0], leak=False, suspect=True),
        ]
        if len(self._cleared):
            several.append(Found("locked_label", cleared, self._spell, cleared[:0], cleared=True))
        return [one for one in several if len(one.rows)]

    def _spell(self, batch: Batch, row: int) -> Seen:
        low, high = batch.tokens.bounds[row : row + 2]
        locked = np.flatnonzero(self._locked_tokens(batch)[low:high])
        return spell_tokens(batch, row, int(low + locked[0]), int(low + locked[-1]) + 1)


def _holding(batch: Batch, locked: Flags, least: int) -> Flags:
    """Return (rows,) which rows hold at least so many of the tokens."""
    held = np.bincount(batch.tokens.texts[locked], minlength=len(batch.tokens.bounds) - 1)
    return held >= least


def _rows(notes: RowNotes) -> Places:
    return np.array(notes.rows.get("", []), np.int64)
