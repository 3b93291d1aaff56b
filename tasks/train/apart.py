"""Work in a process of its own: it gives its memory back when it ends, and ends with the one that
started it.
"""

from collections.abc import Callable
from multiprocessing import get_context
from multiprocessing.connection import Connection
from typing import Any, TypeVar

from tasks.errors import MillError, TrainerLost
from tasks.processes import end_with_parent

T = TypeVar("T")
Tell = Callable[..., None]
GRACE_SECONDS = 20


def apart(work: Callable[[Any, Tell], T], job: object, tell: Tell) -> T:
    """Return what work(job, tell) returns, run in a fresh process; what it tells is told here.

    A GPU's memory is free again afterwards, for the engine that comes next. Raises the error of the
    work as it was raised, and TrainerLost when the process died without a word.
    """
    context = get_context("spawn")
    ours, theirs = context.Pipe(duplex=False)
    process = context.Process(target=_inside, args=(theirs, work, job), daemon=True)
    process.start()
    theirs.close()
    try:
        made = _listen(ours, tell)
        # One that is let go by itself gives back its semaphores, too.
        process.join(GRACE_SECONDS)
        return made  # type: ignore[no-any-return]
    except EOFError:
        process.join()
        raise TrainerLost(
            f"the training process died (exit code {process.exitcode}); -9 is most often a lack of memory"
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
        # Errors of foreign libraries do not always survive the way between processes; their words
        # do.
        pipe.send(("failed", RuntimeError(f"{type(exc).__name__}: {exc}")))
