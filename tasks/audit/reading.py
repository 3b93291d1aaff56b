"""Any corpus of reasoning traces as record batches of one schema, streamed as often as one likes."""

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
"""fault: what breaks the grammar of traces, "" when nothing does; then `think` still holds what
reasoning there is. A batch also has a text column "producer:NAME" for each producer value.
"""

SAMPLE_ROWS, SAMPLE_CHARS = 100, 64 * 2**20
BATCH_ROWS, BATCH_CHARS = 500, 16 * 2**20
FIND_ALL = Columns()


class RowFile:
    """A file or folder of traces whose columns are decided; its rows can be read again and again."""

    def __init__(self, files: Sequence[Path], layout: Layout) -> None:
        self._files, self._layout = tuple(files), layout
        names = [f"producer:{name}" for name in self.producers]
        self._schema = pa.schema(
            [*AUDITED, *(pa.field(name, pa.string(), nullable=False) for name in names)]
        )

    @classmethod
    def open(cls, path: Path, columns: Columns = FIND_ALL) -> "RowFile":
        """Look at the first rows and decide the columns; UnreadableFile when there are no rows or
        no column can be a trace.
        """
        files = data_files(path)
        sample = _sample(chain.from_iterable(map(rows_of, files)))
        if not sample:
            raise UnreadableFile(
                f"{path} is empty: it holds no row; due is at least one reasoning trace"
            )
        return cls(files, decide(sample, columns, name=str(path)))

    @property
    def found(self) -> Columns:
        """The columns as decided, for a report to say."""
        return self._layout.found

    @property
    def producers(self) -> tuple[str, ...]:
        """The names of the producer values, one per leaf."""
        return self._layout.found.producer

    def batches(self) -> Iterator[pa.RecordBatch]:
        """Yield the rows in order, at most 500 and about 16 MB of text a batch; UnreadableFile at
        the first broken row.
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
