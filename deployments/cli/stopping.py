"""End a command after a signal: print what is kept, and end all child processes."""

import contextlib
import os
import signal
import sys
from collections.abc import Iterator
from types import FrameType

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
GRACE_SECONDS = 10.0
"""Time that a child process gets to end before it is killed."""
KEPT = (
    "tracemill: stopped by {name}; finished tables, rows and embeddings are kept. "
    "Run the same command to continue\n"
)


class Stopped(BaseException):
    """A signal to end this process; as a BaseException, no `except Exception` catches it."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = number


@contextlib.contextmanager
def ending_on_signals() -> Iterator[None]:
    """End the process after a signal: leave the block, print what is kept, end every child process.

    The exit code is 128 plus the signal's number. A second signal ends the process at once. A child
    may be Prefect's temporary server, Ray, an engine, or a pool of workers; a SIGTERM to the parent
    does not end them.
    """
    received: list[int] = []

    def stop(number: int, frame: FrameType | None) -> None:
        received.append(number)
        if len(received) > 1:
            _exit(received[0])
        raise Stopped(number)

    for one in SIGNALS:
        # The parent process may have set a signal to be ignored, as nohup does.
        if signal.getsignal(one) is not signal.SIG_IGN:
            signal.signal(one, stop)
    try:
        yield
    except BaseException as exc:
        # Prefect and Ray may have replaced Stopped by another exception.
        if not received and not isinstance(exc, KeyboardInterrupt):
            raise
        _exit(received[0] if received else signal.SIGINT)


def _exit(number: int) -> None:
    for one in SIGNALS:
        signal.signal(one, signal.SIG_IGN)
    with contextlib.suppress(OSError):
        sys.stderr.write(KEPT.format(name=signal.Signals(number).name))
        sys.stderr.flush()
    _end_children()
    # Without exit handlers: they would wait for children that have ended.
    os._exit(128 + number)


def _end_children() -> None:
    """Send SIGTERM to every descendant, wait, and kill those that are left."""
    import psutil

    children = psutil.Process().children(recursive=True)
    for end in (psutil.Process.terminate, psutil.Process.kill):
        for child in children:
            with contextlib.suppress(psutil.Error):
                end(child)
        _, children = psutil.wait_procs(children, timeout=GRACE_SECONDS)
