"""The Arrow schemas of all tables that stages exchange. No column has nulls."""

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

import pyarrow as pa

from tasks.errors import SchemaMismatch


def _texts(*names: str) -> pa.DataType:
    """Return the type of a struct of texts."""
    return pa.struct([pa.field(name, pa.string(), nullable=False) for name in names])


MESSAGE = _texts("role", "content")
CHUNK_ROWS = 10_000
"""Rows per chunk of a table and per row group of its file."""
VALUE = _texts("name", "text", "role")
LISTS = {
    "values": VALUE,
    "strings": pa.string(),
    "messages": MESSAGE,
    "ids": pa.int32(),
    "flags": pa.bool_(),
    "nats": pa.float32(),
}
"""Item types of the list columns, by the names that `_table` accepts."""


def _list_of(item: pa.DataType) -> pa.DataType:
    return pa.list_(pa.field("item", item, nullable=False))


def _table(**columns: pa.DataType | str) -> pa.Schema:
    """Return a schema without nulls. A column's type may be the name of a list type (`LISTS`)."""
    fields = []
    for name, kind in columns.items():
        item = LISTS.get(kind) if isinstance(kind, str) else None
        fields.append(pa.field(name, _list_of(item) if item else kind, nullable=False))
    return pa.schema(fields)


TEXT, INT, LONG, REAL, FLAG = pa.string(), pa.int32(), pa.int64(), pa.float64(), pa.bool_()

DOCUMENTS = _table(
    document_id=TEXT, title=TEXT, text=TEXT, source=TEXT, licence=TEXT, category=TEXT, sha256=TEXT
)
"""Documents. source: the source in the recipe. category: families of prompts choose by it. sha256:
digest of the text in UTF-8.
"""

QUESTIONS = _table(
    question_id=TEXT,
    text=TEXT,
    accepted="strings",
    answer_type=TEXT,
    category=TEXT,
    split=TEXT,
    source=TEXT,
    licence=TEXT,
    passage_ids="strings",
    lineage="strings",
    notes="strings",
)
"""Questions. accepted: every right answer; empty if none is known. answer_type: number |
text | phrase | untold | reference, as in Gives; nothing is compared with a reference.
split: train | held_out. Of a question that a chain wrote: passage_ids: the passages that may be
shown with it; lineage: the items it was made from, oldest first; notes: what only the producer may
know of it."""

PASSAGES = _table(
    passage_id=TEXT,
    document_id=TEXT,
    title=TEXT,
    section=TEXT,
    heading=TEXT,
    start=LONG,
    end=LONG,
    text=TEXT,
    neighbours="strings",
    source=TEXT,
    licence=TEXT,
    category=TEXT,
)
"""Passages of documents. section: the label that citations use. start, end: half-open character
offsets in the document's text. neighbours: ids of similar passages, nearest first.
"""

ITEMS = _table(
    item_id=TEXT,
    lineage="strings",
    passage_ids="strings",
    question_ids="strings",
    licences="strings",
    values="values",
)
"""Items of one step of a chain. lineage: ids of all items that it was made from, oldest first.
passage_ids, question_ids, licences: of its roots. values: what the steps wrote; role: visible |
note | gold.
"""

PROMPTS = _table(
    prompt_id=TEXT,
    messages="messages",
    question=TEXT,
    passage_ids="strings",
    question_id=TEXT,
    general=FLAG,
    control=FLAG,
    family=TEXT,
    cell=TEXT,
    canary=TEXT,
    notes="strings",
    row_messages="messages",
)
"""Prompts. question: the question in the last message, without passages and instructions.
question_id: "" if no answer is known. family, cell, canary and notes are only for the producer: no
message may contain them. control: the prompt is bare, without instructions, for the baseline of
style. row_messages: what a row of the corpus shows instead of messages, if the row hides the
passages that the teacher saw (closed book); else empty."""

TRACES = _table(
    trace_id=TEXT,
    prompt_id=TEXT,
    model=TEXT,
    sample=INT,
    think=TEXT,
    answer=TEXT,
    raw=TEXT,
    fault=TEXT,
    parsed=FLAG,
    finish_reason=TEXT,
    prompt_tokens=INT,
    completion_tokens=INT,
    seed=LONG,
)
"""Traces. model: name of the model that answered. sample: number among its answers to the prompt.
raw: the completion as the engine returned it. fault: what breaks the grammar of traces, "" if
nothing does. parsed: a server's reasoning parser removed the think block, and the raw text is not
known. If think and answer of such a row both have text, the faults missing_think, orphan_close,
repeated_think and text_before_think were not checked."""

BASELINES = _table(trace_id=TEXT, prompt=TEXT, think=TEXT, answer=TEXT, recipe=TEXT)
"""Traces of the control prompts, before any gate: the teacher's own style. prompt: the user's turn.
"""

SCORES = _table(
    text_id=TEXT,
    model=TEXT,
    prompt_tokens=INT,
    ids="ids",
    ends="ids",
    nats="nats",
    top=INT,
    top_ids="ids",
    top_nats="nats",
)
"""Log-probabilities of given texts under a model. ids: the text's token ids. ends: characters of
the text up to each token's end; all 0 if unknown. nats: natural logarithm of each token's
probability, given the prompt and the tokens before it. top_ids, top_nats: the `top` likeliest
tokens of each position, likeliest first; flat lists, `top` times as long as ids."""

AUDITS = _table(trace_id=TEXT, reason=TEXT)
"""Traces in which the audit found producer state, one row per trace and reason. reason: name of the
detector.
"""

