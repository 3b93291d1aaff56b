"""Every private name of Prefect that is used here, each with its reason.

`tests/deployments/test_prefect_compat.py` fails if a later version of Prefect has changed one of
them. Only the standard library is imported at the top, so that a constant can be read without
loading Prefect.
"""

import os
import runpy
import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from prefect.deployments.runner import RunnerDeployment
    from prefect.utilities.callables import ParameterSchema

RUN_ID = "PREFECT__FLOW_RUN_ID"
"""Environment variable with a process' flow run; Prefect has no public function for it."""
TEMPORARY_SERVER = {"PREFECT__SERVER_EPHEMERAL": "1", "PREFECT__SERVER_FINAL": "1"}
"""Variables that Prefect sets for its own temporary servers; they turn off services that only a
permanent server needs.
"""
SERVER_APP = "prefect.server.api.server:create_app"
"""The server's application. `prefect server start` would start it in a process group of its own."""


def without_pandas() -> None:
    """Import Prefect without pandas, which Prefect imports if it is installed.

    Prefect uses pandas only for the keys of a cache, and this cache is not used here. Importing
    pandas takes a third of the time until a run begins.
    """
    if "pandas" in sys.modules:
        return
    sys.modules["pandas"] = None  # type: ignore[assignment]
    try:
        import prefect.cache_policies  # noqa: F401
    finally:
        del sys.modules["pandas"]


def run_id() -> str:
    """Return the id of this process' flow run; "" if no worker started the process."""
    return os.environ.get(RUN_ID, "")


def execute_run() -> None:
    """Execute the flow run that the environment names, as the command of a worker does."""
    runpy.run_module("prefect.engine", run_name="__main__", alter_sys=True)


def shell_line(words: list[str]) -> str:
    """Return a command as one line for a work pool; Prefect splits it again."""
    from prefect.utilities.processutils import command_to_string

    return command_to_string(words)


def parameters_of(deployment: "RunnerDeployment") -> "ParameterSchema":
    """Return the schema of a deployment's parameters, which `to_deployment` cannot be given."""
    return deployment._parameter_openapi_schema


def set_parameters(deployment: "RunnerDeployment", schema: "ParameterSchema") -> None:
    """Replace the schema with which the server checks a deployment's parameters."""
    deployment._parameter_openapi_schema = schema


def set_up_logging() -> Any:
    """Set up Prefect's log handlers now. Else the first flow does it and undoes later changes."""
    from prefect.logging.configuration import setup_logging

    return setup_logging()
