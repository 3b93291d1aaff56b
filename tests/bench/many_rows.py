"""What a million rows cost in the gates and in the corpus stage: CPU seconds and peak memory.

`python -m tests.bench.many_rows [--rows 1000000] [--judged 50000] [--folder FOLDER]`. Goal for
1,000,000 rows: at most 8 GiB, all processes together.

The rows are those of the bench `growth`: scripted traces of one sample per prompt. A process of its
own makes them first, and the audit finds nothing in them, so that only the measured stages count.
--judged: rows that the gates really judge. Their verdicts are repeated for all others, which takes
the same memory and much less time; 0 judges every row. --folder keeps the tables: a second run
measures the same rows at once.
"""

import argparse
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from itertools import cycle, islice
from pathlib import Path
from typing import TYPE_CHECKING
from unittest import mock

import numpy as np
import pyarrow as pa

from tasks import processes
from tasks.stream import shards
from tests.bench.growth import (
    WARM_UP,
    Cost,
    Stopped,
    build,
    measuring_clock,
    recipe_of,
    word_vectors,
    write_world,
)
from tests.bench.measure import tell

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from tasks.grounding.index import PassageIndex
    from tasks.inference.embedding import Vectors
    from tasks.store import Made
    from tasks.verdicts.case import Case
    from tasks.verdicts.gates import Judged
    from tests.bench.growth import MeasuringClock

    Labels = NDArray[np.int64]
    Work = Callable[[list[Case]], Judged]

MEASURED = ("verdicts", "gates", "coherence", "corpus")


def main() -> None:
    """Make the rows, then measure the stages in a new process."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--judged", type=int, default=50_000)
    parser.add_argument("--folder", type=Path)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        folder = options.folder or Path(scratch)
        with processes.pool(1) as alone:
            alone.submit(make, options.rows, folder).result()
        with processes.pool(1) as alone:
            costs = alone.submit(measured, options.rows, folder, options.judged).result()
    for cost in costs:
        tell("many_rows", prompts=options.rows, **cost._asdict())


def make(size: int, folder: Path) -> None:
    """Make the tables that the gates read, unless the folder has them."""
    if not (folder / "documents").exists():
        write_world(folder, size)
        word_vectors(folder / "model")
    with suppress(Stopped):
        _build(size, folder, measuring_clock(stop_before="judge_traces"))


def measured(size: int, folder: Path, judged: int) -> list[Cost]:
    """Return what gates and corpus stage cost; a small build that loads the libraries is first."""
    from tasks.verdicts import gates

    with tempfile.TemporaryDirectory() as warm:
        build(WARM_UP, Path(warm) / "warm", str(folder / "model"))
    clock = measuring_clock()
    repeating = _Repeating(judged or size * 2)
    with mock.patch.object(gates, "on_all_cores", repeating):
        _build(size, folder, clock)
    return [cost for cost in clock.costs if cost.stage in MEASURED]


class _Repeating:
    """Judges the first cases on all cores, and repeats their verdicts for all other cases.

    A case without a sound trace gets the verdicts of another such case.
    """

    def __init__(self, judged: int) -> None:
        from tasks.verdicts import gates

        self._shards = max(1, judged // gates.SHARD_ROWS)
        self._judge = gates.on_all_cores

    def __call__(self, work: "Work", cases: "Iterable[Case]", total: int) -> "Iterator[Judged]":
        """Yield what is judged of every shard, in order."""
        from tasks.verdicts.gates import SHARD_ROWS

        source = iter(cases)
        first = list(islice(source, self._shards * SHARD_ROWS))
        found = list(self._judge(work, first, total))
        yield from found
        pool = _Pool(first, found)
        for shard in shards(source, SHARD_ROWS):
            yield pool.judged(shard)


class _Pool:
    """Verdicts to repeat: those of sound traces and those of others, in turn."""

    def __init__(self, cases: "list[Case]", found: "list[Judged]") -> None:
        self._verdicts = pa.concat_tables([one.verdicts for one in found]).combine_chunks()
        self._each = self._verdicts.num_rows // len(cases)
        self._faults = {one[0]: one[1:] for shard in found for one in shard.faults}
        self._ids = [case.trace_id for case in cases]
        sound = [number for number, case in enumerate(cases) if _sound(case)]
        others = sorted(set(range(len(cases))) - set(sound))
        self._turns = {True: cycle(sound), False: cycle(others)}

    def judged(self, cases: "list[Case]") -> "Judged":
        """Return verdicts on these cases."""
        from tasks.verdicts.gates import Judged

        drawn = [next(self._turns[_sound(case)]) for case in cases]
        rows = (np.array(drawn)[:, None] * self._each + np.arange(self._each)).ravel()
        named = pa.array([case.trace_id for case in cases for _ in range(self._each)])
        table = self._verdicts.take(pa.array(rows))
        verdicts = table.set_column(0, table.schema.field(0), named)
        pairs = zip(cases, (self._ids[number] for number in drawn), strict=True)
        faults = [(case.trace_id, *self._faults[one]) for case, one in pairs if one in self._faults]
        return Judged(len(cases), verdicts, faults)


def _sound(case: "Case") -> bool:
    return not case.fault and bool(case.think.strip())


def _build(size: int, folder: Path, clock: "MeasuringClock") -> None:
    from flows import build_corpus

    # The graph of the passages would take longer than all measured stages; nothing here reads it.
    made = recipe_of(folder, size, str(folder / "model"))
    index = made.grounding.index.model_copy(update={"exact_below": 10**9})
    grounding = made.grounding.model_copy(update={"index": index})
    with _without_search_and_audit():
        build_corpus.build(made.model_copy(update={"grounding": grounding}), folder / "mill", clock)


@contextmanager
def _without_search_and_audit() -> Iterator[None]:
    """Let neighbours be drawn and audits be empty in this block."""
    from flows import build_corpus
    from tasks.audit import task as audit_task
    from tasks.grounding.index import PassageIndex

    with ExitStack() as patches:
        patches.enter_context(mock.patch.object(PassageIndex, "search", _drawn))
        patches.enter_context(mock.patch.object(audit_task, "audit_table", _no_findings))
        patches.enter_context(mock.patch.object(build_corpus, "refuse_leaky_traces"))
        yield


def _drawn(index: "PassageIndex", queries: "Vectors", k: int) -> "tuple[Labels, Vectors]":
    labels = np.random.default_rng(0).integers(len(index.vectors), size=(len(queries), k))
    return labels, labels.astype(np.float32)


def _no_findings(traces: pa.Table, *read: object, **settings: object) -> "Made":
    from tasks import rows
    from tasks.store import Made

    asked = traces.num_rows
    empty = {"audits": rows.AUDITS.empty_table()}
    return Made(
        empty, rows.AUDITS, rows.rejected([]), rows_in=asked, rows_out=asked, may_be_empty=True
    )


if __name__ == "__main__":
    main()
