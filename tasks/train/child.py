"""Work in a child process, which frees its memory when it ends, and ends together with its
parent.
"""

from collections.abc import Callable
from multiprocessing import get_context
from multiprocessing.connection import Connection
from typing import Any, TypeVar

from tasks.errors import MillError, TrainerLost
from tasks.processes import end_with_parent

T = TypeVar("T")
Tell = Callable[..., None]
"""Sends progress to the parent."""
GRACE_SECONDS = 20
"""Seconds in which the child may end by itself."""


def in_child(work: Callable[[Any, Tell], T], job: object, tell: Tell) -> T:
    """Return the result of work(job, tell), run in a fresh process. Its progress is passed to
    `tell`.

    The memory of the GPU is free afterwards, for the next engine. Raises the error of the work, and
    TrainerLost if the process dies.
    """
    context = get_context("spawn")
    ours, theirs = context.Pipe(duplex=False)
    process = context.Process(target=_inside, args=(theirs, work, job), daemon=True)
    process.start()
    theirs.close()
    try:
        made = _listen(ours, tell)
        # A process that ends by itself also releases its semaphores.
        process.join(GRACE_SECONDS)
        return made  # type: ignore[no-any-return]
    except EOFError:
        process.join()
        raise TrainerLost(
            f"the training process died (exit code {process.exitcode}); "
            "-9 usually means that memory was short"
        ) from None
    finally:
        process.terminate()
        process.join()


def _listen(pipe: Connection, tell: Tell) -> Any:
    while True:
        kind, content = pipe.recv()
        if kind == "told":
            tell(**content)
        elif kind == "failed":
            raise content
        else:
            return content


def _inside(pipe: Connection, work: Callable[[Any, Tell], object], job: object) -> None:
    end_with_parent()
    try:
        pipe.send(("done", work(job, lambda **told: pipe.send(("told", told)))))
    except MillError as exc:
        pipe.send(("failed", exc))
    except Exception as exc:
        # Errors of other libraries cannot always be pickled, but their messages can.
        pipe.send(("failed", RuntimeError(f"{type(exc).__name__}: {exc}")))
