"""The tasks of this room: TRACES of the models, and the BASELINES of their style."""

from collections.abc import Sequence
from pathlib import Path

from prefect import task

from tasks import rows
from tasks.inference.complete import JOURNALS, teacher_digest
from tasks.inference.engine import Adapter, NamedModel, TeacherSpec
from tasks.progress import watcher
from tasks.spec import Spec, digest
from tasks.stage import STAGE, settle
from tasks.store import Key, Made, Table
from tasks.traces.baseline import baseline
from tasks.traces.generate import Generated, TraceSpec, generate

BASELINE_VERSION = 1
CODE_VERSION = 4
MODEL = "model:"
"""Prefix of the inputs of TRACES that identify a model's journal."""
RUNS: dict[str, Generated] = {}
"""What this process generated, by fingerprint. Speed belongs to a run, so no table stores it."""


class AskedSpec(Spec):
    """The settings in the identity of TRACES."""

    traces: TraceSpec
    """Samples per prompt, and what is kept."""
    models: dict[str, TeacherSpec]
    """The models that answer, by name."""


@task(**STAGE)
def generate_traces(
    prompts: Table,
    spec: TraceSpec,
    models: tuple[NamedModel, ...],
    root: Path,
    adapter: Adapter | None = None,
) -> Table:
    """Return TRACES of the prompts; interruptions do not change the table.

    adapter: LoRA adapter of the model, which is then a student.
    """
    key = traces_key(prompts, spec, models, adapter)

    def make() -> Made:
        made = generate(
            prompts.read(),
            spec,
            models,
            journals=root / JOURNALS,
            progress=watcher(),
            adapter=adapter,
        )
        RUNS[key.fingerprint] = made
        return Made(
            {"traces": made.traces},
            rows.TRACES,
            made.rejected,
            rows_in=made.traces.num_rows + made.rejected.num_rows,
        )

    return settle(root, key, make, on_gpu=True)


def traces_key(
    prompts: Table, spec: TraceSpec, models: Sequence[NamedModel], adapter: Adapter | None = None
) -> Key:
    """Return the Key of TRACES of these prompts."""
    asked = AskedSpec(traces=spec, models={one.name: one.model for one in models})
    return Key(
        "traces",
        CODE_VERSION,
        asked,
        {"prompts": prompts.digest, **journals_of(models, adapter)},
    )


def journals_of(models: Sequence[NamedModel], adapter: Adapter | None = None) -> dict[str, str]:
    """Return the inputs of TRACES that identify journals: "model:NAME" → digest of the model."""
    return {f"{MODEL}{one.name}": teacher_digest(one.model, adapter) for one in models}


@task(**STAGE)
def keep_baseline(
    traces: Table, prompts: Table, models: tuple[NamedModel, ...], root: Path, recipe_name: str
) -> Table:
    """Return BASELINES: the traces of the control prompts; empty if there are no control prompts.

    Later builds of the recipe use them too.
    """
    inputs = {
        "traces": traces.digest,
        "prompts": prompts.digest,
        "recipe": recipe_name,
        "models": digest(*sorted(journals_of(models).values())),
    }
    return settle(
        root,
        Key("baselines", BASELINE_VERSION, Spec(), inputs),
        lambda: baseline(traces.read(), prompts.read(), recipe_name),
    )
