"""The corpus as EXAMPLES, and the render check that must pass before a training."""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from pydantic import Field

from tasks import rows
from tasks.errors import RenderBroken
from tasks.inference.checkpoint import load_tokenizer
from tasks.inference.models import resolve
from tasks.spec import Spec
from tasks.store import Made, Table
from tasks.train.encode import Example, Template, encode, faults

RENDER_CHECK = "render_check.json"
"""File of the render check in the table."""
SHOWN_ROWS = 5
"""Rows that the render check shows."""
MEANING = {
    "no_eos": "examples do not end with the end-of-text token, "
    "so the student would never learn to stop",
    "eos_not_stopping": "examples end with a token at which generation does not stop; "
    "make eos_token and generation_config agree",
    "eos_in_text": "the end-of-text token occurs inside the learned text",
    "no_bos": "the tokenizer begins every text with a token that the chat template leaves out",
    "bos_twice": "examples begin with two beginning-of-text tokens: the template adds one too many",
    "prompt_in_loss": "the prompt is in the loss",
    "think_lost": "thought and answer cannot be read back from the ids; "
    "the template removes or changes the think block",
    "too_long": "rows are longer than max_length; raise max_length, "
    "or raise too_long to leave these rows out",
}
"""Fault of an example → what a message says of it."""


Checked = Mapping[str, str | int | list[int]]
"""A row of the render check: what is shown → its value."""


class StudentSpec(Spec):
    """The base model of the student, before training."""

    model: str = "builtin:pocket"
    """A model folder, a hub name, or builtin:pocket."""
    revision: str = ""
    """Hub revision."""
    trust_remote_code: bool = False
    """Run code from the model's repository. It is off by default."""


class EncodeSpec(Spec):
    """How corpus rows become token ids."""

    max_length: int = Field(4096, ge=16)
    """Largest number of tokens of a row, with its prompt. Longer rows are rejected as too_long and
    never cut.
    """
    too_long: float = Field(0.05, ge=0, le=1)
    """Largest share of rows that may be too long. With more, the run stops."""
    tolerated: float = Field(0.01, ge=0, le=1)
    """Largest share of rows that may fail the render check and are rejected. With more, the
    template is at fault and the run stops.
    """


def load_template(student: StudentSpec) -> Template:
    """Return the student's tokenizer, and the tokens at which its generation stops."""
    from transformers import GenerationConfig

    tokenizer = load_tokenizer(student)
    try:
        generation = GenerationConfig.from_pretrained(
            resolve(student.model), revision=student.revision or None
        )
        stops = generation.eos_token_id
    except OSError:
        stops = None
    if stops is None:
        stops = [tokenizer.eos_token_id]
    return Template(tokenizer, frozenset([stops] if isinstance(stops, int) else stops))


def splits(corpus: Table) -> dict[str, pa.Table]:
    """Return split → rows of the corpus."""
    return {
        Path(name).stem: pq.read_table(corpus.path / name, columns=["row_id", "messages"])
        for name in corpus.parts
    }


@dataclass(frozen=True)
class Encoded:
    """A corpus as token ids, by split. found: row id → its fault, "" if it has none. check: the
    rows of the render check.
    """

    splits: Mapping[str, Sequence[Example]]
    found: Mapping[str, str]
    check: Sequence[Checked]


def encode_corpus(corpus: Mapping[str, pa.Table], template: Template, spec: EncodeSpec) -> Encoded:
    """Return all rows as token ids, each checked for faults."""
    encoded = {split: _encoded(table, template) for split, table in corpus.items()}
    every = [example for several in encoded.values() for example in several]
    found = {example.row_id: _reason(example, template, spec) for example in every}
    return Encoded(encoded, found, render_check(every, found, template))


def _encoded(table: pa.Table, template: Template) -> list[Example]:
    return [encode(row["row_id"], row["messages"], template) for row in table.to_pylist()]


def examples(encoded: Encoded, spec: EncodeSpec) -> Made:
    """Return EXAMPLES by split. Rows with a fault are rejected.

    Raises RenderBroken if more rows have faults than the Spec tolerates.
    """
    rejected = sorted((row_id, reason, "") for row_id, reason in encoded.found.items() if reason)
    refuse_broken(Counter(reason for _, reason, _ in rejected), len(encoded.found), spec)
    parts = {
        split: _table([one for one in several if not encoded.found[one.row_id]])
        for split, several in encoded.splits.items()
    }
    filled = {split: table for split, table in parts.items() if table.num_rows}
    check = json.dumps(encoded.check, indent=1, ensure_ascii=False) + "\n"
    return Made(
        filled,
        rows.EXAMPLES,
        rows.rejected(rejected),
        rows_in=len(encoded.found),
        attach=lambda folder: _attach(folder, check),
    )


def _reason(example: Example, template: Template, spec: EncodeSpec) -> str:
    wrong = faults(example, template)
    if len(example.input_ids) > spec.max_length:
        wrong.append("too_long")
    return wrong[0] if wrong else ""


def refuse_broken(counted: Counter[str], total: int, spec: EncodeSpec) -> None:
    """Raise RenderBroken for a fault in so many rows that the template causes it."""
    for reason, count in counted.most_common():
        if count > (spec.too_long if reason == "too_long" else spec.tolerated) * total:
            raise RenderBroken(
                f"render check: {reason} in {count} of {total} rows: {MEANING[reason]}. "
                "Nothing was trained"
            )


def render_check(
    every: Sequence[Example], found: Mapping[str, str], template: Template
) -> list[Checked]:
    """Return some rows for a person to read before a training, rows with faults first: as ids, as
    text, and with the part in the loss.
    """
    shown = sorted(every, key=lambda one: not found[one.row_id])[:SHOWN_ROWS]
    return [_line(example, found[example.row_id], template) for example in shown]


def _line(example: Example, reason: str, template: Template) -> Checked:
    def text(ids: Sequence[int]) -> str:
        return str(template.tokenizer.decode(list(ids), skip_special_tokens=False))

    return {
        "row": example.row_id,
        "fault": reason,
        "tokens": len(example.input_ids),
        "loss from": example.learnt_from,
        "loss to": len(example.input_ids),
        "prompt ends": text(example.input_ids[: example.learnt_from])[-60:],
        "learnt begins": text(example.learnt)[:60],
        "learnt ends": text(example.learnt)[-60:],
        "first ids": list(example.input_ids[:8]),
        "last ids": list(example.input_ids[-8:]),
        "eos": template.eos,
    }


def _table(several: list[Example]) -> pa.Table:
    made = [
        {"row_id": one.row_id, "input_ids": list(one.input_ids), "loss_mask": one.loss_mask}
        for one in several
    ]
    return rows.table_of(made, rows.EXAMPLES)


def _attach(folder: Path, check: str) -> None:
    (folder / RENDER_CHECK).write_text(check, encoding="utf-8")
