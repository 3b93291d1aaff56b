"""Processes that work for this one, and end with it: what is killed leaves nobody behind."""

import ctypes
import os
import signal
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context, parent_process

PR_SET_PDEATHSIG = 1


def pool(workers: int) -> ProcessPoolExecutor:
    """Return a pool of fresh processes.

    Left to themselves, a pool's workers outlive a parent that is killed: each waits for ever on a queue whose other end it holds as well.
    """
    return ProcessPoolExecutor(workers, mp_context=get_context("spawn"), initializer=end_with_parent)


def end_with_parent() -> None:
    """Have the kernel kill this process when the one that spawned it ends (prctl(2), PR_SET_PDEATHSIG)."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    parent = parent_process()
    if parent is not None and parent.pid != os.getppid():
        os.kill(os.getpid(), signal.SIGKILL)  # it ended before the kernel was told
