"""Progress of the running stage: the work reports it, and the caller of the stage shows it.

Without a watcher the reports are dropped, so no room needs a setting for progress.
"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Protocol, TypeVar

T = TypeVar("T")


class Progress(Protocol):
    """A function that takes the state of the work and returns quickly. total: 0 if unknown."""

    def __call__(self, *, done: int, total: int, tokens: int = 0, unit: str = "row") -> None: ...


def _unwatched(*, done: int, total: int, tokens: int = 0, unit: str = "row") -> None:
    """Drop a report, because nothing watches the work."""


_WATCHER: ContextVar[Progress] = ContextVar("watcher", default=_unwatched)


def watcher() -> Progress:
    """Return the watcher of this context. Call it before you start a thread."""
    return _WATCHER.get()


@contextmanager
def watched_by(progress: Progress) -> Iterator[None]:
    """Make `progress` the watcher of the work in this block."""
    token = _WATCHER.set(progress)
    try:
        yield
    finally:
        _WATCHER.reset(token)


def counted(items: Iterable[T], *, total: int = 0, of: int = 1, unit: str = "row") -> Iterator[T]:
    """Yield the items and report progress after each one.

    total: in units, 0 if unknown. of: units per item.
    """
    report = watcher()
    for number, item in enumerate(items, 1):
        done = number * of
        report(done=min(done, total) if total else done, total=total, unit=unit)
        yield item
