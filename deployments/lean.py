"""Prefect, loaded without pandas: import this module before whatever imports Prefect.

`python -m deployments.lean` is Prefect's own engine started so: the process of every deployed run.
"""

from deployments.prefect_compat import execute_run, run_id, without_pandas

without_pandas()

if __name__ == "__main__":
    from deployments.service.attempt import alone

    with alone(run_id()):
        execute_run()
