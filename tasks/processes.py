"""Processes that work for this one, and end with it: what is killed leaves nobody behind."""

import ast
import os
import signal
import sys
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context, parent_process
from multiprocessing.connection import wait
from pathlib import Path
from threading import Thread

from tasks.errors import UnguardedScript


def pool(workers: int) -> ProcessPoolExecutor:
    """Return a pool of fresh processes.

    Left to themselves, a pool's workers outlive a parent that is killed: each waits for ever on a
    queue whose other end it holds as well. UnguardedScript when every worker would run the calling
    script again.
    """
    refuse_unguarded(vars(sys.modules["__main__"]).get("__file__"))
    return ProcessPoolExecutor(
        workers, mp_context=get_context("spawn"), initializer=end_with_parent
    )


def refuse_unguarded(script: str | None) -> None:
    """Raise UnguardedScript for a script that does not ask whether it is the main module. script:
    its file, None for none.
    """
    if script is None or not script.endswith(".py") or not Path(script).is_file():
        return
    tree = ast.parse(Path(script).read_bytes())
    if not any(isinstance(node, ast.Name) and node.id == "__name__" for node in ast.walk(tree)):
        raise UnguardedScript(
            f"{script} starts work outside of `if __name__ == '__main__':`; each worker process "
            "would run the script again. Put the call below that line"
        )


def end_with_parent() -> None:
    """Kill this process when the one that spawned it has ended, however it ended. Does nothing in a
    process that multiprocessing did not spawn.

    vLLM, too, calls this in every process of an engine (the entry point `vllm.general_plugins` in
    pyproject.toml): its core outlives a killed parent for ever, and keeps the memory.
    """
    parent = parent_process()
    if parent is not None:
        Thread(target=_end_after, args=(parent.sentinel,), daemon=True).start()


def _end_after(sentinel: int) -> None:
    wait([sentinel])
    os.kill(os.getpid(), signal.SIGKILL)
