"""Processes that work for this one, and end with it: what is killed leaves nobody behind."""

import os
import signal
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context, parent_process
from multiprocessing.connection import wait
from threading import Thread


def pool(workers: int) -> ProcessPoolExecutor:
    """Return a pool of fresh processes.

    Left to themselves, a pool's workers outlive a parent that is killed: each waits for ever on a queue whose other end it holds as well.
    """
    return ProcessPoolExecutor(
        workers, mp_context=get_context("spawn"), initializer=end_with_parent
    )


def end_with_parent() -> None:
    """Kill this process when the one that spawned it has ended, however it ended. Does nothing in a process that multiprocessing did not spawn.

    vLLM, too, calls this in every process of an engine (the entry point `vllm.general_plugins` in pyproject.toml): its core outlives a killed parent
    for ever, and keeps the memory.
    """
    parent = parent_process()
    if parent is not None:
        Thread(target=_end_after, args=(parent.sentinel,), daemon=True).start()


def _end_after(sentinel: int) -> None:
    wait([sentinel])
    os.kill(os.getpid(), signal.SIGKILL)
