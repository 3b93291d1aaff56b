"""Prefect, loaded without pandas.

Prefect imports pandas wherever it is installed, for the keys of a cache that is not used here; that
is a third of the time until a run begins. Import this module before whatever imports Prefect.
`python -m deployments.lean` is Prefect's own engine begun so: the process of every deployed run.
"""

import os
import runpy
import sys

if "pandas" not in sys.modules:
    sys.modules["pandas"] = None  # type: ignore[assignment]
    try:
        import prefect.cache_policies  # noqa: F401
    finally:
        del sys.modules["pandas"]

if __name__ == "__main__":
    from deployments.service.attempt import alone

    with alone(os.environ.get("PREFECT__FLOW_RUN_ID", "")):
        runpy.run_module("prefect.engine", run_name="__main__", alter_sys=True)
