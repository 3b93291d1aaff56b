"""Any corpus of reasoning traces, as record batches of one schema that can be read any number of
times.
"""

from collections.abc import Iterator, Sequence
from itertools import chain
from pathlib import Path

import pyarrow as pa

from tasks.audit.columns import Columns, Layout, decide
from tasks.audit.files import data_files, rows_of
from tasks.audit.values import Row, json_of
from tasks.errors import UnreadableFile

__all__ = ["AUDITED", "Columns", "RowFile"]

AUDITED = pa.schema(
    [
        pa.field(name, pa.string(), nullable=False)
        for name in ("id", "prompt", "think", "answer", "fault")
    ]
)
"""Columns of every batch. fault: what is wrong with the form of the trace, "" if nothing; `think`
then holds the reasoning that was found. A batch also has a text column "producer:NAME" for each
producer value.
"""

SAMPLE_ROWS = 100
"""Most first rows from which the columns are decided."""
SAMPLE_CHARS = 64 * 2**20
"""Most characters of these rows."""
BATCH_ROWS = 500
"""Most rows of a batch."""
BATCH_CHARS = 16 * 2**20
"""About the most characters of a batch."""
FIND_ALL = Columns()
"""All columns are decided from the rows."""


class RowFile:
    """A file or folder of traces with decided columns. Its rows can be read any number of times."""

    def __init__(self, files: Sequence[Path], layout: Layout) -> None:
        self._files, self._layout = tuple(files), layout
        names = [f"producer:{name}" for name in self.producers]
        self._schema = pa.schema(
            [*AUDITED, *(pa.field(name, pa.string(), nullable=False) for name in names)]
        )

    @classmethod
    def open(cls, path: Path, columns: Columns = FIND_ALL) -> "RowFile":
        """Return the file with its columns decided from its first rows.

        Raises UnreadableFile if there are no rows or no column can hold a trace.
        """
        files = data_files(path)
        sample = _sample(chain.from_iterable(map(rows_of, files)))
        if not sample:
            raise UnreadableFile(
                f"{path} is empty: it holds no row; expected at least one reasoning trace"
            )
        return cls(files, decide(sample, columns, name=str(path)))

    @property
    def found(self) -> Columns:
        """The decided columns, for a report."""
        return self._layout.found

    @property
    def producers(self) -> tuple[str, ...]:
        """The names of the producer values, one per leaf."""
        return self._layout.found.producer

    def batches(self) -> Iterator[pa.RecordBatch]:
        """Yield the rows in order, in batches of at most 500 rows and about 16 MB of text.

        Raises UnreadableFile at the first row that cannot be read.
        """
        rows: list[list[str]] = []
        held = 0
        for row in chain.from_iterable(rows_of(file, self._layout.columns) for file in self._files):
            texts = self._layout.texts(row)
            rows.append(texts)
            held += sum(map(len, texts))
            if len(rows) == BATCH_ROWS or held >= BATCH_CHARS:
                yield self._batch(rows)
                rows, held = [], 0
        if rows:
            yield self._batch(rows)

    def _batch(self, rows: list[list[str]]) -> pa.RecordBatch:
        return pa.RecordBatch.from_arrays(
            [pa.array(column, pa.string()) for column in zip(*rows, strict=True)],
            schema=self._schema,
        )


def _sample(rows: Iterator[Row]) -> list[Row]:
    sample: list[Row] = []
    held = 0
    for row in rows:
        sample.append(row)
        held += len(json_of(row))
        if len(sample) == SAMPLE_ROWS or held >= SAMPLE_CHARS:
            break
    return sample
