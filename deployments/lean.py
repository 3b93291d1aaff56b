"""Load Prefect without pandas: import this module before any module that imports Prefect.

`python -m deployments.lean` starts Prefect's engine in this way; it is the process of every
deployed run.
"""

from deployments.prefect_compat import execute_run, run_id, without_pandas

without_pandas()

if __name__ == "__main__":
    from deployments.service.attempt import only_process_of

    with only_process_of(run_id()):
        execute_run()
