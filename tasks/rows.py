"""Every Arrow schema that crosses a stage. No column may hold a null."""

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

import pyarrow as pa

from tasks.errors import SchemaMismatch

MESSAGE = pa.struct(
    [
        pa.field("role", pa.string(), nullable=False),
        pa.field("content", pa.string(), nullable=False),
    ]
)


CHUNK_ROWS = 10_000
"""Rows of a chunk of a table, and of a row group of its file."""
LISTS = {
    "strings": pa.string(),
    "messages": MESSAGE,
    "ids": pa.int32(),
    "flags": pa.bool_(),
    "nats": pa.float32(),
}


def _list_of(item: pa.DataType) -> pa.DataType:
    return pa.list_(pa.field("item", item, nullable=False))


def _table(**columns: pa.DataType | str) -> pa.Schema:
    """Return a schema without nulls; "strings", "messages", "ids", "flags" and "nats" name the list
    types in use.
    """
    fields = []
    for name, kind in columns.items():
        item = LISTS.get(kind) if isinstance(kind, str) else None
        fields.append(pa.field(name, _list_of(item) if item else kind, nullable=False))
    return pa.schema(fields)


TEXT, INT, LONG, REAL, FLAG = pa.string(), pa.int32(), pa.int64(), pa.float64(), pa.bool_()

DOCUMENTS = _table(
    document_id=TEXT, title=TEXT, text=TEXT, source=TEXT, licence=TEXT, category=TEXT, sha256=TEXT
)
"""source: where the text came from, as the recipe names it. category: by which families draw.
sha256: of the text, UTF-8.
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
)
"""accepted: every right answer, empty when none is known. answer_type: number | text. split: train
| held_out.
"""

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
"""section: the label a citation uses. start, end: half-open character offsets into the document's
text. neighbours: passage ids, nearest first.
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
)
"""question: what the last message asks, without passages and instructions. question_id: "" where
no answer is known. family, cell and canary are producer-only: no rendered message may hold them.
control: asked bare, without any instruction of ours, for the baseline of style."""

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
"""model: the name of the model that answered. sample: number among its answers to the prompt.
raw: the completion as it came. fault: what breaks the grammar of traces, "" when nothing does.
parsed: a server's reasoning parser took the think block out, and the raw text could not be had.
Then fault cannot be missing_think, orphan_close, repeated_think or text_before_think where think
and answer both hold text: these four were not checked."""

BASELINES = _table(trace_id=TEXT, prompt=TEXT, think=TEXT, answer=TEXT, recipe=TEXT)
"""How the teacher writes when asked bare: the control arm's traces, whatever the gates say of them.
prompt: the user's turn.
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
"""How likely a model finds given texts. ids: the text's tokens. ends: characters up to
each token's end, all 0 where unknown. nats: log p of each, natural
logarithm, given the prompt and what stands before. top_ids, top_nats: the `top` likeliest tokens of
each position, likeliest first, position by position; their length is top times that of ids."""

AUDITS = _table(trace_id=TEXT, reason=TEXT)
"""Traces in which producer state was found, a row a reason. reason: the detector."""

VERDICTS = _table(trace_id=TEXT, gate=TEXT, state=TEXT, reason=TEXT, score=REAL)
"""One row per trace and gate. state: passed | failed | not_checked. reason: the fault, or why
nothing was checked; "" when passed."""

GATE_CHECKS = _table(family=TEXT, fault=TEXT, planted=INT, found=INT)
"""What the gates are worth: rows of a family that were spoilt by a kind of fault, and how many of
them a gate failed."""

JUDGE_CHECKS = _table(family=TEXT, fault=TEXT, planted=INT, found=INT, abstained=INT)
"""What the judge of coherence is worth: the same faults, and how many of them it called incoherent
or had no opinion on."""
JUDGE_CHECKS_FILE = "judge_checks.parquet"
"""Where a table of opinions keeps its JUDGE_CHECKS."""

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
"""messages: the prompt and the assistant's turn in canonical trace form, ready for a chat trainer.
verified: a known answer was met.
"""

EXAMPLES = _table(row_id=TEXT, input_ids="ids", loss_mask="flags")
"""A corpus row as a trainer sees it. loss_mask: true where the token is learnt; as long as
input_ids.
"""

TENSORS = _table(
    name=TEXT, module=TEXT, part=TEXT, elements=LONG, norm=REAL, moved=FLAG, sha256=TEXT
)
"""A trained model, tensor by tensor. part: base | adapter. norm: Frobenius, after training. moved:
its bytes are not what they were before.
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
"""What was said to the probe. model: baseline | student. kind: of question. known: a right answer
is known. faults: reasons of the gates that failed it.
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
"""How fast a teacher is on a machine, a row a level of concurrency. bandwidth: of memory, bytes/s.
prompt_tokens, completion_tokens: a request's mean. first_token_seconds: median. roofline: tokens/s
that bandwidth allows; 0 where unknown, as bandwidth is.
"""

REJECTED = _table(row_id=TEXT, reason=TEXT, detail=TEXT, parent_id=TEXT)
"""The sister table of every stage: what was not accepted, and why. detail: words for a person.
parent_id: what the row was made of (the prompt of a rejected trace), "" where nothing needs it."""


def table_of(rows: Sequence[Mapping[str, object]], schema: pa.Schema) -> pa.Table:
    """Return rows as a table of the schema, or SchemaMismatch naming the first column that does not
    fit.

    The table is in chunks: no array of strings holds more than 2 GiB.
    """
    shards = [rows[low : low + CHUNK_ROWS] for low in range(0, len(rows), CHUNK_ROWS)]
    try:
        tables = [pa.Table.from_pylist(shard, schema=schema) for shard in shards or [[]]]
        return conform(pa.concat_tables(tables), schema)
    except (pa.ArrowInvalid, pa.ArrowTypeError) as exc:
        raise SchemaMismatch(f"rows do not fit the schema {schema.names}: {exc}") from exc


def conform(table: pa.Table, schema: pa.Schema) -> pa.Table:
    """Return the table's columns in the schema's order; SchemaMismatch when one is missing, of
    another type, or holds a null.

    Arrow's own validation lets nulls into non-nullable columns, so they are looked for here.
    """
    missing = [name for name in schema.names if name not in table.column_names]
    if missing:
        raise SchemaMismatch(
            f"no column {missing}; seen {table.column_names}, due {schema.names}. Was it written by an older recipe?"
        )
    table = table.select(schema.names)
    for field in schema:
        if table[field.name].null_count:
            raise SchemaMismatch(
                f"column {field.name!r} holds {table[field.name].null_count} nulls; every row needs a value"
            )
        if table.schema.field(field.name).type != field.type:
            raise SchemaMismatch(
                f"column {field.name!r} is {table.schema.field(field.name).type}, due {field.type}"
            )
    return table.cast(schema)


class Rejected(NamedTuple):
    """One row that a stage did not accept; the columns of REJECTED."""

    row_id: str
    reason: str
    detail: str
    parent_id: str = ""


def reasons_told(counts: Mapping[str, int]) -> str:
    """Return reasons with their rows as a sentence shows them, the largest first; "none" for none."""
    largest = sorted(counts.items(), key=lambda one: (-one[1], one[0]))
    return ", ".join(f"{rows:,} {reason}" for reason, rows in largest) or "none"


def rejected(found: Iterable[Rejected | tuple[str, str, str]]) -> pa.Table:
    """Return rows as a REJECTED table; a triple has no parent."""
    return table_of([Rejected(*one)._asdict() for one in found], REJECTED)
