"""Register every flow of every recipe with the Prefect server that the environment names.

Usage: `python -m deployments.deploy [RECIPE …]`. It can be repeated; known deployments are updated.
A deployment that a person has paused stays paused. A schedule that a person has switched on or off
stays so until `placement.nightly.active` of the recipe changes. Prints one flow/recipe per line.
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


class Deployed(NamedTuple):
    """A flow that is deployed for every recipe.

    nightly: name of its schedule in `placement.nightly` of the recipe, "" for no schedule.
    """

    flow: Flow[..., Any]
    nightly: str = ""


class ClosedSchema(ParameterSchema):
    """The parameters of a flow; the server refuses all others."""

    additionalProperties: bool


DEPLOYED = (
    Deployed(build_corpus, "corpus"),
    Deployed(run_factory, "factory"),
    Deployed(train_student),
    Deployed(probe_student),
    Deployed(diagnose_student),
    Deployed(measure_teacher),
)


def deploy(
    recipes: Sequence[Recipe], root: Path, working_dir: Path, *, gpu_slots: int = 1
) -> list[str]:
    """Return the names of the deployments, one for every recipe and flow, after registering them.

    The work pool, the limit on GPUs and the automations are registered too. root: folder of the
    store. working_dir: folder in which runs start. gpu_slots: stages that may use the GPU at the
    same time.
    """
    with get_client(sync_client=True) as client:
        _work_pool(client)
        _limit(client, gpu_slots)
        register()
        return [
            _register(client, deployed, recipe, root, working_dir)
            for recipe in recipes
            for deployed in DEPLOYED
        ]


def _register(
    client: SyncPrefectClient, deployed: Deployed, recipe: Recipe, root: Path, working_dir: Path
) -> str:
    name = f"{deployed.flow.name}/{recipe.name}"
    known = _known(client, name)
    made: RunnerDeployment = deployed.flow.to_deployment(  # type: ignore[assignment]
        name=recipe.name,
        work_pool_name=POOL,
        entrypoint_type=EntrypointType.MODULE_PATH,
        schedules=_schedules(deployed, recipe, known),
        parameters={
            "recipe": recipe.model_dump(mode="json", exclude_unset=True),
            "root": str(root),
        },
        tags=["tracemill", recipe.name],
        concurrency_limit=ConcurrencyLimitConfig(
            limit=1, collision_strategy=ConcurrencyLimitStrategy.ENQUEUE
        ),
        job_variables={"command": ENGINE, "working_dir": str(working_dir), "stream_output": False},
        paused=bool(known and known.paused),
    )
    set_parameters(made, _closed(parameters_of(made), deployed.flow))
    made.apply()
    return name


def _known(client: SyncPrefectClient, name: str) -> DeploymentResponse | None:
    try:
        return client.read_deployment_by_name(name)
    except ObjectNotFound:
        return None


def _closed(schema: ParameterSchema, flow: Flow[..., Any]) -> ClosedSchema:
    """Return the schema of a flow's parameters, with descriptions and without other parameters.

    The descriptions are in the annotations of the flow; Prefect does not read them there.
    """
    tree = schema.model_dump()
    for name, kind in get_type_hints(flow.fn, include_extras=True).items():
        for note in getattr(kind, "__metadata__", ()):
            tree["properties"][name]["description"] = note.description
    tree["properties"] = with_lines(tree["properties"], Recipe)
    return ClosedSchema(**tree, additionalProperties=False)


def _schedules(deployed: Deployed, recipe: Recipe, known: DeploymentResponse | None) -> list[Any]:
    if not deployed.nightly:
        return []
    nightly = recipe.placement.nightly
    when = getattr(nightly, deployed.nightly)
    active = _active(nightly, known)
    return [Cron(when, timezone=nightly.timezone, slug="nightly", active=active)]


def _active(nightly: Nightly, known: DeploymentResponse | None) -> bool:
    """Return whether the schedule is on.

    It keeps its state in the UI, unless `placement.nightly.active` of the recipe has changed since
    the last registration.
    """
    if known is None or not known.schedules:
        return nightly.active
    placement = known.parameters.get("recipe", {}).get("placement", {})
    registered = placement.get("nightly", {}).get("active", Nightly().active)
    return nightly.active if registered != nightly.active else known.schedules[0].active


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


def recipe_paths(names: Sequence[str]) -> list[Path]:
    """Return the recipes to deploy: the named ones, or else the pocket recipe.

    The pocket recipe needs no files and no GPU.
    """
    return [Path(name) for name in names] or [POCKET]


def main() -> None:
    """Deploy the recipes named on the command line, or else the pocket recipe."""
    paths = recipe_paths(sys.argv[1:])
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
