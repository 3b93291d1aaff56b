"""The student as a folder to be used: adapter, merged weights, card, the probe's page. Nothing else
of a run is meant to leave the mill.
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
from tasks.train.apart import Tell, apart
from tasks.train.examples import load_template
from tasks.train.lora import TrainSpec

MODEL, CARD, PAGE, ABOUT = "model", "card.md", "probe.html", "student.json"
TEMPLATE = Path(__file__).with_name("card.md.jinja")


class PublishSpec(Spec):
    """When a merged model is taken to be the student that was probed."""

    kl: float = Field(0.02, ge=0)
    """Mean KL divergence, nats a token, that rounding the merged weights to bfloat16 may cost."""
    rows: int = Field(16, ge=1)
    """Examples over which it is measured."""


@dataclass(frozen=True)
class Provenance:
    """What a student comes from, for its card. metrics: the probe's sentences."""

    name: str
    corpus: str
    corpus_rows: int
    teacher: str
    answers: str
    page: Path
    metrics: Sequence[str]


@dataclass(frozen=True)
class Merge:
    """What is merged, and where to. examples: Parquet of EXAMPLES on which both forms are compared."""

    spec: TrainSpec
    adapter: Path
    examples: Path
    rows: int
    folder: Path


@dataclass(frozen=True)
class Merged:
    """The merged model's tensors beside the base's, and how near it is to base and adapter apart."""

    tensors: list[dict[str, object]]
    agreement: weights.Agreement


def merge(job: Merge, tell: Tell) -> Merged:
    """Write the merged model; BaseMoved when a tensor outside the targets differs from the base's."""
    student, template = job.spec.student, load_template(job.spec.student)
    base = weights.load(student, precision="bf16")
    before = weights.tensors(base)
    model = weights.merged(student, job.adapter)
    model.generation_config = base.generation_config
    weights.save(model, template.tokenizer, job.folder)
    after = weights.tensors(model)
    table = [
        one._asdict() | {"moved": name not in before or before[name].sha256 != one.sha256}
        for name, one in after.items()
    ]
    strays = [
        str(one["name"])
        for one in table
        if one["moved"] and str(one["module"]).rpartition(".")[2] not in job.spec.lora.targets
    ]
    strays += sorted(before.keys() - after.keys())
    if strays:
        raise BaseMoved(
            f"merge: {', '.join(strays[:5])} not as in the base ({len(strays)} in all); due: only {', '.join(job.spec.lora.targets)} differ"
        )
    del base, model
    first = pq.read_table(job.examples).slice(0, job.rows).to_pylist()
    compared = weights.agreement(
        student, job.adapter, job.folder, [(row["input_ids"], row["loss_mask"]) for row in first]
    )
    return Merged(table, compared)


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
    """Merge, look whether the merged model is the student that was probed and whether an engine
    loads it, and lay out its folder.

    asked: rows put to the merged model. BaseMoved when it is not the same student.
    """
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir(parents=True)
    job = Merge(
        spec,
        adapter_of(adapter).path,
        encoded.path / encoded.parts[-1],
        publishing.rows,
        work / MODEL,
    )
    merged = apart(merge, job, tell)
    refuse_other(merged.agreement, publishing)
    said = ask_once(
        list(asked),
        sampling.model_copy(update={"model": str(work / MODEL), "revision": ""}),
        placement,
    )
    if not any(one.text.strip() for one in said):
        raise BaseMoved(
            f"the merged model gave only empty answers to all {len(said)} test prompts; nothing was "
            "published. Check the chat template and the end-of-text token"
        )
    table = rows.table_of(merged.tensors, rows.TENSORS)
    return Made(
        {"tensors": table},
        rows.TENSORS,
        rows.rejected([]),
        rows_in=table.num_rows,
        attach=lambda folder: _attach(folder, adapter, merged, spec, about, work),
        pages=(CARD, PAGE, ABOUT),
    )


def refuse_other(agreement: weights.Agreement, spec: PublishSpec) -> None:
    """Raise BaseMoved when merged weights and base with adapter are further apart than rounding
    explains.
    """
    if agreement.kl > spec.kl:
        raise BaseMoved(
            f"the merged model differs from base and adapter by {agreement.kl:.4f} nats a token over {agreement.tokens} tokens, "
            f"due at most {spec.kl}; publish the adapter alone, or look for a base that is not bfloat16"
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
    card = environment.from_string(TEMPLATE.read_text(encoding="utf-8"))
    (folder / CARD).write_text(
        card.render(about=about, spec=spec, agreement=merged.agreement, adapter=adapter),
        encoding="utf-8",
    )
    told = {
        "name": about.name,
        "corpus": about.corpus,
        "corpus_rows": about.corpus_rows,
        "teacher": about.teacher,
        "adapter": adapter.fingerprint,
        "answers": about.answers,
        "base": spec.student.model,
        "merged": merged.agreement._asdict(),
    }
    (folder / ABOUT).write_text(json.dumps(told, indent=1) + "\n")


def promote(root: Path, name: str, key: Key) -> None:
    """Point `promoted/<name>` at a published student, in one step; the one before stays where it
    is.
    """
    link = root / "promoted" / name
    link.parent.mkdir(parents=True, exist_ok=True)
    draft = link.with_name(f".{name}.{os.getpid()}")
    draft.symlink_to(Path("..") / key.stage / key.fingerprint)
    draft.replace(link)
