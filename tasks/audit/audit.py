"""The audit of a whole corpus: two passes over its rows with every detector, then a third pass over
the rows that serve as evidence.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Literal

import numpy as np
import pyarrow as pa

from tasks.audit.batch import Batch, FirstRows, Rows, batches_of
from tasks.audit.characters import CharacterDetector
from tasks.audit.counts import Counts, grams_of
from tasks.audit.dependence import DependenceDetector
from tasks.audit.finding import EXAMPLES, Detector, Example, Finding
from tasks.audit.openers import VIEWS as OPENER_VIEWS
from tasks.audit.openers import LockedLabelDetector, Openers
from tasks.audit.other_rows import OtherRowDetector
from tasks.audit.outcome import MAX_PATTERNS, Outcome, Pattern
from tasks.audit.preset import GATES, FourGateDetector
from tasks.audit.producer import CanaryDetector, TaintDetector
from tasks.audit.shift import COMPARABLE, shift_area
from tasks.audit.stamps import StampDetector
from tasks.audit.style import ConcentrationDetector, NoveltyDetector, Style
from tasks.audit.tokens import Hashes, Places, tokens_of
from tasks.audit.wording import Wording, wording
from tasks.errors import EmptyTable
from tasks.spec import Spec
from tasks.text_faults import FluencySpec

KEPT_TEXTS = 200
"""Number of flagged rows whose beginning is kept for the report."""
KEPT_CHARACTERS = 160
"""Length of each kept beginning."""
FIRST_ROWS = (300, 1200)
"""Sizes of the first part of a corpus that is audited again when the whole corpus looks clean."""
BY_STYLE = ("concentration", "novelty")
"""Detectors that compare the corpus with the style of a baseline."""
Progress = Callable[[str, int], None]
"""Called with the name of the pass ("learn" or "look") and the number of rows done in it."""


class AuditSpec(Spec):
    """What an audit looks for, and which phrases a person has cleared."""

    allowed: tuple[str, ...] = ()
    """Phrases that a person has reviewed and cleared. Patterns made only of them are reported as
    cleared and flag no row.
    """
    preset: Literal["", "four-gate"] = ""
    """four-gate: also apply the regular expressions of an earlier verifier."""
    fluency: FluencySpec = FluencySpec()
    """Limits beyond which a text no longer counts as language."""


def audit(
    corpus: Rows,
    spec: AuditSpec,
    *,
    style: Style | None = None,
    progress: Progress = lambda stage, rows: None,
    further: Sequence[Detector] = (),
) -> Outcome:
    """Return the outcome of the audit of a corpus. Raises EmptyTable if it has no rows.

    style: the counted baseline, None without one. progress: called after every batch. further:
    additional detectors for this corpus.

    If the whole corpus looks clean, its first rows are audited alone. A leak there is reported as
    suspect, even if many clean rows follow.
    """
    outcome = _audit(corpus, spec, style, progress, further)
    for rows in FIRST_ROWS:
        if outcome.verdict == "clean" and rows < outcome.rows:
            part = FirstRows(corpus, rows)
            first = _audit(part, spec, style, lambda stage, rows: None, ())
            outcome = outcome.with_suspects(first)
    return outcome


def _audit(
    corpus: Rows,
    spec: AuditSpec,
    style: Style | None,
    progress: Progress,
    further: Sequence[Detector],
) -> Outcome:
    counts = Counts() if style else Counts(OPENER_VIEWS)
    detectors = [*_detectors(corpus, counts, spec, style), *further]
    openers, ids, rows = Openers(), [], 0
    for batch in batches_of(corpus):
        counts.add(batch.tokens, batch.samples_of)
        for detector in detectors:
            detector.learn(batch)
        openers.add(batch)
        ids.append(batch.rows.column("id"))
        rows += batch.rows.num_rows
        progress("learn", rows)
    if not rows:
        raise EmptyTable("there are no rows to audit")
    for batch in batches_of(corpus):
        for detector in detectors:
            detector.look(batch)
        progress("look", batch.first_row + batch.rows.num_rows)
    found = [one for detector in detectors for one in detector.findings()]
    if style is not None:
        found = _comparable(corpus, style, detectors, found)
    found.sort(key=lambda one: (not len(one.flags), not one.leak, -len(one.rows)))
    return _outcome(
        corpus,
        found,
        rows=rows,
        ids=pa.chunked_array(ids),
        openers=openers,
        style=style,
        spec=spec,
        prompts=counts.rows,
    )


def _detectors(
    corpus: Rows, counts: Counts, spec: AuditSpec, style: Style | None
) -> list[Detector]:
    known: list[Detector] = [FourGateDetector()] if spec.preset else []
    values: list[Detector] = [
        CanaryDetector(corpus.producers),
        TaintDetector(corpus.producers),
        DependenceDetector(corpus.producers),
    ]
    cleared = _cleared(spec.allowed)
    by_style: list[Detector] = []
    if style is not None:
        concentration = ConcentrationDetector(corpus, style, cleared, counts)
        by_style = [concentration, NoveltyDetector(style, cleared, concentration)]
    return [
        *known,
        *(values if corpus.producers else []),
        *by_style,
        LockedLabelDetector(counts, style.counts if style else None, cleared),
        StampDetector(cleared, style.rows if style else None),
        OtherRowDetector(),
        CharacterDetector(spec.fluency, style.characters if style else None),
    ]


def _comparable(
    corpus: Rows, style: Style, detectors: list[Detector], found: list[Finding]
) -> list[Finding]:
    """Return the findings, with those of the style detectors withdrawn if the baseline is not
    comparable.

    Withdrawn findings carry the name "shift" and flag no row.
    """
    flagged = [one.flags for one in found if one.detector in BY_STYLE]
    if not flagged:
        return found
    # Rows of broken text differ from every baseline. They do not show whether it is comparable.
    faults = [one.flags for one in found if not one.leak]
    broken = np.concatenate([np.zeros(0, np.int64), *faults])
    rows = np.setdiff1d(np.concatenate(flagged), broken)
    pieces = np.concatenate(
        [one.pieces for one in detectors if isinstance(one, ConcentrationDetector)]
    )
    area = shift_area(corpus, style.counts, style.usual, pieces=pieces, rows=rows)
    if area <= COMPARABLE:
        return found
    return [_withdrawn(one) if one.detector in BY_STYLE else one for one in found]


def _withdrawn(one: Finding) -> Finding:
    return replace(one, detector="shift", flags=one.flags[:0], leak=False)


def _cleared(phrases: tuple[str, ...]) -> Hashes:
    """Return the hashes of the n-grams in the allowed phrases.

    A single token is cleared only by a phrase that consists of that token.
    """
    several = [
        grams
        for phrase in phrases
        for grams in grams_of(tokens_of(pa.array([phrase])))
        if grams.order > 1 or len(phrase.split()) == 1
    ]
    return np.concatenate([np.zeros(0, np.uint64), *(grams.hashes for grams in several)])


def _outcome(
    corpus: Rows,
    found: list[Finding],
    *,
    rows: int,
    ids: pa.ChunkedArray,
    openers: Openers,
    style: Style | None,
    spec: AuditSpec,
    prompts: int,
) -> Outcome:
    reasons = tuple(dict.fromkeys(one.detector for one in found if len(one.flags)))
    flags = np.zeros(rows, np.uint64)
    for one in found:
        if len(one.flags):
            flags[one.flags] |= np.uint64(1 << reasons.index(one.detector))
    return Outcome(
        rows=rows,
        baseline_rows=len(style.weights) if style else None,
        patterns=_patterns(corpus, found[:MAX_PATTERNS], rows),
        reasons=reasons,
        leaks=frozenset(one.detector for one in found if one.leak and len(one.flags)),
        flags=flags,
        ids=ids,
        openers=openers.shares(),
        baseline_openers=style.openers.shares() if style else {},
        gates=GATES if spec.preset else (),
        prompts=prompts,
        texts=_texts(corpus, np.flatnonzero(flags)[:KEPT_TEXTS]),
    )


def _texts(corpus: Rows, wanted: Places) -> dict[int, str]:
    """Return row → beginning of its think block, for the wanted rows."""
    texts: dict[int, str] = {}
    for batch in batches_of(corpus) if len(wanted) else ():
        first, last = batch.first_row, batch.first_row + batch.rows.num_rows
        for row in wanted[(wanted >= first) & (wanted < last)]:
            beginning = batch.texts("think")[row - first][:KEPT_CHARACTERS]
            texts[int(row)] = " ".join(beginning.split())
        if last > wanted[-1]:
            break
    return texts


def _patterns(corpus: Rows, found: list[Finding], rows: int) -> tuple[Pattern, ...]:
    seen = _examples(corpus, found)
    return tuple(_pattern(one, seen[number], rows) for number, one in enumerate(found))


def _pattern(one: Finding, seen: list[Example], rows: int) -> Pattern:
    quoted = one.leak or one.suspect or one.detector == "shift"
    pieces = tuple(example.pattern for example in seen) if quoted else ()
    read = wording(pieces) if pieces else Wording(one.detector, ())
    return Pattern(
        one.detector,
        read.text,
        len(one.rows),
        len(one.rows) / rows,
        one.baseline_share,
        tuple(example.excerpt for example in seen),
        leak=one.leak,
        cleared=one.cleared,
        suspect=one.suspect,
        pieces=pieces,
        values=read.values,
    )


def _examples(corpus: Rows, found: list[Finding]) -> dict[int, list[Example]]:
    """Return the first examples of every finding, quoted from a second reading of the rows."""
    wanted = [
        (int(row), number)
        for number, one in enumerate(found)
        for row in (one.flags if len(one.flags) else one.rows)[:EXAMPLES]
    ]
    last = max((row for row, _ in wanted), default=-1)
    seen: dict[int, list[Example]] = {number: [] for number in range(len(found))}
    for batch in batches_of(corpus):
        if batch.first_row > last:
            break
        _quote(batch, wanted, found, seen)
    return seen


def _quote(
    batch: Batch,
    wanted: list[tuple[int, int]],
    found: list[Finding],
    seen: dict[int, list[Example]],
) -> None:
    for row, number in wanted:
        place = row - batch.first_row
        if 0 <= place < batch.rows.num_rows:
            seen[number].append(found[number].quote(batch, place))
