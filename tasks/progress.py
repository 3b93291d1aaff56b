"""How far the running stage has come: the work reports it here, and whoever runs the stage shows
it.

Work that nobody watches reports to nobody, so a room needs no setting for it.
"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Protocol, TypeVar

T = TypeVar("T")


class Progress(Protocol):
    """Takes the state of the work; must be quick. total: 0 where it is not known."""

    def __call__(self, *, done: int, total: int, tokens: int = 0, unit: str = "row") -> None: ...


def _unwatched(*, done: int, total: int, tokens: int = 0, unit: str = "row") -> None:
    """Drop a report that nobody asked for."""


_WATCHER: ContextVar[Progress] = ContextVar("watcher", default=_unwatched)


def watcher() -> Progress:
    """Return whoever watches the work of this context. Take it before you start a thread."""
    return _WATCHER.get()


@contextmanager
def watched_by(progress: Progress) -> Iterator[None]:
    """Have the work of this block report to `progress`."""
    token = _WATCHER.set(progress)
    try:
        yield
    finally:
        _WATCHER.reset(token)


def counted(items: Iterable[T], *, total: int = 0, of: int = 1, unit: str = "row") -> Iterator[T]:
    """Yield the items and report each one when it has come. of: units that an item holds.

    total: in units, 0 where it is not known.
    """
    report = watcher()
    for number, item in enumerate(items, 1):
        done = number * of
        report(done=min(done, total) if total else done, total=total, unit=unit)
        yield item
