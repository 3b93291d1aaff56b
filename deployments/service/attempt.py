"""One process at a time for a run.

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
LOOK_SECONDS = 5.0
PATIENCE_SECONDS = 60.0
CANCELLED = {
    "type": "CANCELLED",
    "name": "Cancelled",
    "message": "by its own process: the worker that began it is gone",
}


@contextlib.contextmanager
def alone(run: str) -> Iterator[None]:
    """Wait until no older process carries the run on; end with exit code 0 when the block fails and
    the server knows already how the run ended.
    """
    began = time.monotonic()
    while older := elders(run):
        if _called_silent(run) or time.monotonic() - began > PATIENCE_SECONDS:
            end(older)
        else:
            sys.stderr.write(f"waiting: process {older[0].pid} still carries this run on\n")
        psutil.wait_procs(older, timeout=5)
    _close_leftovers(run)
    worker = os.getppid()
    threading.Thread(target=_heed_cancel, args=(run, worker), daemon=True).start()
    try:
        yield
    except BaseException as exc:
        if getattr(exc, "code", 1) in (0, None) or not _known_as_ended(run):
            raise
        raise SystemExit(0) from exc
    finally:
        if os.getppid() != worker:
            _cancelled(run, worker)


def _close_leftovers(run: str) -> None:
    """Close what the attempts before this one left open, and what ended runs did; a server that is
    away keeps them.
    """
    with contextlib.suppress(ServiceDown, KeyError), Api(os.environ) as api:
        close_attempt(api, run)
        close_ended(api)


def elders(run: str) -> list[psutil.Process]:
    """Return the processes of this machine that were begun for the same run before this one."""
    own = psutil.Process()
    seen = psutil.process_iter(["cmdline", "create_time", "environ"])
    return [
        one
        for one in seen
        if "deployments.lean" in (one.info["cmdline"] or ())
        and (one.info["create_time"], one.pid) < (own.create_time(), own.pid)
        and (one.info["environ"] or {}).get(RUN_ID) == run
    ]


def _heed_cancel(run: str, worker: int) -> None:
    """End this process when its run is cancelled and the worker that should end it is gone. The
    next attempt closes what a killed process leaves open.
    """
    time.sleep(LOOK_SECONDS)
    while not _cancelled(run, worker):
        time.sleep(LOOK_SECONDS)
    os.kill(os.getpid(), signal.SIGKILL)


def _cancelled(run: str, worker: int) -> bool:
    """Return whether the run is cancelled. A run that waits for a worker that is gone is marked as
    cancelled here, and the next call returns True.
    """
    state = _asked(f"/flow_runs/{run}", {"state_type": "RUNNING"})["state_type"]
    if state == "CANCELLING" and os.getppid() != worker:
        _asked(f"/flow_runs/{run}/set_state", {}, {"state": CANCELLED})
    return bool(state == "CANCELLED")


def _called_silent(run: str) -> bool:
    """Whether the run was last called crashed because it gave no sign of life: then its process
    will not end by itself.
    """
    crashes = [
        state
        for state in _asked(f"/flow_run_states/?flow_run_id={run}", [])
        if state["type"] == "CRASHED"
    ]
    return bool(crashes) and crashes[-1]["name"] == SILENT


def _known_as_ended(run: str) -> bool:
    return _asked(f"/flow_runs/{run}", {"state_type": "RUNNING"})["state_type"] not in UNDER_WAY


def _asked(path: str, silence: Any, body: Mapping[str, object] | None = None) -> Any:
    """Return what the server answers, or this when it answers nothing of use."""
    with contextlib.suppress(ServiceDown, KeyError), Api(os.environ) as api:
        return api.post(path, body) if body else api.get(path)
    return silence
