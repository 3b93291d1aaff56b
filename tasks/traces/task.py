"""The traces' tasks: the stage that asks the teachers, and the baseline of what they write."""

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
"""What the name of an input of TRACES begins with, if it names a model's journal."""
RUNS: dict[str, Generated] = {}
"""What this process generated, by fingerprint: speed belongs to a run, never to a table."""


class AskedSpec(Spec):
    """What tells one table of TRACES from another, beside the prompts and the weights."""

    traces: TraceSpec
    """How often each model is asked, and what is kept."""
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
    """Ask the models for every trace the journals do not hold; TRACES are the same however often
    it was interrupted.

    adapter: laid over the model, which is then a student.
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
    """Return what TRACES of these prompts are made of."""
    asked = AskedSpec(traces=spec, models={one.name: one.model for one in models})
    return Key(
        "traces",
        CODE_VERSION,
        asked,
        {"prompts": prompts.digest, **journals_of(models, adapter)},
    )


def journals_of(models: Sequence[NamedModel], adapter: Adapter | None = None) -> dict[str, str]:
    """Return the inputs of TRACES that name the journals: "model:NAME" → digest of the model."""
    return {f"{MODEL}{one.name}": teacher_digest(one.model, adapter) for one in models}


@task(**STAGE)
def keep_baseline(
    traces: Table, prompts: Table, models: tuple[NamedModel, ...], root: Path, recipe_name: str
) -> Table:
    """Keep the control arm's traces as BASELINES, so that they add up over a recipe's builds; empty
    when there is no control arm.
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
