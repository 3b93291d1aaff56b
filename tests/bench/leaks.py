"""Recall and precision of the audit on invented families of leaks, by share of rows that leak; and
what it says of clean rows.

`python -m tests.bench.leaks [--rows 1000] [--families 24] [--first-family 20000] [--styles r1 legal
table] [--mixed 0] [--traces FILE] [--list]`. Every family is planted into fresh clean rows of every
style; the baseline is 8 times as many rows of the style. The families numbered 0 to 59 were looked
at while the detectors were tuned: `--first-family 0` shows those. --mixed N plants N families side
by side in one corpus. --traces FILE measures on real traces instead: half of its rows are the
baseline, leaks are planted into the other half.

| share of rows | recall, mean / worst family | precision |
|---|---|---|
| 56 % | 1.00 / 0.98 | ≥ 0.99 |
| 20 % | ≥ 0.99 / 0.95 | ≥ 0.99 |
| 5 % | ≥ 0.98 / 0.90 | ≥ 0.97 |
| 1 % | ≥ 0.95 / 0.80 | ≥ 0.95 |
"""

import argparse
from collections.abc import Iterable
from concurrent.futures import ProcessPoolExecutor
from functools import cache
from itertools import product
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pyarrow as pa

from tasks.audit.audit import AuditSpec, audit
from tasks.audit.reading import RowFile
from tasks.audit.style import Style
from tasks.audit.traces import TableRows
from tests.bench.leak_world.clean import STYLES, Row, clean_rows
from tests.bench.leak_world.families import contaminate_mixed, mixed_family

RATES = (0.56, 0.20, 0.05, 0.01)
FACTOR = 8
BASELINE_SEED, CLEAN_SEED = 7000, 7001


class Job(NamedTuple):
    """A corpus to make and to audit. families: seeds; none for clean rows."""

    style: str
    rows: int
    families: tuple[int, ...]
    rate: float


class Score(NamedTuple):
    """How the audit did. recall of the leaked rows, precision of the flagged rows; 1 where there
    are none.
    """

    job: Job
    name: str
    recall: float
    precision: float
    flagged: int
    rows: int
    verdict: str


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rows", type=int, default=1000)
    parser.add_argument("--families", type=int, default=24)
    parser.add_argument("--first-family", type=int, default=20_000)
    parser.add_argument(
        "--styles", nargs="+", default=["r1", "legal", "table"], metavar="STYLE", choices=STYLES
    )
    parser.add_argument("--rates", nargs="+", type=float, default=RATES, metavar="SHARE")
    parser.add_argument("--mixed", type=int, default=0)
    parser.add_argument("--traces", default="")
    parser.add_argument("--list", action="store_true", help="every family below 0.9, by name")
    options = parser.parse_args()
    sources = [options.traces] if options.traces else options.styles
    sides = options.mixed or 1
    seeds = [
        tuple(range(first, first + sides))
        for first in range(
            options.first_family, options.first_family + sides * options.families, sides
        )
    ]
    clean = [Job(source, options.rows, (), 0.0) for source in sources]
    leaky = [
        Job(source, options.rows, several, rate)
        for source, rate, several in product(sources, options.rates, seeds)
    ]
    with ProcessPoolExecutor(2) as pool:
        for score in pool.map(_score, clean):
            print(
                f"clean rows, {score.job.style}: {score.verdict}, {score.flagged} of {score.rows} rows flagged",
                flush=True,
            )
        _tell(pool.map(_score, leaky, chunksize=len(seeds)), each=options.list)


def _tell(scores: Iterable[Score], *, each: bool) -> None:
    kept = []
    for score in scores:
        kept.append(score)
        if each and min(score.recall, score.precision) < 0.9:
            print(
                f"  {score.name}, {score.job.style} at {score.job.rate:.0%}: recall {score.recall:.2f}, precision {score.precision:.2f}",
                flush=True,
            )
    for style in [*dict.fromkeys(score.job.style for score in kept), "all"]:
        for rate in dict.fromkeys(score.job.rate for score in kept):
            some = [
                score
                for score in kept
                if score.job.rate == rate and style in (score.job.style, "all")
            ]
            recall, precision = (
                [score.recall for score in some],
                [score.precision for score in some],
            )
            print(
                f"{style}, {rate:.0%} of rows, {len(some)} corpora: recall {np.mean(recall):.3f} mean, {min(recall):.2f} worst; "
                f"precision {np.mean(precision):.4f} mean, {min(precision):.3f} worst",
                flush=True,
            )


def _score(job: Job) -> Score:
    rows, style = _rows(job), _style(job.style, job.rows)
    leaked, name = [False] * len(rows), "clean"
    if job.families:
        families = mixed_family(job.families)
        rows, leaked = contaminate_mixed(rows, families, rate=job.rate, seed=job.families[0])
        name = " + ".join(family.name for family in families)
    outcome = audit(_table(rows), AuditSpec(), style=style)
    flagged, due = outcome.flags > 0, np.array(leaked)
    recall = float(flagged[due].mean()) if due.any() else 1.0
    precision = float(due[flagged].mean()) if flagged.any() else 1.0
    return Score(job, name, recall, precision, int(flagged.sum()), outcome.rows, outcome.verdict)


def _rows(job: Job) -> list[Row]:
    """Return clean rows to plant leaks in, others for every family."""
    if job.style not in STYLES:
        return _real(job.style)[1::2]
    return clean_rows(job.rows, seed=CLEAN_SEED + sum(job.families[:1]), style=job.style)


@cache
def _style(source: str, count: int) -> Style:
    """Return the style of other rows like them."""
    return Style.of(
        _table(
            clean_rows(FACTOR * count, seed=BASELINE_SEED, style=source)
            if source in STYLES
            else _real(source)[::2]
        )
    )


@cache
def _real(path: str) -> list[Row]:
    """Return the rows of a file, with producer values drawn for them."""
    read = _read(Path(path))
    drawn = clean_rows(len(read), seed=7001, style="r1")
    return [
        Row(
            one["id"],
            one["prompt"],
            one["prompt"] or "none",
            one["think"],
            one["answer"],
            like.producer,
        )
        for one, like in zip(read, drawn, strict=True)
    ]


def _read(path: Path) -> list[dict[str, str]]:
    return [row for batch in RowFile.open(path).batches() for row in batch.to_pylist()]


def _table(rows: list[Row]) -> TableRows:
    columns = {
        "id": [row.id for row in rows],
        "prompt": [f"{row.prompt}\n{row.passage}" for row in rows],
        "think": [row.think for row in rows],
        "answer": [row.answer for row in rows],
        "fault": ["" for _ in rows],
    }
    return TableRows(
        pa.table({name: pa.array(values, pa.string()) for name, values in columns.items()})
    )


if __name__ == "__main__":
    main()
