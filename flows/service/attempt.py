"""One process at a time for a run.

A run is called crashed by all who notice: the run itself, Prefect's runner, its worker, the
automation for silent runs. It is tried again soon after the last word, or by a person at once,
while the process of the attempt before may take longer to end (Ray, an engine's memory); and a word
that comes later still would be taken for the new attempt's. So a new attempt waits for the older
ones to end, and one that the server knows of as ended adds no word of its own.

A run is cancelled by the worker that began it. Where that one has gone since, its process cancels
the run itself.
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

from flows.service.home import SILENT
from flows.service.leftovers import close_attempt, close_ended
from flows.service.processes import end
from flows.service.server import Api
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
        if "flows.lean" in (one.info["cmdline"] or ())
        and (one.info["create_time"], one.pid) < (own.create_time(), own.pid)
        and (one.info["environ"] or {}).get("PREFECT__FLOW_RUN_ID") == run
    ]


def _heed_cancel(run: str, worker: int) -> None:
    """End this process when the run is cancelled though the worker that should have ended it is
    gone. What a kill leaves undone is undone by others.
    """
    time.sleep(LOOK_SECONDS)
    while not _cancelled(run, worker):
        time.sleep(LOOK_SECONDS)
    os.kill(os.getpid(), signal.SIGKILL)


def _cancelled(run: str, worker: int) -> bool:
    """Whether the run is cancelled. One that shall be and has no worker any more is called so here,
    and is when next looked at.
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
