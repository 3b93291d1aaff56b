"""Registers every flow of every recipe with the Prefect server that the environment names: `python
-m deployments.deploy [RECIPE …]`.

Safe to run again: what is registered already is brought up to date. What a person has paused stays
so until a person lifts it; a schedule that a person has switched stays so until the recipe's own
`placement.nightly.active` changes. Prints flow/recipe, a line each.
"""

import sys
from collections.abc import Sequence
from os import environ
from pathlib import Path
from typing import Any, NamedTuple, get_type_hints

from prefect import Flow
from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.client.schemas.actions import WorkPoolCreate
from prefect.client.schemas.objects import ConcurrencyLimitConfig, ConcurrencyLimitStrategy
from prefect.client.schemas.responses import DeploymentResponse
from prefect.deployments.runner import RunnerDeployment
from prefect.exceptions import ObjectNotFound
from prefect.schedules import Cron
from prefect.types.entrypoint import EntrypointType
from prefect.utilities.callables import ParameterSchema
from prefect.variables import Variable
from prefect.workers.process import ProcessWorker

from deployments.automations import register
from deployments.prefect_compat import parameters_of, set_parameters, shell_line
from deployments.service.home import POOL
from deployments.setting_lines import with_lines
from flows.build_corpus import build_corpus
from flows.diagnose import diagnose_student
from flows.measure_teacher import measure_teacher
from flows.probe_student import probe_student
from flows.recipes.corpus import Recipe
from flows.recipes.load import load_recipe
from flows.recipes.placement import Nightly
from flows.run_factory import run_factory
from flows.train_student import train_student
from tasks.artifacts import PAGES
from tasks.errors import MillError
from tasks.stage import GPU_SLOT

POCKET = Path(__file__).parent / "recipes" / "pocket.yaml"
ENGINE = shell_line([sys.executable, "-m", "deployments.lean"])


class Line(NamedTuple):
    """A flow as it is deployed for every recipe. nightly: the recipe's schedule it follows, or
    none.
    """

    flow: Flow[..., Any]
    nightly: str = ""


class Closed(ParameterSchema):
    """A flow's parameters; the server refuses any other."""

    additionalProperties: bool


LINES = (
    Line(build_corpus, "corpus"),
    Line(run_factory, "factory"),
    Line(train_student),
    Line(probe_student),
    Line(diagnose_student),
    Line(measure_teacher),
)


def deploy(
    recipes: Sequence[Recipe], root: Path, working_dir: Path, *, gpu_slots: int = 1
) -> list[str]:
    """Register the work pool, the limit on GPUs, the automations, and a deployment for every recipe
    and flow; return their names.
    """
    with get_client(sync_client=True) as client:
        _work_pool(client)
        _limit(client, gpu_slots)
        register()
        return [
            _register(client, line, recipe, root, working_dir)
            for recipe in recipes
            for line in LINES
        ]


def _register(
    client: SyncPrefectClient, line: Line, recipe: Recipe, root: Path, working_dir: Path
) -> str:
    name = f"{line.flow.name}/{recipe.name}"
    there = _there(client, name)
    made: RunnerDeployment = line.flow.to_deployment(  # type: ignore[assignment]
        name=recipe.name,
        work_pool_name=POOL,
        entrypoint_type=EntrypointType.MODULE_PATH,
        schedules=_schedules(line, recipe, there),
        parameters={
            "recipe": recipe.model_dump(mode="json", exclude_unset=True),
            "root": str(root),
        },
        tags=["tracemill", recipe.name],
        concurrency_limit=ConcurrencyLimitConfig(
            limit=1, collision_strategy=ConcurrencyLimitStrategy.ENQUEUE
        ),
        job_variables={"command": ENGINE, "working_dir": str(working_dir), "stream_output": False},
        paused=bool(there and there.paused),
    )
    set_parameters(made, _closed(parameters_of(made), line.flow))
    made.apply()
    return name


def _there(client: SyncPrefectClient, name: str) -> DeploymentResponse | None:
    try:
        return client.read_deployment_by_name(name)
    except ObjectNotFound:
        return None


def _closed(schema: ParameterSchema, flow: Flow[..., Any]) -> Closed:
    """Return a flow's parameters with the meaning that their annotations give, which Prefect leaves
    out, and open to no others.
    """
    tree = schema.model_dump()
    for name, kind in get_type_hints(flow.fn, include_extras=True).items():
        for note in getattr(kind, "__metadata__", ()):
            tree["properties"][name]["description"] = note.description
    tree["properties"] = with_lines(tree["properties"], Recipe)
    return Closed(**tree, additionalProperties=False)


def _schedules(line: Line, recipe: Recipe, there: DeploymentResponse | None) -> list[Any]:
    nightly = recipe.placement.nightly
    active = _active(nightly, there)
    return (
        [
            Cron(
                getattr(nightly, line.nightly),
                timezone=nightly.timezone,
                slug="nightly",
                active=active,
            )
        ]
        if line.nightly
        else []
    )


def _active(nightly: Nightly, there: DeploymentResponse | None) -> bool:
    """Return whether the schedule is on: as it was switched in the UI, unless the recipe itself has
    changed its mind since.
    """
    if there is None or not there.schedules:
        return nightly.active
    said = (
        there.parameters.get("recipe", {})
        .get("placement", {})
        .get("nightly", {})
        .get("active", Nightly().active)
    )
    return nightly.active if said != nightly.active else there.schedules[0].active


def _work_pool(client: SyncPrefectClient) -> None:
    try:
        client.read_work_pool(POOL)
    except ObjectNotFound:
        client.create_work_pool(
            WorkPoolCreate(
                name=POOL,
                type="process",
                base_job_template=ProcessWorker.get_default_base_job_template(),
                description="The agent on this machine.",
            )
        )


def _limit(client: SyncPrefectClient, slots: int) -> None:
    client.upsert_global_concurrency_limit_by_name(GPU_SLOT, slots)


def asked(names: Sequence[str]) -> list[Path]:
    """Return the recipes to deploy: those named, or the pocket recipe, which needs no files and no
    GPU.
    """
    return [Path(name) for name in names] or [POCKET]


def main() -> None:
    """Deploy the recipes named, or the pocket recipe."""
    paths = asked(sys.argv[1:])
    try:
        recipes = [load_recipe(path) for path in paths]
    except MillError as exc:
        sys.exit(str(exc))
    root = Path(environ["TRACEMILL_ROOT"])
    Variable.set(
        PAGES, f"http://127.0.0.1:{int(environ['PREFECT_SERVER_API_PORT']) + 1}", overwrite=True
    )
    sys.stdout.writelines(f"{name}\n" for name in deploy(recipes, root, Path.cwd()))


if __name__ == "__main__":
    main()
