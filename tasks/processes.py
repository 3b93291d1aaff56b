"""Worker processes that end when their parent process ends, even if it is killed."""

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
    """Return a pool of new processes that end with this process.

    Without `end_with_parent` the workers of a killed parent wait forever on a queue, whose other
    end they hold too. Raises UnguardedScript if every worker would run the calling script again.
    """
    refuse_unguarded(vars(sys.modules["__main__"]).get("__file__"))
    return ProcessPoolExecutor(
        workers, mp_context=get_context("spawn"), initializer=end_with_parent
    )


def refuse_unguarded(script: str | None) -> None:
    """Raise UnguardedScript if a script does not check `__name__`.

    script: file of the main module, None if it has no file.
    """
    if script is None or not script.endswith(".py") or not Path(script).is_file():
        return
    tree = ast.parse(Path(script).read_bytes())
    if not any(isinstance(node, ast.Name) and node.id == "__name__" for node in ast.walk(tree)):
        raise UnguardedScript(
            f"{script} starts work outside `if __name__ == '__main__':`; each worker process "
            "would run the script again. Put the call below that line"
        )


def end_with_parent() -> None:
    """Kill this process when its parent process ends, for whatever reason the parent ends.

    Does nothing in a process that multiprocessing did not spawn. vLLM calls this in every process
    of an engine (entry point `vllm.general_plugins` in pyproject.toml): without it the engine's
    core process outlives a killed parent and keeps the memory.
    """
    parent = parent_process()
    if parent is not None:
        Thread(target=_kill_after, args=(parent.sentinel,), daemon=True).start()


def _kill_after(sentinel: int) -> None:
    wait([sentinel])
    os.kill(os.getpid(), signal.SIGKILL)
