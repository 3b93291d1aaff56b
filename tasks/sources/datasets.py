"""Rows of JSON lines, Parquet and hub datasets, one at a time, each with its place in the file."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from tasks.errors import BadRecipe
from tasks.sources.readers import Fault, Unreadable, check_size, decode

HUB = "hub:"
BATCH_ROWS = 1000
MAX_ROW_BYTES = 16 * 2**20


class Record(NamedTuple):
    """One row of a data set and where it stands."""

    source: str
    values: dict[str, Any]


def read_rows(path: Path, *, source: str, max_bytes: int) -> Iterator[Record | Fault]:
    """Yield every row of a .jsonl or .parquet file; a torn or foreign line is a fault of its own."""
    try:
        check_size(path, max_bytes)
        yield from _json_lines(path, source) if path.suffix.lower() == ".jsonl" else _parquet(path, source)
    except Unreadable as exc:
        yield Fault(source, exc.reason, exc.detail)
    except OSError as exc:
        yield Fault(source, "unreadable_file", str(exc))


def read_hub(name: str, *, revision: str, split: str, columns: list[str]) -> Iterator[Record]:
    """Yield the rows of a hub data set, or of a local folder that `datasets` can open, as a stream."""
    import datasets

    try:
        stream = datasets.load_dataset(name, split=split, revision=revision or None, streaming=True)
    except (FileNotFoundError, ValueError, ConnectionError, datasets.exceptions.DatasetNotFoundError) as exc:
        raise BadRecipe(f"data set {name!r}, split {split!r} cannot be opened: {exc}") from exc
    known = list(stream.column_names or columns)
    for number, values in enumerate(stream.select_columns([column for column in columns if column in known])):
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
        return Fault(place, "bad_json", f"a {type(values).__name__}, due an object")
    return Record(place, values)


def _parquet(path: Path, source: str) -> Iterator[Record]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        number = 0
        for batch in pq.ParquetFile(path).iter_batches(BATCH_ROWS):
            for values in batch.to_pylist():
                number += 1
                yield Record(f"{source}#{number}", values)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as exc:
        raise Unreadable("broken_parquet", f"{path.name}: {exc}"[:300]) from exc
