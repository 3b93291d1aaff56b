"""How the teacher writes when nobody leaks: the baseline, counted once and streamed again for exact
counts.
"""

from dataclasses import dataclass

import numpy as np

from tasks.audit.batch import Batch, Rows, batches_of, prompt_weights
from tasks.audit.characters import bounds, statistics
from tasks.audit.concentration import (
    Concentrated,
    Screen,
    Tail,
    concentrations,
    everywhere,
    suspicious,
)
from tasks.audit.counts import Counts, covered
from tasks.audit.discovery import false_discovery
from tasks.audit.found import Found, Seen, spell_gram, spell_tokens
from tasks.audit.novelty import LEVEL, Null, Reals, scan, stretch, surprise
from tasks.audit.openers import Openers
from tasks.audit.shift import usual_surprise
from tasks.audit.sightings import Gathering, Sightings, base_counts
from tasks.audit.tokens import Hashes, Places
from tasks.errors import EmptyTable

LEAST_ROWS = 3


@dataclass(frozen=True)
class Style:
    """A baseline. null: the novelty scores of its own rows, each against all others. characters:
    where its character statistics end. usual: its rows' mean surprise.
    """

    rows: Rows
    counts: Counts
    weights: Reals
    prompts: int
    openers: Openers
    null: Null
    characters: Reals
    usual: Reals

    @classmethod
    def of(cls, baseline: Rows) -> "Style":
        """Count a baseline; two passes."""
        counts, openers, digests = Counts(), Openers(), list[Hashes]()
        for batch in batches_of(baseline):
            counts.add(batch.tokens, batch.samples_of)
            openers.add(batch)
            digests.append(batch.prompt_digests)
        second = [
            (
                scan(batch.tokens, surprise(batch, counts, own=1)),
                statistics(batch),
                usual_surprise(batch, counts),
            )
            for batch in batches_of(baseline)
        ]
        if not second:
            raise EmptyTable("the baseline has no rows")
        weights, prompts = prompt_weights(digests)
        scores, measured, usual = (np.concatenate(column) for column in zip(*second, strict=True))
        return cls(
            baseline, counts, weights, prompts, openers, Null.of(scores), bounds(measured), usual
        )


class ConcentrationDetector:
    """n-grams that recur far beyond the baseline's rate."""

    def __init__(self, corpus: Rows, style: Style, cleared: Hashes, counts: Counts) -> None:
        self._corpus, self._style, self._cleared, self._counts = corpus, style, cleared, counts
        self._digests: list[Hashes] = []
        self._screen: Screen | None = None
        self._gathering = Gathering()
        self.pieces: Hashes = np.zeros(0, np.uint64)
        self.accounted_for: Places = np.zeros(0, np.int64)

    def learn(self, batch: Batch) -> None:
        """Note who asked for what; the n-grams are counted already."""
        self._digests.append(batch.prompt_digests)

    def look(self, batch: Batch) -> None:
        """Note where the promising ones stand."""
        self._screen = self._screen or Screen(self._counts, self._style.counts)
        for grams in batch.grams:
            chosen = batch.unprompted(grams, self._screen.select(grams))
            self._gathering.note(grams, chosen, batch.tokens, first_row=batch.first_row)

    def found(self) -> list[Found]:
        """Return the patterns that account for what recurs."""
        if self._screen is None:
            return []
        weights, prompts = prompt_weights([np.concatenate(self._digests)[:: self._gathering.step]])
        sightings = self._gathering.seal(weights, least_rows=LEAST_ROWS)
        base = self._exact(sightings, self._screen)
        tail = Tail(float(prompts), float(self._style.prompts))
        self.pieces = suspicious(sightings, base, tail, tested=self._screen.tested)
        patterns = concentrations(sightings, base, tail, tested=self._screen.tested)
        if self._gathering.step > 1:
            patterns = everywhere(self._corpus, patterns)
        self.accounted_for = np.concatenate(
            [self.accounted_for, *(pattern.accounts_for for pattern in patterns)]
        )
        return [self._finding(pattern) for pattern in patterns]

    def _exact(self, sightings: Sightings, screen: Screen) -> Reals:
        counted = np.zeros(len(sightings.hashes))
        for batch in batches_of(self._style.rows):
            for grams in batch.grams:
                chosen = batch.unprompted(grams, screen.select(grams))
                rows = batch.tokens.texts[grams.places[chosen]] + batch.first_row
                pairs = np.unique(np.stack([grams.hashes[chosen], rows.astype(np.uint64)]), axis=1)
                counted += base_counts(
                    sightings, pairs[0], self._style.weights[pairs[1].astype(np.int64)]
                )
        return counted

    def _finding(self, pattern: Concentrated) -> Found:
        gram = np.array([pattern.gram])
        cleared = bool(np.isin(gram, self._cleared).any())
        flags = pattern.accounts_for[:0] if cleared else pattern.accounts_for
        return Found(
            "concentration",
            pattern.rows,
            spell_gram(gram),
            flags,
            baseline_share=pattern.baseline_share,
            cleared=cleared,
        )


class NoveltyDetector:
    """Rows with a stretch of text unlike any baseline row. Those that a concentration accounts for
    are not asked again.
    """

    def __init__(self, style: Style, cleared: Hashes, concentration: ConcentrationDetector) -> None:
        self._style, self._cleared, self._concentration = style, cleared, concentration
        self._scores: list[Reals] = []

    def learn(self, batch: Batch) -> None:
        """Nothing is to be learned: the baseline is known."""

    def look(self, batch: Batch) -> None:
        """Score the rows."""
        self._scores.append(scan(batch.tokens, self._surprise(batch)))

    def found(self) -> list[Found]:
        """Return one finding: all rows beyond the level."""
        scores = np.concatenate(self._scores) if self._scores else np.zeros((0, 3))
        asked = np.setdiff1d(np.arange(len(scores)), self._concentration.accounted_for)
        rows = asked[false_discovery(self._style.null.p_values(scores[asked]), level=LEVEL)]
        return [Found("novelty", rows, self._spell, rows, baseline_share=0.0)] if len(rows) else []

    def _surprise(self, batch: Batch) -> Reals:
        excess = surprise(batch, self._style.counts, own=0)
        excess[covered(batch.tokens, self._cleared)] = 0
        return excess

    def _spell(self, batch: Batch, row: int) -> Seen:
        low, high = batch.tokens.bounds[row : row + 2]
        first, last = stretch(self._surprise(batch)[low:high])
        return spell_tokens(batch, row, int(low) + first, int(low) + last)
