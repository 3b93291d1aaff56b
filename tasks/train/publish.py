"""The published student: a folder with adapter, merged weights, card and the probe's page. Only
this folder is meant for use outside.
"""

import json
import os
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pyarrow.parquet as pq
from jinja2 import Environment, StrictUndefined
from pydantic import Field

from tasks import rows
from tasks.errors import BaseMoved
from tasks.inference.complete import ask_once
from tasks.inference.engine import Ask, EnginePlacement, TeacherSpec
from tasks.spec import Spec
from tasks.store import Key, Made, Table
from tasks.train import student as weights
from tasks.train.adapter import ADAPTER, adapter_of
from tasks.train.child import Tell, in_child
from tasks.train.examples import load_template
from tasks.train.spec import TrainSpec

MODEL, CARD, PAGE, ABOUT = "model", "card.md", "probe.html", "student.json"
TEMPLATE = Path(__file__).with_name("card.md.jinja")


class PublishSpec(Spec):
    """When a merged model counts as the student that was probed."""

    kl: float = Field(0.02, ge=0)
    """Largest mean KL divergence, in nats per token, between merged weights in bfloat16 and base
    model plus adapter.
    """
    rows: int = Field(16, ge=1)
    """Number of examples on which it is measured."""


@dataclass(frozen=True)
class Provenance:
    """The origin of a student, for its card. answers: fingerprint of the probe. page: its report.
    metrics: its results as sentences.
    """

    name: str
    corpus: str
    corpus_rows: int
    teacher: str
    answers: str
    page: Path
    metrics: Sequence[str]


@dataclass(frozen=True)
class Merge:
    """A merge of base model and adapter into `folder`. examples: Parquet file of EXAMPLES on which
    both forms are compared. rows: how many of them.
    """

    spec: TrainSpec
    adapter: Path
    examples: Path
    rows: int
    folder: Path


@dataclass(frozen=True)
class Merged:
    """The merged model's tensors compared with the base model's, and its agreement with base model
    plus adapter.
    """

    tensors: list[weights.ComparedTensor]
    agreement: weights.Agreement


def merge(job: Merge, tell: Tell) -> Merged:
    """Write the merged model, and return its comparison with the base model and with the adapter.

    Raises BaseMoved if a tensor outside the targets differs from the base model's.
    """
    student, template = job.spec.student, load_template(job.spec.student)
    base = weights.load(student, precision="bf16")
    before = weights.tensors(base)
    model = weights.merged(student, job.adapter)
    model.generation_config = base.generation_config
    weights.save(model, template.tokenizer, job.folder)
    after = weights.tensors(model)
    table = weights.compared(before, after)
    targets = job.spec.lora.targets
    strays = [one.name for one in table if one.moved and one.kind not in targets]
    strays += sorted(before.keys() - after.keys())
    if strays:
        raise BaseMoved(
            f"merge: {', '.join(strays[:5])} differ from the base model ({len(strays)} in all); "
            f"only {', '.join(targets)} may differ"
        )
    del base, model
    first = pq.read_table(job.examples).slice(0, job.rows).to_pylist()
    examples = [(row["input_ids"], row["loss_mask"]) for row in first]
    return Merged(table, weights.agreement(student, job.adapter, job.folder, examples))


def publish(
    adapter: Table,
    encoded: Table,
    asked: Sequence[Ask],
    spec: TrainSpec,
    publishing: PublishSpec,
    sampling: TeacherSpec,
    placement: EnginePlacement,
    about: Provenance,
    work: Path,
    tell: Tell,
) -> Made:
    """Return TENSORS of the merged model, with the student's files.

    The merged model must agree with base model plus adapter, and an engine must load it and answer.
    asked: prompts for this test. Raises BaseMoved if it does not agree or gives only empty answers.
    """
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir(parents=True)
    examples = encoded.path / encoded.parts[-1]
    job = Merge(spec, adapter_of(adapter).path, examples, publishing.rows, work / MODEL)
    merged = in_child(merge, job, tell)
    refuse_other(merged.agreement, publishing)
    student = sampling.model_copy(update={"model": str(work / MODEL), "revision": ""})
    answers = ask_once(list(asked), student, placement)
    if not any(one.text.strip() for one in answers):
        raise BaseMoved(
            f"the merged model gave only empty answers to all {len(answers)} test prompts; "
            "nothing was published. Check the chat template and the end-of-text token"
        )
    table = rows.table_of([one._asdict() for one in merged.tensors], rows.TENSORS)
    return Made(
        {"tensors": table},
        rows.TENSORS,
        rows.rejected([]),
        rows_in=table.num_rows,
        attach=lambda folder: _attach(folder, adapter, merged, spec, about, work),
        pages=(CARD, PAGE, ABOUT),
    )


def refuse_other(agreement: weights.Agreement, spec: PublishSpec) -> None:
    """Raise BaseMoved if merged weights and base model plus adapter differ by more than rounding
    explains.
    """
    if agreement.kl > spec.kl:
        raise BaseMoved(
            f"the merged model differs from base model plus adapter by {agreement.kl:.4f} nats "
            f"per token over {agreement.tokens} tokens, allowed are {spec.kl}; "
            "publish the adapter alone, or check whether the base model is in bfloat16"
        )


def _attach(
    folder: Path, adapter: Table, merged: Merged, spec: TrainSpec, about: Provenance, work: Path
) -> None:
    shutil.copytree(adapter.path / ADAPTER, folder / ADAPTER)
    shutil.copytree(work / MODEL, folder / MODEL, copy_function=os.link)
    shutil.copy(about.page, folder / PAGE)
    environment = Environment(
        undefined=StrictUndefined, autoescape=False, keep_trailing_newline=True, trim_blocks=True
    )
    template = environment.from_string(TEMPLATE.read_text(encoding="utf-8"))
    card = template.render(about=about, spec=spec, agreement=merged.agreement, adapter=adapter)
    (folder / CARD).write_text(card, encoding="utf-8")
    facts = {
        "name": about.name,
        "corpus": about.corpus,
        "corpus_rows": about.corpus_rows,
        "teacher": about.teacher,
        "adapter": adapter.fingerprint,
        "answers": about.answers,
        "base": spec.student.model,
        "merged": merged.agreement._asdict(),
    }
    (folder / ABOUT).write_text(json.dumps(facts, indent=1) + "\n")


def promote(root: Path, name: str, key: Key) -> None:
    """Point `promoted/<name>` at a published student, in one atomic step. The student before it is
    kept.
    """
    link = root / "promoted" / name
    link.parent.mkdir(parents=True, exist_ok=True)
    draft = link.with_name(f".{name}.{os.getpid()}")
    draft.symlink_to(Path("..") / key.stage / key.fingerprint)
    draft.replace(link)
