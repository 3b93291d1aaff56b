"""Every private name of Ray that is used here, each with its reason.

`tests/inference/test_cluster.py` fails if a later version of Ray has changed one of them.
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
def keeping_sigterm_handler() -> Iterator[None]:
    """Keep the SIGTERM handler of this process while Ray starts.

    Ray's own handler exits; a cancelled run would then count as crashed and run again. Ray also
    sets a handler in C that writes a stack trace; the handler of before is set again at the end.
    """
    from ray._private import utils

    set_by_ray, handler = utils.set_sigterm_handler, signal.getsignal(signal.SIGTERM)
    utils.set_sigterm_handler = lambda handler: None
    try:
        yield
    finally:
        utils.set_sigterm_handler = set_by_ray
        if handler is not None and threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGTERM, handler)


@contextlib.contextmanager
def without_dashboard() -> Iterator[None]:
    """Start Ray without its dashboard process.

    `include_dashboard=False` still starts that process, and it asks the metadata servers of clouds
    where it runs.
    """
    from ray._private import services

    start = services.start_api_server
    services.start_api_server = lambda *_, **__: (None, None)
    try:
        yield
    finally:
        services.start_api_server = start


def forward_worker_logs() -> None:
    """Log every output line of this job's workers and engines as INFO.

    The lines are logged in the context of the latest caller, so they reach the log of its run. Ray
    no longer prints them on the terminal.
    """
    from ray._private.ray_logging import global_worker_stdstream_dispatcher as lines

    context = copy_context()
    for name in ("ray_print_logs", HANDLER):
        lines.remove_handler(name)
    lines.add_handler(HANDLER, lambda data: context.copy().run(_log_lines, data))


def _log_lines(data: Mapping[str, Any]) -> None:
    # Lines without a process id come from the autoscaler every few seconds and are of no interest.
    lines = data["lines"] if str(data["pid"]).isdigit() else ()
    for line in lines:
        text = COLOUR.sub("", str(line)).strip()
        if text:
            logging.getLogger(LOGGER).info("%s", text)
