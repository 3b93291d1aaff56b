"""The join of traces with their prompts, and of the prompts with their passages and questions."""

from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from typing import Any, NamedTuple, Protocol

import pyarrow as pa

from tasks.rows import CHUNK_ROWS

Row = Mapping[str, Any]
REMEMBERED = 4096
"""Rows per table that are cached as Python objects; traces of a prompt are near each other."""


class TraceContext(NamedTuple):
    """A trace with its prompt, passages and question. question: None without a known question."""

    trace: Row
    prompt: Row
    passages: tuple[Row, ...]
    question: Row | None


class RowView(Mapping[str, Any]):
    """A row that stays in Arrow; a value becomes a Python object each time it is read.

    A view takes about 60 bytes, and keeps the batch of its row in memory.
    """

    __slots__ = ("_batch", "_number")

    def __init__(self, batch: pa.RecordBatch, number: int) -> None:
        self._batch = batch
        self._number = number

    def __getitem__(self, column: str) -> Any:
        """Return the value in this column; KeyError if there is no such column."""
        return self._batch.column(column)[self._number].as_py()

    def __iter__(self) -> Iterator[str]:
        return iter(self._batch.schema.names)

    def __len__(self) -> int:
        return len(self._batch.schema)

    def read(self) -> dict[str, Any]:
        """Return the whole row as Python objects."""
        found: dict[str, Any] = self._batch.slice(self._number, 1).to_pylist()[0]
        return found


def views(batches: Iterable[pa.RecordBatch]) -> Iterator[RowView]:
    """Yield a view of every row."""
    for batch in batches:
        for number in range(batch.num_rows):
            yield RowView(batch, number)


def views_by_key(table: pa.Table, key: str) -> dict[str, RowView]:
    """Return the rows of a table by the value of one column."""
    batches = table.to_batches(max_chunksize=CHUNK_ROWS)
    values = (value for batch in batches for value in batch.column(key).to_pylist())
    return dict(zip(values, views(batches), strict=True))


class RowsByKey:
    """The rows of an Arrow table by the value of one column.

    The rows stay in Arrow; a row becomes a Python object only when it is read.
    """

    def __init__(self, table: pa.Table, key: str) -> None:
        self._views = views_by_key(table, key)
        self._row = lru_cache(REMEMBERED)(self._read)

    def __getitem__(self, value: str) -> Row:
        """Return the row with this value; KeyError if there is none."""
        return self._row(value)

    def get(self, value: str) -> Row | None:
        """Return the row with this value; None if there is none."""
        return self._row(value) if value in self._views else None

    def _read(self, value: str) -> Row:
        return self._views[value].read()


def contexts(
    traces: Iterable[pa.RecordBatch],
    prompts: pa.Table,
    passages: pa.Table,
    questions: pa.Table,
) -> Iterator[TraceContext]:
    """Yield every trace with its context, in the order of the traces.

    traces: batches of TRACES; one batch at a time becomes Python objects. Each table needs its id
    column, and prompts need passage_ids and question_id; other columns are the caller's choice.
    Raises KeyError for a trace of an unknown prompt and for an unknown passage.
    """
    asked = RowsByKey(prompts, "prompt_id")
    shown = RowsByKey(passages, "passage_id")
    known = RowsByKey(questions, "question_id")
    for batch in traces:
        yield from _joined(batch.to_pylist(), asked, shown, known)


def context_views(
    traces: Iterable[pa.RecordBatch],
    prompts: pa.Table,
    passages: pa.Table,
    questions: pa.Table,
) -> Iterator[TraceContext]:
    """Yield the same as `contexts`, with every row as a view.

    For callers that keep all rows: they take less memory, but reading a value takes longer.
    """
    asked = views_by_key(prompts, "prompt_id")
    shown = views_by_key(passages, "passage_id")
    known = views_by_key(questions, "question_id")
    return _joined(views(traces), asked, shown, known)


class _Lookup(Protocol):
    """Rows by an id."""

    def __getitem__(self, value: str, /) -> Row: ...

    def get(self, value: str, /) -> Row | None: ...


def _joined(
    traces: Iterable[Row], asked: _Lookup, shown: _Lookup, known: _Lookup
) -> Iterator[TraceContext]:
    for trace in traces:
        prompt = asked[trace["prompt_id"]]
        yield TraceContext(
            trace,
            prompt,
            tuple(shown[one] for one in prompt["passage_ids"]),
            known.get(prompt["question_id"]),
        )
