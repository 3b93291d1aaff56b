"""The tasks of the training room: token ids from rows, an adapter from ids, and a published student
from an adapter.
"""

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
from tasks.train.child import in_child
from tasks.train.examples import (
    EncodeSpec,
    StudentSpec,
    encode_corpus,
    examples,
    load_template,
    splits,
)
from tasks.train.lora import Trained, losses, speed, train
from tasks.train.publish import Provenance, PublishSpec, promote, publish
from tasks.train.spec import Job, TrainPlacement, TrainSpec

EXAMPLES_VERSION = 2
ADAPTERS_VERSION = STUDENTS_VERSION = 1
ASKED = 8
"""Number of prompts that test whether an engine loads the merged model and gets answers from it."""
RUNS: dict[str, Trained] = {}
"""Fingerprint → training of this process. Its speed belongs to the run and not to the table."""


@task(**STAGE)
def encode_examples(corpus: Table, student: StudentSpec, spec: EncodeSpec, root: Path) -> Table:
    """Return EXAMPLES of the corpus. Raises RenderBroken if a student could not learn from them."""
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
    """Return TENSORS of an adapter, trained up to a step.

    before: the table of the part before, from which the training continues. until: the last step,
    None for the end. An interrupted training continues from its last checkpoint.
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
            spec,
            placement,
            train=parts["train"],
            validation=parts.get("validation"),
            work=work,
            begin=state_of(before),
            until=until,
        )
        RUNS[key.fingerprint] = trained = in_child(train, job, partial(watcher(), unit="step"))
        _leave_tables(trained, f"adapters `{key.fingerprint}`")
        return adapter_table(trained, work, student.model)

    table = settle(root, key, make, on_gpu=True)
    shutil.rmtree(work, ignore_errors=True)
    return table


def _leave_tables(trained: Trained, name: str) -> None:
    moved = modules(one._asdict() for one in trained.tensors)
    leave_table(moved, key="isolation", description=f"changed tensors: {name}")
    leave_table(speed(trained), key="training", description=f"result and speed: {name}")
    leave_table(losses(trained), key="loss", description=f"loss per step: {name}")


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
    """Return TENSORS of the merged student, with the folder for use outside. `promoted/<name>` then
    points at it.
    """
    inputs = {
        "adapter": adapter.digest,
        "base": identity(spec.student.model, spec.student.revision),
        "corpus": about.corpus,
    }
    inputs |= {"name": about.name, "answers": about.answers}
    key = Key("students", STUDENTS_VERSION, publishing, inputs)
    work = root / "training" / key.fingerprint

    def make() -> Made:
        WARM.make_room()
        first = prompts.read().slice(0, ASKED).to_pylist()
        asked = [
            Ask(row["prompt_id"], tuple(row["messages"]), draw_seed(row["prompt_id"]))
            for row in first
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
