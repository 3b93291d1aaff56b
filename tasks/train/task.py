"""The training's doors: rows become ids, ids an adapter, an adapter a student to be published."""

import shutil
from functools import partial
from pathlib import Path

from prefect import task

from tasks.artifacts import leave_table
from tasks.inference.engine import Ask, EnginePlacement, TeacherSpec
from tasks.inference.models import identity
from tasks.inference.warm import WARM
from tasks.progress import watcher
from tasks.spec import draw_seed
from tasks.stage import STAGE, settle
from tasks.store import Key, Made, Table
from tasks.train.adapter import adapter_table, modules, state_of
from tasks.train.apart import apart
from tasks.train.examples import (
    EncodeSpec,
    StudentSpec,
    encode_corpus,
    examples,
    load_template,
    splits,
)
from tasks.train.lora import Job, Trained, TrainPlacement, TrainSpec, losses, speed, train
from tasks.train.publish import Provenance, PublishSpec, promote, publish

EXAMPLES_VERSION = 2
ADAPTERS_VERSION = STUDENTS_VERSION = 1
ASKED = 8
"""Rows put to the merged model, to see that an engine loads it and that it speaks."""
RUNS: dict[str, Trained] = {}
"""What this process trained, by fingerprint: speed belongs to a run, never to a table."""


@task(**STAGE)
def encode_examples(corpus: Table, student: StudentSpec, spec: EncodeSpec, root: Path) -> Table:
    """Make EXAMPLES of the corpus; RenderBroken when a student could not learn from them what they
    say.
    """
    inputs = {"corpus": corpus.digest, "tokenizer": identity(student.model, student.revision)}

    def make() -> Made:
        encoded = encode_corpus(splits(corpus), load_template(student), spec)
        leave_table(
            encoded.check,
            key="render-check",
            description=f"rows as the trainer sees them: corpus `{corpus.fingerprint}`",
        )
        return examples(encoded, spec)

    return settle(root, Key("examples", EXAMPLES_VERSION, spec, inputs), make)


@task(**STAGE)
def train_adapter(
    encoded: Table,
    spec: TrainSpec,
    placement: TrainPlacement,
    root: Path,
    before: Table | None = None,
    until: int | None = None,
) -> Table:
    """Train an adapter up to a step, on from where the stretch before ended; a killed training goes
    on from its last checkpoint.
    """
    student = spec.student
    inputs = {"examples": encoded.digest, "base": identity(student.model, student.revision)}
    inputs |= {"before": before.digest if before else "", "until": str(until or "end")}
    key = Key("adapters", ADAPTERS_VERSION, spec, inputs)
    work = root / "training" / key.fingerprint

    def make() -> Made:
        WARM.make_room()
        work.mkdir(parents=True, exist_ok=True)
        parts = {Path(name).stem: encoded.path / name for name in encoded.parts}
        job = Job(
            spec, placement, parts["train"], parts.get("validation"), work, state_of(before), until
        )
        RUNS[key.fingerprint] = trained = apart(train, job, partial(watcher(), unit="step"))
        leave_table(
            modules(trained.tensors),
            key="isolation",
            description=f"what moved: adapters `{key.fingerprint}`",
        )
        leave_table(
            speed(trained), key="training", description=f"how it went: adapters `{key.fingerprint}`"
        )
        leave_table(
            losses(trained), key="loss", description=f"loss by step: adapters `{key.fingerprint}`"
        )
        return adapter_table(trained, work, student.model)

    table = settle(root, key, make, on_gpu=True)
    shutil.rmtree(work, ignore_errors=True)
    return table


@task(**STAGE)
def publish_student(
    adapter: Table,
    encoded: Table,
    prompts: Table,
    spec: TrainSpec,
    publishing: PublishSpec,
    sampling: TeacherSpec,
    placement: EnginePlacement,
    about: Provenance,
    root: Path,
) -> Table:
    """Merge the student that passed and lay out the folder that leaves the mill; `promoted/<name>`
    then points at it.
    """
    inputs = {
        "adapter": adapter.digest,
        "base": identity(spec.student.model, spec.student.revision),
        "corpus": about.corpus,
    }
    key = Key(
        "students",
        STUDENTS_VERSION,
        publishing,
        inputs | {"name": about.name, "answers": about.answers},
    )
    work = root / "training" / key.fingerprint

    def make() -> Made:
        WARM.make_room()
        asked = [
            Ask(row["prompt_id"], tuple(row["messages"]), draw_seed(row["prompt_id"]))
            for row in prompts.read().slice(0, ASKED).to_pylist()
        ]
        return publish(
            adapter,
            encoded,
            asked,
            spec,
            publishing,
            sampling,
            placement,
            about,
            work,
            watcher(),
        )

    table = settle(root, key, make, on_gpu=True)
    shutil.rmtree(work, ignore_errors=True)
    promote(root, about.name, key)
    return table
