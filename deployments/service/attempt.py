"""Make sure that a run has only one process at a time.

Several components may report the same crash: the run, Prefect's runner, its worker, the automation
for silent runs. The retry begins soon after the last report, or at once if a person starts it. The
old process may need longer to end (Ray, an engine's memory), and a late report would be attributed
to the retry. So a new attempt waits until older processes have ended, and a process whose run has
already ended on the server reports nothing.

The worker that began a run cancels it. If that worker is gone, the run's own process does.
"""

import contextlib
import os
import signal
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from typing import Any

import psutil

from deployments.prefect_compat import RUN_ID
from deployments.service.home import SILENT
from deployments.service.leftovers import close_attempt, close_ended
from deployments.service.processes import end
from deployments.service.server import Api
from tasks.errors import ServiceDown

UNDER_WAY = {"PENDING", "RUNNING", "CANCELLING", "PAUSED"}
POLL_SECONDS = 5.0
"""Time between two looks at the state of the run."""
PATIENCE_SECONDS = 60.0
"""Time that an older process gets to end by itself."""
CANCELLED = {
    "type": "CANCELLED",
    "name": "Cancelled",
    "message": "cancelled by the run's own process, because its worker is gone",
}


@contextlib.contextmanager
def only_process_of(run: str) -> Iterator[None]:
    """Wait for the end of the run's older processes, then run the block.

    If the block fails and the run has already ended on the server, the process exits with code 0,
    so that nothing is reported. run: id of the flow run.
    """
    began = time.monotonic()
    while older := older_processes(run):
        if _crashed_silently(run) or time.monotonic() - began > PATIENCE_SECONDS:
            end(older)
        else:
            sys.stderr.write(f"waiting: process {older[0].pid} still works on this run\n")
        psutil.wait_procs(older, timeout=5)
    _close_leftovers(run)
    worker = os.getppid()
    threading.Thread(target=_end_when_cancelled, args=(run, worker), daemon=True).start()
    try:
        yield
    except BaseException as exc:
        if getattr(exc, "code", 1) in (0, None) or not _has_ended(run):
            raise
        raise SystemExit(0) from exc
    finally:
        if os.getppid() != worker:
            _cancelled(run, worker)


def _close_leftovers(run: str) -> None:
    """Close open task runs of earlier attempts and of ended runs, if the server answers."""
    with contextlib.suppress(ServiceDown, KeyError), Api(os.environ) as api:
        close_attempt(api, run)
        close_ended(api)


def older_processes(run: str) -> list[psutil.Process]:
    """Return the processes of this machine that began before this one, for the same run."""
    own = psutil.Process()
    processes = psutil.process_iter(["cmdline", "create_time", "environ"])
    return [
        one
        for one in processes
        if "deployments.lean" in (one.info["cmdline"] or ())
        and (one.info["create_time"], one.pid) < (own.create_time(), own.pid)
        and (one.info["environ"] or {}).get(RUN_ID) == run
    ]


def _end_when_cancelled(run: str, worker: int) -> None:
    """Kill this process after its run is cancelled, in case the worker that should do it is gone.

    The next attempt closes the open task runs of a killed process.
    """
    time.sleep(POLL_SECONDS)
    while not _cancelled(run, worker):
        time.sleep(POLL_SECONDS)
    os.kill(os.getpid(), signal.SIGKILL)


def _cancelled(run: str, worker: int) -> bool:
    """Return whether the run is cancelled.

    If its cancellation was requested and its worker is gone, the run is marked as cancelled here;
    the next call then returns True.
    """
    state = _answer(f"/flow_runs/{run}", {"state_type": "RUNNING"})["state_type"]
    if state == "CANCELLING" and os.getppid() != worker:
        _answer(f"/flow_runs/{run}/set_state", {}, {"state": CANCELLED})
    return bool(state == "CANCELLED")


def _crashed_silently(run: str) -> bool:
    """Return whether the run's latest crash was a missing heartbeat.

    The process of such a run does not end by itself.
    """
    states = _answer(f"/flow_run_states/?flow_run_id={run}", [])
    crashes = [state for state in states if state["type"] == "CRASHED"]
    return bool(crashes) and crashes[-1]["name"] == SILENT


def _has_ended(run: str) -> bool:
    return _answer(f"/flow_runs/{run}", {"state_type": "RUNNING"})["state_type"] not in UNDER_WAY


def _answer(path: str, default: Any, body: Mapping[str, object] | None = None) -> Any:
    """Return the server's answer, or the default if the server does not answer."""
    with contextlib.suppress(ServiceDown, KeyError), Api(os.environ) as api:
        return api.post(path, body) if body else api.get(path)
    return default
