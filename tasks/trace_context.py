"""A trace with its prompt, the passages that the prompt shows, and the question it asks: the one
join of these four tables.
"""

from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from typing import Any, NamedTuple

import pyarrow as pa

from tasks.rows import CHUNK_ROWS

Row = Mapping[str, Any]
REMEMBERED = 4096
"""Rows of a table that are kept as Python objects: traces of one prompt lie close together."""


class TraceContext(NamedTuple):
    """A trace and all that bears on it. question: None where the prompt asks no known question."""

    trace: dict[str, Any]
    prompt: Row
    passages: tuple[Row, ...]
    question: Row | None


class RowsByKey:
    """The rows of an Arrow table by the value of one column.

    The rows stay in Arrow; a row becomes a Python object when it is asked for.
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
        """Return the row with this value; KeyError when there is none."""
        return self._row(value)

    def get(self, value: str) -> Row | None:
        """Return the row with this value, None when there is none."""
        return self._row(value) if value in self._places else None


def contexts(
    traces: Iterable[pa.RecordBatch],
    prompts: pa.Table,
    passages: pa.Table,
    questions: pa.Table,
) -> Iterator[TraceContext]:
    """Yield every trace with its context, in the order of the traces.

    traces: batches of TRACES; only one of them is held as Python objects at a time. Each table
    needs its own id column, and prompts need passage_ids and question_id; the caller selects the
    other columns that it reads.
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
