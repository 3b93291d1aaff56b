"""Rows of Parquet and Arrow files, read in slices of bounded size and only in the columns that are
asked for.
"""

import contextlib
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from tasks.audit.values import Row
from tasks.errors import UnreadableFile

SLICE_ROWS, SLICE_BYTES = 250, 16 * 2**20
ARROW_FILE = b"ARROW1"


def parquet_rows(path: Path, columns: tuple[str, ...]) -> Iterator[Row]:
    """Yield the rows of a Parquet file; no columns means all."""
    with _named_faults(path, "Parquet"):
        file = pq.ParquetFile(path, buffer_size=2**20)
        _require(path, columns, file.schema_arrow.names)
        for group in range(file.num_row_groups):
            yield from _group_rows(file, group, columns)


def arrow_rows(path: Path, columns: tuple[str, ...]) -> Iterator[Row]:
    """Yield the rows of an Arrow IPC file or stream, which is mapped into memory, not loaded; no
    columns means all.
    """
    with _named_faults(path, "Arrow"), pa.memory_map(str(path)) as file:
        for batch in _arrow_batches(file):
            _require(path, columns, batch.schema.names)
            chosen = batch.select(
                [
                    place
                    for place, name in enumerate(batch.schema.names)
                    if not columns or name in columns
                ]
            )
            # Offsets of a damaged file may point anywhere; reading through them would end the
            # process.
            chosen.validate(full=True)
            yield from _rows(chosen)


def _group_rows(file: pq.ParquetFile, group: int, columns: tuple[str, ...]) -> Iterator[Row]:
    """Yield the rows of one row group; an iterator over all of them would hold what it has read
    until the file's end.
    """
    seen = file.metadata.row_group(group)
    for batch in file.iter_batches(
        _rows_at_once(seen.total_byte_size, seen.num_rows),
        row_groups=[group],
        columns=list(columns) or None,
    ):
        yield from _rows(batch)


def _arrow_batches(file: pa.MemoryMappedFile) -> Iterator[pa.RecordBatch]:
    magic = file.read(len(ARROW_FILE))
    file.seek(0)
    if magic != ARROW_FILE:
        yield from pa.ipc.open_stream(file)
        return
    reader = pa.ipc.open_file(file)
    for number in range(reader.num_record_batches):
        yield reader.get_batch(number)


def _rows(batch: pa.RecordBatch) -> Iterator[Row]:
    step = _rows_at_once(batch.nbytes, batch.num_rows)
    for start in range(0, batch.num_rows, step):
        yield from batch.slice(start, step).to_pylist()


def _rows_at_once(size: int, rows: int) -> int:
    return max(1, min(SLICE_ROWS, SLICE_BYTES * rows // max(size, 1)))


def _require(path: Path, columns: tuple[str, ...], names: list[str]) -> None:
    if missing := [column for column in columns if column not in names]:
        raise UnreadableFile(
            f"{path} has no column {', '.join(missing)}, the file before it has; seen: {', '.join(names)}; audit them apart"
        )


@contextlib.contextmanager
def _named_faults(path: Path, kind: str) -> Iterator[None]:
    try:
        yield
    except (pa.ArrowException, OSError, UnicodeDecodeError) as exc:
        seen = " ".join(str(exc).split())[:200]
        raise UnreadableFile(
            f"{path} is not a whole {kind} file ({seen}); copy or write it again"
        ) from exc
