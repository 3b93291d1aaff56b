"""How a command ends that is told to stop: it says what is kept, and leaves no process behind."""

import contextlib
import os
import signal
import sys
from collections.abc import Iterator
from types import FrameType

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
GRACE_SECONDS = 10.0
KEPT = (
    "tracemill: stopped by {name}; finished tables, rows and embeddings are kept. "
    "Run the same command to go on\n"
)


class Stopped(BaseException):
    """A signal that asks this process to end. It is no Exception: no retry and no report catches
    it.
    """

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = number


@contextlib.contextmanager
def ending_on_signals() -> Iterator[None]:
    """End the process when it is told to, once the block has unwound: say what is kept, end every
    child.

    Exit code: 128 and the signal's number. A second signal ends it at once. A child may be
    Prefect's temporary server, Ray, an engine, or a pool of workers; none of them ends by itself at
    a SIGTERM.
    """
    heard: list[int] = []

    def stop(number: int, frame: FrameType | None) -> None:
        heard.append(number)
        if len(heard) > 1:
            _leave(heard[0])
        raise Stopped(number)

    for one in SIGNALS:
        # Whoever started this process may have had it ignore a signal, as nohup does.
        if signal.getsignal(one) is not signal.SIG_IGN:
            signal.signal(one, stop)
    try:
        yield
    except BaseException as exc:
        # Prefect and Ray may have made another exception of the signal on its way here.
        if not heard and not isinstance(exc, KeyboardInterrupt):
            raise
        _leave(heard[0] if heard else signal.SIGINT)


def _leave(number: int) -> None:
    for one in SIGNALS:
        signal.signal(one, signal.SIG_IGN)
    with contextlib.suppress(OSError):
        sys.stderr.write(KEPT.format(name=signal.Signals(number).name))
        sys.stderr.flush()
    _end_children()
    # What is registered to run at exit would wait for the children that are gone.
    os._exit(128 + number)


def _end_children() -> None:
    """Ask every descendant to end, and make those that are left."""
    import psutil

    children = psutil.Process().children(recursive=True)
    for ask in (psutil.Process.terminate, psutil.Process.kill):
        for child in children:
            with contextlib.suppress(psutil.Error):
                ask(child)
        _, children = psutil.wait_procs(children, timeout=GRACE_SECONDS)
