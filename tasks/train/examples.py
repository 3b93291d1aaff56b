"""The corpus as EXAMPLES, and the render check that a training must pass before it begins."""

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
from tasks.inference.models import resolve
from tasks.spec import Spec
from tasks.store import Made, Table
from tasks.train.encode import Example, Template, encode, faults

RENDER_CHECK = "render_check.json"
SHOWN_ROWS = 5
MEANING = {
    "no_eos": "no example ends in the end-of-text token, so the student would never learn to stop",
    "eos_not_stopping": "examples end in a token at which generation does not stop; make eos_token and generation_config agree",
    "eos_in_text": "the end-of-text token stands inside what is learnt",
    "no_bos": "the tokenizer begins every text with a token that the chat template leaves out",
    "bos_twice": "examples begin with two beginning-of-text tokens: the template adds one too many",
    "prompt_in_loss": "the prompt is part of what is learnt",
    "think_lost": "thought and answer cannot be read back from the ids; the template drops or changes the think block",
    "too_long": "rows are longer than max_length; a cut row would lose its end, so raise max_length or leave them out knowingly",
}


class StudentSpec(Spec):
    """The model that is trained, before training."""

    model: str = "builtin:pocket"
    """A model folder, a hub name, or builtin:pocket."""
    revision: str = ""
    """Hub revision."""
    trust_remote_code: bool = False
    """Run code that the model's repository ships. Off unless you say so."""


class EncodeSpec(Spec):
    """How corpus rows become token ids."""

    max_length: int = Field(4096, ge=16)
    """Tokens of a row, prompt included, at most; a longer row is rejected as too_long, never cut.
    """
    too_long: float = Field(0.05, ge=0, le=1)
    """Share of rows that may be too long; more end the run."""
    tolerated: float = Field(0.01, ge=0, le=1)
    """Share of rows that may break the render check and be rejected; more is a fault of the
    template, and ends the run.
    """


def load_template(student: StudentSpec) -> Template:
    """Return the student's tokenizer and where its generation stops."""
    from transformers import AutoTokenizer, GenerationConfig

    source = {"revision": student.revision or None, "trust_remote_code": student.trust_remote_code}
    tokenizer = AutoTokenizer.from_pretrained(resolve(student.model), **source)
    try:
        stops = GenerationConfig.from_pretrained(
            resolve(student.model), revision=student.revision or None
        ).eos_token_id
    except OSError:
        stops = None
    return Template(
        tokenizer,
        frozenset(
            [tokenizer.eos_token_id]
            if stops is None
            else [stops]
            if isinstance(stops, int)
            else stops
        ),
    )


def splits(corpus: Table) -> dict[str, pa.Table]:
    """Return the corpus by split."""
    return {
        Path(name).stem: pq.read_table(corpus.path / name, columns=["row_id", "messages"])
        for name in corpus.parts
    }


@dataclass(frozen=True)
class Encoded:
    """A corpus as ids, by split; found: what is wrong with each row, "" with most."""

    splits: Mapping[str, Sequence[Example]]
    found: Mapping[str, str]
    check: list[dict[str, object]]


def encode_corpus(corpus: Mapping[str, pa.Table], template: Template, spec: EncodeSpec) -> Encoded:
    """Return every row as ids, looked at one by one."""
    encoded = {
        split: [encode(row["row_id"], row["messages"], template) for row in table.to_pylist()]
        for split, table in corpus.items()
    }
    every = [example for several in encoded.values() for example in several]
    found = {example.row_id: _reason(example, template, spec) for example in every}
    return Encoded(encoded, found, render_check(every, found, template))


def examples(encoded: Encoded, spec: EncodeSpec) -> Made:
    """Return EXAMPLES by split; rows that break the check are rejected. RenderBroken when more do
    than the Spec bears.
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
    wrong = faults(example, template) + (
        ["too_long"] if len(example.input_ids) > spec.max_length else []
    )
    return wrong[0] if wrong else ""


def refuse_broken(counted: Counter[str], total: int, spec: EncodeSpec) -> None:
    """Raise RenderBroken for faults that are the template's, not a row's."""
    for reason, count in counted.most_common():
        if count > (spec.too_long if reason == "too_long" else spec.tolerated) * total:
            raise RenderBroken(
                f"render check: {reason} in {count} of {total} rows: {MEANING[reason]}. Nothing was trained"
            )


def render_check(
    every: Sequence[Example], found: Mapping[str, str], template: Template
) -> list[dict[str, object]]:
    """Return what a person looks at before a training: a few rows, the broken ones first, as ids,
    as text, and where the loss lies.
    """
    shown = sorted(every, key=lambda one: not found[one.row_id])[:SHOWN_ROWS]
    return [_line(example, found[example.row_id], template) for example in shown]


def _line(example: Example, reason: str, template: Template) -> dict[str, object]:
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
