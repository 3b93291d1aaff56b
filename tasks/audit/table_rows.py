"""Rows of Parquet and Arrow files, read in slices of bounded size, and only the columns that are
needed.
"""

import contextlib
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from tasks.audit.values import Row
from tasks.errors import UnreadableFile

SLICE_ROWS = 250
"""Most rows of a slice."""
SLICE_BYTES = 16 * 2**20
"""About the most bytes of a slice."""
ARROW_FILE = b"ARROW1"
"""First bytes of an Arrow file."""


def parquet_rows(path: Path, columns: tuple[str, ...]) -> Iterator[Row]:
    """Yield the rows of a Parquet file. columns: the columns to read, () for all. Raises
    UnreadableFile.
    """
    with _named_faults(path, "Parquet"):
        file = pq.ParquetFile(path, buffer_size=2**20)
        _require(path, columns, file.schema_arrow.names)
        for group in range(file.num_row_groups):
            yield from _group_rows(file, group, columns)


def arrow_rows(path: Path, columns: tuple[str, ...]) -> Iterator[Row]:
    """Yield the rows of an Arrow IPC file or stream, which is mapped into memory and not loaded.

    columns: the columns to read, () for all. Raises UnreadableFile.
    """
    with _named_faults(path, "Arrow"), pa.memory_map(str(path)) as file:
        for batch in _arrow_batches(file):
            _require(path, columns, batch.schema.names)
            names = enumerate(batch.schema.names)
            wanted = [place for place, name in names if not columns or name in columns]
            chosen = batch.select(wanted)
            # The offsets of a damaged file may point anywhere, and reading at them would crash the
            # process.
            chosen.validate(full=True)
            yield from _rows(chosen)


def _group_rows(file: pq.ParquetFile, group: int, columns: tuple[str, ...]) -> Iterator[Row]:
    """Yield the rows of one row group. A single iterator over all groups would keep everything it
    has read in memory.
    """
    seen = file.metadata.row_group(group)
    rows = _rows_at_once(seen.total_byte_size, seen.num_rows)
    for batch in file.iter_batches(rows, row_groups=[group], columns=list(columns) or None):
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
            f"{path} has no column {', '.join(missing)}, but the first file has it; its columns "
            f"are {', '.join(names)}; audit the files separately"
        )


@contextlib.contextmanager
def _named_faults(path: Path, kind: str) -> Iterator[None]:
    try:
        yield
    except (pa.ArrowException, OSError, UnicodeDecodeError) as exc:
        seen = " ".join(str(exc).split())[:200]
        raise UnreadableFile(
            f"{path} is not a complete {kind} file ({seen}); copy or write it again"
        ) from exc
