"""The Parquet files of a table: written from rows in memory, or while the rows are made."""

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq

from tasks.errors import SchemaMismatch
from tasks.rows import CHUNK_ROWS, conform


class Stream(NamedTuple):
    """Rows of one file that are made while the file is written.

    tables: returns the rows in order, in tables of CHUNK_ROWS; the last table may be shorter.
    """

    num_rows: int
    tables: Callable[[], Iterable[pa.Table]]


def write_table(table: pa.Table, path: Path) -> None:
    """Write a table. The bytes do not depend on the table's chunks."""
    lows = range(0, max(1, table.num_rows), CHUNK_ROWS)
    _write_groups((table.slice(low, CHUNK_ROWS) for low in lows), table.schema, path)


def write_stream(stream: Stream, schema: pa.Schema, path: Path) -> None:
    """Write a stream. The bytes are those of a table with the same rows.

    Raises SchemaMismatch if the number of rows is not the announced one.
    """
    groups = (conform(table, schema) for table in stream.tables())
    written = _write_groups(groups, schema, path)
    if written != stream.num_rows:
        raise SchemaMismatch(f"{path.name} has {written} rows instead of {stream.num_rows}")


def _write_groups(groups: Iterable[pa.Table], schema: pa.Schema, path: Path) -> int:
    """Write each table as one row group; return the number of rows.

    No array exceeds Arrow's limit of 2 GiB of strings.
    """
    written = 0
    with pq.ParquetWriter(path, schema, compression="zstd") as file:
        for group in groups:
            file.write_table(group.combine_chunks(), CHUNK_ROWS)
            written += group.num_rows
    return written
