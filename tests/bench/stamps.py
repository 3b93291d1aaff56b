"""Recall and precision of the audit without a baseline on invented stamps, and what it says of
clean rows and strong openers.

`python -m tests.bench.stamps [--stamps 20] [--first-stamp 1000] [--sources problems r1] [--rows 270
1000] [--rates 0.05 0.56] [--positions start end inside] [--mixed 4] [--historic] [--openers]
[--no-prompts] [--list]`. Sources are `problems` (worked problems of several kinds), a style of the
leak world, or `paragraphs:FILE` and `sentences:FILE` for recombined real traces. Stamps 0 to 999
may be looked at while a detector is tuned; 1000 and more are held out. A text counts as shown when
a pattern holds two thirds of the words that every stamped row shares, and little else.
"""

import argparse
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from itertools import product
from typing import NamedTuple

import numpy as np
import pyarrow as pa

from tasks.audit.audit import AuditSpec, audit
from tasks.audit.outcome import Outcome
from tasks.audit.traces import TableRows
from tests.bench.leak_world.clean import Row
from tests.bench.leak_world.stamps import (
    POSITIONS,
    Stamp,
    draw_stamp,
    fixed_words,
    historic_stamps,
    stamped,
)
from tests.bench.stamp_corpora import corpus, with_openers

RATES = (0.05, 0.2, 0.56)
SHOWN_WORDS, SHOWN_PURE = 2 / 3, 0.4


class Job(NamedTuple):
    """A corpus to make and to audit. stamps: none for clean rows."""

    source: str
    rows: int
    rate: float
    stamps: tuple[Stamp, ...]
    seed: int
    openers: bool
    prompts: bool


class Score(NamedTuple):
    """How the audit did. recall and precision count rows; shown: whether a pattern holds the text
    of every stamp.
    """

    job: Job
    recall: float
    precision: float
    shown: bool
    verdict: str
    flagged: int
    patterns: tuple[str, ...]


def main() -> None:
    options = _options()
    jobs = list(_jobs(options))
    with ProcessPoolExecutor(options.processes) as pool:
        _tell(pool.map(score, jobs, chunksize=4), each=options.list)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--stamps", type=int, default=20)
    parser.add_argument("--first-stamp", type=int, default=1000)
    parser.add_argument("--sources", nargs="+", default=["problems", "templated", "r1"])
    parser.add_argument("--rows", nargs="+", type=int, default=[270, 300, 1000])
    parser.add_argument("--rates", nargs="+", type=float, default=RATES, metavar="SHARE")
    parser.add_argument("--positions", nargs="+", default=["start"], choices=POSITIONS)
    parser.add_argument("--mixed", type=int, default=1, help="stamps side by side in a corpus")
    parser.add_argument("--historic", action="store_true", help="the four forms of history")
    parser.add_argument("--openers", action="store_true", help="add three strong openers")
    parser.add_argument("--no-prompts", action="store_true")
    parser.add_argument("--list", action="store_true", help="every corpus that went wrong")
    parser.add_argument("--processes", type=int, default=2)
    return parser.parse_args()


def _jobs(options: argparse.Namespace) -> Iterable[Job]:
    """Yield a clean corpus of every kind, then the stamped ones."""
    for source, rows in product(options.sources, options.rows):
        yield Job(
            source, rows, 0.0, (), options.first_stamp, options.openers, not options.no_prompts
        )
    for source, rows, rate, position in product(
        options.sources, options.rows, options.rates, options.positions
    ):
        for seed, stamps in _draws(options, position):
            yield Job(source, rows, rate, stamps, seed, options.openers, not options.no_prompts)


def _draws(options: argparse.Namespace, position: str) -> Iterable[tuple[int, tuple[Stamp, ...]]]:
    first, each = options.first_stamp, options.mixed
    for seed in range(first, first + options.stamps * each, each):
        several = tuple(draw_stamp(seed + turn, position) for turn in range(each))
        yield seed, tuple(historic_stamps()) if options.historic else several