VERDICTS = _table(trace_id=TEXT, gate=TEXT, state=TEXT, reason=TEXT, score=REAL)
"""Verdicts of the gates, one row per trace and gate. state: passed | failed | not_checked. reason:
the fault, or why nothing was checked; "" if passed."""

GATE_CHECKS = _table(family=TEXT, fault=TEXT, planted=INT, found=INT)
"""How well the gates find planted faults. planted: rows of a family with a planted fault. found:
how many of them a gate failed."""

JUDGE_CHECKS = _table(family=TEXT, fault=TEXT, planted=INT, found=INT, abstained=INT)
"""How well the coherence judge finds planted faults. found: rows that it called incoherent.
abstained: rows without an opinion."""
JUDGE_CHECKS_FILE = "judge_checks.parquet"
"""File with JUDGE_CHECKS in the folder of a table of opinions."""

PROVENANCE = pa.struct(
    list(
        _table(
            trace_id=TEXT,
            prompt_id=TEXT,
            sample=INT,
            seed=LONG,
            teacher=TEXT,
            question_id=TEXT,
            passage_ids="strings",
            document_ids="strings",
            sources="strings",
            licences="strings",
        )
    )
)

CORPUS = _table(
    row_id=TEXT,
    prompt=TEXT,
    think=TEXT,
    answer=TEXT,
    messages="messages",
    family=TEXT,
    general=FLAG,
    verified=FLAG,
    provenance=PROVENANCE,
)
"""The corpus. messages: the prompt and the assistant's turn in the canonical form of a trace, for a
chat trainer. verified: the answer matches a known right answer.
"""

EXAMPLES = _table(row_id=TEXT, input_ids="ids", loss_mask="flags")
"""Corpus rows as token ids for a trainer. loss_mask: true for the tokens that are learnt; as long
as input_ids.
"""

TENSORS = _table(
    name=TEXT, module=TEXT, part=TEXT, elements=LONG, norm=REAL, moved=FLAG, sha256=TEXT
)
"""The tensors of a trained model. part: base | adapter. norm: Frobenius norm after training. moved:
training changed its bytes.
"""

ANSWERS = _table(
    answer_id=TEXT,
    question_id=TEXT,
    sample=INT,
    model=TEXT,
    kind=TEXT,
    prompt=TEXT,
    raw=TEXT,
    think=TEXT,
    answer=TEXT,
    finish_reason=TEXT,
    tokens=INT,
    known=FLAG,
    correct=FLAG,
    faults="strings",
)
"""Answers to the probe's questions. model: baseline | student. kind: kind of the question. known: a
right answer is known. faults: reasons of the gates that the answer failed.
"""

MEASUREMENTS = _table(
    hardware=TEXT,
    bandwidth=REAL,
    model=TEXT,
    concurrency=INT,
    requests=INT,
    prompt_tokens=REAL,
    completion_tokens=REAL,
    tokens_per_second=REAL,
    first_token_seconds=REAL,
    peak_bytes=LONG,
    roofline=REAL,
)
"""Speed of a teacher on a machine, one row per level of concurrency. bandwidth: of memory, bytes/s.
prompt_tokens, completion_tokens: mean per request. first_token_seconds: median. roofline: tokens/s
that the bandwidth allows. bandwidth and roofline are 0 if unknown.
"""

REJECTED = _table(row_id=TEXT, reason=TEXT, detail=TEXT, parent_id=TEXT)
"""Rows that a stage did not accept; every table has such a table beside it. detail: text for a
person. parent_id: the row it was made from (the prompt of a rejected trace), "" if not needed."""


def table_of(rows: Sequence[Mapping[str, object]], schema: pa.Schema) -> pa.Table:
    """Return rows as a table of the schema, in chunks of CHUNK_ROWS.

    One chunk for all rows could pass Arrow's limit of 2 GiB of strings per array. Raises
    SchemaMismatch with the first column that does not fit.
    """
    shards = [rows[low : low + CHUNK_ROWS] for low in range(0, len(rows), CHUNK_ROWS)]
    try:
        tables = [pa.Table.from_pylist(shard, schema=schema) for shard in shards or [[]]]
        return conform(pa.concat_tables(tables), schema)
    except (pa.ArrowInvalid, pa.ArrowTypeError) as exc:
        raise SchemaMismatch(f"rows do not fit the schema {schema.names}: {exc}") from exc


def conform(table: pa.Table, schema: pa.Schema) -> pa.Table:
    """Return the table with the columns of the schema, in its order.

    Raises SchemaMismatch if a column is missing, has another type or has nulls. Arrow itself
    accepts nulls in columns that are not nullable.
    """
    missing = [name for name in schema.names if name not in table.column_names]
    if missing:
        raise SchemaMismatch(
            f"no column {missing}; found {table.column_names}, expected {schema.names}. "
            "Did an older version write the table?"
        )
    table = table.select(schema.names)
    for field in schema:
        nulls, found = table[field.name].null_count, table.schema.field(field.name).type
        if nulls:
            raise SchemaMismatch(
                f"column {field.name!r} has {nulls} nulls; every row needs a value"
            )
        if found != field.type:
            raise SchemaMismatch(f"column {field.name!r} is {found}, expected {field.type}")
    return table.cast(schema)


class Rejected(NamedTuple):
    """One row of REJECTED."""

    row_id: str
    reason: str
    detail: str
    parent_id: str = ""


def rejected(found: Iterable[Rejected | tuple[str, str, str]]) -> pa.Table:
    """Return rows as a REJECTED table. A triple is (row_id, reason, detail), without a parent."""
    return table_of([Rejected(*one)._asdict() for one in found], REJECTED)
