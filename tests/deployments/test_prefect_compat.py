"""Private names of Prefect: where prefect_compat takes them from, and nobody else."""

import inspect
import re
from importlib.metadata import version
from pathlib import Path

from prefect import flow
from prefect.deployments.runner import RunnerDeployment
from prefect.utilities.callables import ParameterSchema

from deployments import prefect_compat
from deployments.prefect_compat import (
    RUN_ID,
    SERVER_APP,
    TEMPORARY_SERVER,
    parameters_of,
    set_parameters,
    shell_line,
)

HOUSE = Path(__file__).parents[2]


@flow
def small(rows: int) -> int:
    return rows


def test_the_private_names_of_prefect_are_where_they_are_taken_from() -> None:
    import prefect.engine
    import prefect.server.api.server
    from prefect.flow_engine import load_flow_run  # noqa: F401
    from prefect.logging.configuration import setup_logging

    assert callable(setup_logging)
    assert callable(prefect.server.api.server.create_app)
    assert SERVER_APP == "prefect.server.api.server:create_app"
    assert RUN_ID in inspect.getsource(prefect.engine)
    server = inspect.getsource(prefect.server.api.server)
    assert all(name in server for name in TEMPORARY_SERVER)
    assert version("prefect").startswith("3.7."), "look at prefect_compat.py, then raise the bound"


def test_a_deployment_takes_another_schema_of_its_parameters() -> None:
    made = small.to_deployment(name="small")
    assert isinstance(made, RunnerDeployment)
    assert set(parameters_of(made).properties) == {"rows"}
    other = ParameterSchema(properties={"files": {"type": "string"}})
    set_parameters(made, other)
    assert parameters_of(made) == other


def test_a_command_is_one_line_that_a_shell_would_split_into_the_same_words() -> None:
    assert shell_line(["/a b/python", "-m", "x"]) in ("'/a b/python' -m x", '"/a b/python" -m x')


def test_only_prefect_compat_uses_private_names_of_prefect() -> None:
    private = re.compile(r"PREFECT__|_parameter_openapi_schema|prefect\.engine|processutils")
    own = Path(prefect_compat.__file__).name
    found = {
        path.name
        for room in ("tasks", "flows", "deployments")
        for path in (HOUSE / room).rglob("*.py")
        if private.search(path.read_text())
    }
    assert found == {own}