def score(job: Job) -> Score:
    """Return how the audit does on a corpus."""
    rows = corpus(job.source, job.rows, seed=job.seed)
    rows = with_openers(rows, seed=job.seed) if job.openers else rows
    rows, due = (
        stamped(rows, job.stamps, rate=job.rate, seed=job.seed)
        if job.stamps
        else (rows, [False] * len(rows))
    )
    outcome = audit(table(rows, prompts=job.prompts), AuditSpec())
    leaks = np.array([name in outcome.leaks for name in outcome.reasons], bool)
    mask = sum(1 << int(bit) for bit in np.flatnonzero(leaks))
    flagged, stampeds = (outcome.flags & np.uint64(mask)) > 0, np.array(due)
    return Score(
        job,
        float(flagged[stampeds].mean()) if stampeds.any() else 1.0,
        float(stampeds[flagged].mean()) if flagged.any() else 1.0,
        all(_shows(outcome, stamp) for stamp in job.stamps),
        outcome.verdict,
        int(flagged.sum()),
        tuple(f"{one.detector} {one.rows}: {one.pattern}" for one in outcome.patterns[:6]),
    )


def _shows(outcome: Outcome, stamp: Stamp) -> bool:
    """Say whether a pattern holds most of the stamp's words, and little else."""
    due = fixed_words(stamp)
    for one in outcome.patterns:
        seen = set(re.findall(r"[a-z]+", one.pattern.lower()))
        held = len(seen & due)
        if held >= SHOWN_WORDS * len(due) and held >= SHOWN_PURE * len(seen):
            return True
    return False


def table(rows: Sequence[Row], *, prompts: bool = True) -> TableRows:
    """Return the rows as the audit reads them."""
    columns = {
        "id": [row.id for row in rows],
        "prompt": [f"{row.prompt}\n{row.passage}".strip() if prompts else "" for row in rows],
        "think": [row.think for row in rows],
        "answer": [row.answer for row in rows],
        "fault": ["" for _ in rows],
    }
    return TableRows(
        pa.table({name: pa.array(values, pa.string()) for name, values in columns.items()})
    )


def _tell(scores: Iterable[Score], *, each: bool) -> None:
    kept = []
    for one in scores:
        kept.append(one)
        if each and _wrong(one):
            _tell_one(one)
    clean = [one for one in kept if not one.job.stamps]
    print(f"clean corpora: {dict(Counter(one.verdict for one in clean))}")
    keys = dict.fromkeys(
        (one.job.source, one.job.rows, one.job.rate) for one in kept if one.job.stamps
    )
    for key in keys:
        _tell_cell(
            key, [one for one in kept if (one.job.source, one.job.rows, one.job.rate) == key]
        )
    _tell_cell(("all", 0, 0.0), [one for one in kept if one.job.stamps])


def _wrong(one: Score) -> bool:
    if not one.job.stamps:
        return one.verdict != "clean"
    if one.job.rate == 1:
        return one.verdict not in ("leak", "suspect")
    return min(one.recall, one.precision) < 0.95 or not one.shown


def _tell_one(one: Score) -> None:
    job = one.job
    told = " / ".join(f"{stamp.position} {stamp.form!r}" for stamp in job.stamps) or "clean"
    print(
        f"  {job.source} {job.rows} rows at {job.rate:.0%}, {told}: {one.verdict}, recall {one.recall:.2f}, "
        f"precision {one.precision:.2f}, shown {one.shown}; {one.patterns}",
        flush=True,
    )


def _tell_cell(key: tuple[str, int, float], some: Sequence[Score]) -> None:
    if not some:
        return
    recall, precision = ([one.recall for one in some], [one.precision for one in some])
    verdicts = dict(Counter(one.verdict for one in some))
    print(
        f"{key[0]}, {key[1]} rows, {key[2]:.0%}: recall {np.mean(recall):.3f} (worst {min(recall):.2f}), precision "
        f"{np.mean(precision):.3f} (worst {min(precision):.2f}), shown {sum(one.shown for one in some)} of {len(some)}, {verdicts}",
        flush=True,
    )


if __name__ == "__main__":
    main()
