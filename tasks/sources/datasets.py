"""Rows of JSON Lines, CSV, Parquet and hub data sets, read one at a time, each with its place."""

import csv
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

from tasks.errors import BadRecipe
from tasks.sources.readers import Fault, Unreadable, check_size, decode

HUB = "hub:"
"""Prefix of a data set on the hub."""
BATCH_ROWS = 100
"""Rows of Parquet that are read at once."""
MAX_ROW_BYTES = 16 * 2**20
"""Most bytes of a line of JSON, and of a field of CSV."""


class Record(NamedTuple):
    """One row of a data set. source: its place."""

    source: str
    values: dict[str, Any]


def read_rows(path: Path, *, source: str, max_bytes: int) -> Iterator[Record | Fault]:
    """Yield the rows of a .jsonl, .csv, .tsv or .parquet file. A row that cannot be read becomes a
    Fault.

    If the rows unpack to more than max_bytes, the file ends there with a Fault, because a few
    kilobytes of Parquet can hold terabytes.
    """
    readers: dict[str, Callable[[Path, str], Iterator[Record | Fault]]] = {
        ".jsonl": _json_lines,
        ".csv": _separated,
        ".tsv": _separated,
        ".parquet": _parquet,
    }
    try:
        check_size(path, max_bytes)
        left = max_bytes
        for item in readers[path.suffix.lower()](path, source):
            left -= _characters(item)
            if left < 0:
                detail = f"{path.name} unpacks to more than {max_bytes} characters"
                raise Unreadable("too_large", detail)
            yield item
    except Unreadable as exc:
        yield Fault(source, exc.reason, exc.detail)
    except OSError as exc:
        yield Fault(source, "unreadable_file", str(exc))


def read_hub(
    name: str, *, config: str, revision: str, split: str, columns: list[str]
) -> Iterator[Record]:
    """Yield the rows of a hub data set, or of a local folder that `datasets` can open, as a stream.

    No code of the data set is run. Raises BadRecipe if it cannot be opened.
    """
    import datasets

    try:
        stream = datasets.load_dataset(
            name, config or None, split=split, revision=revision or None, streaming=True
        )
    except (
        FileNotFoundError,
        ValueError,
        RuntimeError,
        ConnectionError,
        datasets.exceptions.DatasetNotFoundError,
    ) as exc:
        raise BadRecipe(f"data set {name!r}, split {split!r} cannot be opened: {exc}") from exc
    known = list(stream.column_names or columns)
    wanted = [column for column in columns if column in known]
    for number, values in enumerate(stream.select_columns(wanted)):
        yield Record(f"{HUB}{name}#{number}", values)


def _json_lines(path: Path, source: str) -> Iterator[Record | Fault]:
    with path.open("rb") as file:
        number = 0
        while line := file.readline(MAX_ROW_BYTES):
            number += 1
            place = f"{source}#{number}"
            if line.strip():
                yield _json_row(line, place, path.name)


def _json_row(line: bytes, place: str, name: str) -> Record | Fault:
    try:
        values = json.loads(decode(line, name))
    except Unreadable as exc:
        return Fault(place, exc.reason, exc.detail)
    except (json.JSONDecodeError, RecursionError) as exc:
        return Fault(place, "bad_json", f"{exc}; the line begins {line[:80]!r}")
    if not isinstance(values, dict):
        return Fault(place, "bad_json", f"{type(values).__name__} found, an object expected")
    return Record(place, values)


def _separated(path: Path, source: str) -> Iterator[Record]:
    """Yield the rows of a text table with a header line, separated by commas or tabs."""
    csv.field_size_limit(MAX_ROW_BYTES)
    separator = "\t" if path.suffix.lower() == ".tsv" else ","
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file, delimiter=separator, restkey="", restval="")
            for number, values in enumerate(reader, 1):
                yield Record(f"{source}#{number}", values)
    except csv.Error as exc:
        raise Unreadable("bad_table", f"{path.name}: {exc}") from exc
    except UnicodeDecodeError as exc:
        detail = f"{path.name}: {exc.reason} at byte {exc.start}; convert it to UTF-8"
        raise Unreadable("bad_encoding", detail) from exc


def _parquet(path: Path, source: str) -> Iterator[Record]:
    """Yield the rows of a Parquet file. Texts stay dictionary-encoded until a row is taken, so a
    repeated text is unpacked one row at a time.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        texts = [field.name for field in pq.read_schema(path) if _is_text(field.type)]
        number = 0
        for batch in pq.ParquetFile(path, read_dictionary=texts).iter_batches(BATCH_ROWS):
            for row in range(batch.num_rows):
                number += 1
                yield Record(f"{source}#{number}", batch.slice(row, 1).to_pylist()[0])
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as exc:
        raise Unreadable("broken_parquet", f"{path.name}: {exc}"[:300]) from exc


def _is_text(kind: Any) -> bool:
    import pyarrow as pa

    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind))


def _characters(item: Record | Fault) -> int:
    """Return the number of characters in a row's texts, which is about its size in memory."""
    texts = item.values.values() if isinstance(item, Record) else (item.detail,)
    return sum(len(value) for value in texts if isinstance(value, str))
