"""Every private name of Prefect that is used here, each with the reason; `test_prefect_compat.py`
fails when one has changed.

Only the standard library is imported at the top: who needs a constant must not load Prefect.
"""

import os
import runpy
import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from prefect.deployments.runner import RunnerDeployment
    from prefect.utilities.callables import ParameterSchema

RUN_ID = "PREFECT__FLOW_RUN_ID"
"""Variable in which a worker names the flow run of a process; no public call tells it."""
TEMPORARY_SERVER = {"PREFECT__SERVER_EPHEMERAL": "1", "PREFECT__SERVER_FINAL": "1"}
"""What Prefect sets for a temporary server of its own: it then skips what only a lasting server
needs.
"""
SERVER_APP = "prefect.server.api.server:create_app"
"""The server's application. `prefect server start` would start it in a process group of its own."""


def without_pandas() -> None:
    """Load Prefect without pandas, which it imports wherever it is installed.

    Prefect needs pandas for the keys of a cache that is not used here; that is a third of the time
    until a run begins.
    """
    if "pandas" in sys.modules:
        return
    sys.modules["pandas"] = None  # type: ignore[assignment]
    try:
        import prefect.cache_policies  # noqa: F401
    finally:
        del sys.modules["pandas"]


def run_id() -> str:
    """Return the flow run that this process was started for, "" when a worker did not start it."""
    return os.environ.get(RUN_ID, "")


def execute_run() -> None:
    """Execute the flow run that the environment names, as a worker's own command does."""
    runpy.run_module("prefect.engine", run_name="__main__", alter_sys=True)


def shell_line(words: list[str]) -> str:
    """Return a command as a work pool takes it: as one line that Prefect splits again."""
    from prefect.utilities.processutils import command_to_string

    return command_to_string(words)


def parameters_of(deployment: "RunnerDeployment") -> "ParameterSchema":
    """Return the schema of a deployment's parameters; `to_deployment` makes it and takes no other."""
    return deployment._parameter_openapi_schema


def set_parameters(deployment: "RunnerDeployment", schema: "ParameterSchema") -> None:
    """Replace the schema that the server checks parameters with."""
    deployment._parameter_openapi_schema = schema


def set_up_logging() -> Any:
    """Set up Prefect's log handlers now; otherwise the first flow does, after any change of them."""
    from prefect.logging.configuration import setup_logging

    return setup_logging()
