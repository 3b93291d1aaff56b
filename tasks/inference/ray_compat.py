"""Every private name of Ray that is used here, each with the reason; `test_cluster.py` fails when
one has changed.
"""

import contextlib
import logging
import re
import signal
import threading
from collections.abc import Iterator, Mapping
from contextvars import copy_context
from typing import Any

HANDLER = "tracemill"
LOGGER = "tasks.inference.cluster"
COLOUR = re.compile(r"\x1b\[[0-9;]*m")


@contextlib.contextmanager
def heeding_sigterm() -> Iterator[None]:
    """Keep this process' answer to SIGTERM, all along: Ray's own is to exit, and a run cancelled
    then would count as crashed and be tried again.

    What Ray puts below Python's handlers (it writes a stack trace) is taken away again once Ray has
    started.
    """
    from ray._private import utils

    theirs, answer = utils.set_sigterm_handler, signal.getsignal(signal.SIGTERM)
    utils.set_sigterm_handler = lambda handler: None
    try:
        yield
    finally:
        utils.set_sigterm_handler = theirs
        if answer is not None and threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGTERM, answer)


@contextlib.contextmanager
def without_dashboard() -> Iterator[None]:
    """Keep Ray's dashboard process from being started: excluded and with reporting off, it still
    asks cloud metadata servers where it runs.
    """
    from ray._private import services

    start = services.start_api_server
    services.start_api_server = lambda *_, **__: (None, None)
    try:
        yield
    finally:
        services.start_api_server = start


def relay() -> None:
    """Log every line of this job's workers (Ray's own, and the engine's) as INFO, in the context of
    who joined last: it reaches that run's log.

    Ray, which would print them on the terminal, no longer does.
    """
    from ray._private.ray_logging import global_worker_stdstream_dispatcher as lines

    context = copy_context()
    for name in ("ray_print_logs", HANDLER):
        lines.remove_handler(name)
    lines.add_handler(HANDLER, lambda data: context.copy().run(_say, data))


def _say(data: Mapping[str, Any]) -> None:
    lines = (
        data["lines"] if str(data["pid"]).isdigit() else ()
    )  # the autoscaler's, every few seconds, say nothing of the work
    for line in lines:
        text = COLOUR.sub("", str(line)).strip()
        if text:
            logging.getLogger(LOGGER).info("%s", text)
