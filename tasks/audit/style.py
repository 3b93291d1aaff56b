"""The style of a baseline, and the detectors that compare a corpus with it. The baseline is counted
once and read again for exact counts.
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
    in_all_rows,
    significant_grams,
)
from tasks.audit.counts import Counts, covered
from tasks.audit.discovery import false_discovery
from tasks.audit.finding import Example, Finding, quote_gram, quote_tokens
from tasks.audit.novelty import LEVEL, Null, Reals, scan, stretch, surprise
from tasks.audit.occurrences import OccurrenceCollector, Occurrences, base_counts
from tasks.audit.openers import Openers
from tasks.audit.shift import usual_surprise
from tasks.audit.tokens import Hashes, Places
from tasks.errors import EmptyTable

MIN_ROWS = 3
"""Fewest rows of an n-gram that is counted exactly."""


@dataclass(frozen=True)
class Style:
    """A counted baseline.

    weights: (rows,). prompts: number of different prompts. null: the novelty scores of its rows.
    characters: limits of the character statistics. usual: (rows,) mean surprise of its rows.
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
        """Return the style of a baseline, in two passes over its rows. Raises EmptyTable if it has
        no rows.
        """
        counts, openers, digests = Counts(), Openers(), list[Hashes]()
        for batch in batches_of(baseline):
            counts.add(batch.tokens, batch.samples_of)
            openers.add(batch)
            digests.append(batch.prompt_digests)
        if not digests:
            raise EmptyTable("the baseline has no rows")
        scores, measured, usual = list[Reals](), list[Reals](), list[Reals]()
        for batch in batches_of(baseline):
            scores.append(scan(batch.tokens, surprise(batch, counts, own=1)))
            measured.append(statistics(batch))
            usual.append(usual_surprise(batch, counts))
        weights, prompts = prompt_weights(digests)
        return cls(
            baseline,
            counts,
            weights,
            prompts,
            openers,
            null=Null.of(np.concatenate(scores)),
            characters=bounds(np.concatenate(measured)),
            usual=np.concatenate(usual),
        )


class ConcentrationDetector:
    """Finds n-grams that recur far more often than in the baseline."""

    def __init__(self, corpus: Rows, style: Style, cleared: Hashes, counts: Counts) -> None:
        self._corpus, self._style, self._cleared, self._counts = corpus, style, cleared, counts
        self._digests: list[Hashes] = []
        self._screen: Screen | None = None
        self._collector = OccurrenceCollector()
        self.pieces: Hashes = np.zeros(0, np.uint64)
        self.accounted_for: Places = np.zeros(0, np.int64)

    def learn(self, batch: Batch) -> None:
        """Note the prompts of the rows. The audit counts the n-grams."""
        self._digests.append(batch.prompt_digests)

    def look(self, batch: Batch) -> None:
        """Note the rows of the n-grams that need an exact count."""
        self._screen = self._screen or Screen(self._counts, self._style.counts)
        for grams in batch.grams:
            chosen = batch.with_unknown_tokens(grams, self._screen.select(grams))
            self._collector.note(grams, chosen, batch.tokens, first_row=batch.first_row)

    def findings(self) -> list[Finding]:
        """Return the patterns that account for the recurring n-grams."""
        if self._screen is None:
            return []
        weights, prompts = prompt_weights([np.concatenate(self._digests)[:: self._collector.step]])
        occurrences = self._collector.seal(weights, min_rows=MIN_ROWS)
        base = self._exact(occurrences, self._screen)
        tail = Tail(float(prompts), float(self._style.prompts))
        self.pieces = significant_grams(occurrences, base, tail, tested=self._screen.tested)
        patterns = concentrations(occurrences, base, tail, tested=self._screen.tested)
        if self._collector.step > 1:
            patterns = in_all_rows(self._corpus, patterns)
        accounted_for = [pattern.accounts_for for pattern in patterns]
        self.accounted_for = np.concatenate([self.accounted_for, *accounted_for])
        return [self._finding(pattern) for pattern in patterns]

    def _exact(self, occurrences: Occurrences, screen: Screen) -> Reals:
        counted = np.zeros(len(occurrences.hashes))
        for batch in batches_of(self._style.rows):
            for grams in batch.grams:
                chosen = batch.with_unknown_tokens(grams, screen.select(grams))
                rows = batch.tokens.texts[grams.places[chosen]] + batch.first_row
                columns = [grams.hashes[chosen], rows.astype(np.uint64)]
                hashes, once = np.unique(np.stack(columns), axis=1)
                weights = self._style.weights[once.astype(np.int64)]
                counted += base_counts(occurrences, hashes, weights)
        return counted

    def _finding(self, pattern: Concentrated) -> Finding:
        gram = np.array([pattern.gram])
        cleared = bool(np.isin(gram, self._cleared).any())
        flags = pattern.accounts_for[:0] if cleared else pattern.accounts_for
        return Finding(
            "concentration",
            pattern.rows,
            quote_gram(gram),
            flags,
            baseline_share=pattern.baseline_share,
            cleared=cleared,
        )


class NoveltyDetector:
    """Finds rows with a stretch of text unlike all baseline rows. Rows of a concentration are left
    out.
    """

    def __init__(self, style: Style, cleared: Hashes, concentration: ConcentrationDetector) -> None:
        self._style, self._cleared, self._concentration = style, cleared, concentration
        self._scores: list[Reals] = []

    def learn(self, batch: Batch) -> None:
        """Do nothing: the baseline is counted already."""

    def look(self, batch: Batch) -> None:
        """Score the rows."""
        self._scores.append(scan(batch.tokens, self._surprise(batch)))

    def findings(self) -> list[Finding]:
        """Return one finding with all significant rows."""
        scores = np.concatenate(self._scores) if self._scores else np.zeros((0, 3))
        tested = np.setdiff1d(np.arange(len(scores)), self._concentration.accounted_for)
        p = self._style.null.p_values(scores[tested])
        rows = tested[false_discovery(p, level=LEVEL)]
        if not len(rows):
            return []
        return [Finding("novelty", rows, self._quote, rows, baseline_share=0.0)]

    def _surprise(self, batch: Batch) -> Reals:
        excess = surprise(batch, self._style.counts, own=0)
        excess[covered(batch.tokens, self._cleared)] = 0
        return excess

    def _quote(self, batch: Batch, row: int) -> Example:
        low, high = batch.tokens.bounds[row : row + 2]
        first, last = stretch(self._surprise(batch)[low:high])
        return quote_tokens(batch, row, int(low) + first, int(low) + last)
