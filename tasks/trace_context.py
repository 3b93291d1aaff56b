"""The join of traces with their prompts, and of the prompts with their passages and questions."""

from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from typing import Any, NamedTuple

import pyarrow as pa

from tasks.rows import CHUNK_ROWS

Row = Mapping[str, Any]
REMEMBERED = 4096
"""Rows per table that are cached as Python objects; traces of a prompt are near each other."""


class TraceContext(NamedTuple):
    """A trace with its prompt, passages and question. question: None without a known question."""

    trace: dict[str, Any]
    prompt: Row
    passages: tuple[Row, ...]
    question: Row | None


class RowsByKey:
    """The rows of an Arrow table by the value of one column.

    The rows stay in Arrow; a row becomes a Python object only when it is read.
    """

    def __init__(self, table: pa.Table, key: str) -> None:
        batches = table.to_batches(max_chunksize=CHUNK_ROWS)
        places = {
            value: (batch, number)
            for batch in batches
            for number, value in enumerate(batch.column(key).to_pylist())
        }

        def row(value: str) -> Row:
            batch, number = places[value]
            found: Row = batch.slice(number, 1).to_pylist()[0]
            return found

        self._places = places
        self._row = lru_cache(REMEMBERED)(row)

    def __getitem__(self, value: str) -> Row:
        """Return the row with this value; KeyError if there is none."""
        return self._row(value)

    def get(self, value: str) -> Row | None:
        """Return the row with this value; None if there is none."""
        return self._row(value) if value in self._places else None


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
        for trace in batch.to_pylist():
            prompt = asked[trace["prompt_id"]]
            question = prompt["question_id"]
            yield TraceContext(
                trace,
                prompt,
                tuple(shown[one] for one in prompt["passage_ids"]),
                known.get(question),
            )
