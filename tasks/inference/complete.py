"""The only place that asks a model: requests in, completions out, each durable the moment it is
finished.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Protocol, TypeVar

from tasks.inference.engine import (
    Adapter,
    Ask,
    Completion,
    Engine,
    EnginePlacement,
    TeacherSpec,
    sampling_of,
)
from tasks.inference.journal import Journal
from tasks.inference.models import identity
from tasks.inference.warm import WARM
from tasks.progress import Progress
from tasks.spec import canonical, digest

Request = TypeVar("Request")
Request_contra = TypeVar("Request_contra", contravariant=True)
Answer = TypeVar("Answer")
Answer_co = TypeVar("Answer_co", covariant=True)
ASKING_VERSION = 2
"""Raise it when the same request would be asked differently: every answer is then asked for anew.
"""
JOURNALS = "journal"
"""Folder below the root that holds a journal for every teacher."""


class Asked(Protocol[Request_contra, Answer_co]):
    """What takes requests one by one: an engine, or a scorer."""

    async def ask(self, ask: Request_contra) -> Answer_co:
        """Return the answer to one request."""
        ...


class Completions:
    """The answers to some requests, by key, and what this run asked for them.

    requests, tokens, seconds: of this run alone; answers found in the journal do not count, nor
    does the start of an engine.
    """

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self.requests = self.tokens = 0
        self.seconds = 0.0

    def __getitem__(self, key: str) -> Completion:
        """Return the answer to a request; KeyError for a request that was not among them."""
        return self._journal.read(key)


def teacher_digest(teacher: TeacherSpec, adapter: Adapter | None = None) -> str:
    """Return what tells one teacher from another: settings, weights, adapter, the code that asks
    it.
    """
    model = digest(
        str(ASKING_VERSION),
        canonical(teacher.model_dump(mode="json")),
        identity(teacher.model, teacher.revision),
    )
    return digest(model, adapter.digest) if adapter else model


@contextmanager
def complete(
    asks: Callable[[], Iterable[Ask]],
    teacher: TeacherSpec,
    *,
    placement: EnginePlacement,
    journals: Path,
    progress: Progress,
    adapter: Adapter | None = None,
) -> Iterator[Completions]:
    """Give the answers to requests, asking only for what the teacher's journal does not hold.

    asks: called twice, for the keys and then for what is missing, so that no more requests than are
    in flight need to be held.

    One window of requests stays open from the first to the last. Requests of one key are asked
    once. Raises EngineLost or EndpointUnreachable; what was finished by then is in the journal.
    No engine is started when nothing is missing.
    """
    with closing(Journal(journals / f"{teacher_digest(teacher, adapter)}.sqlite")) as journal:
        given = Completions(journal)
        missing = {ask.key for ask in asks()}
        total = len(missing)
        missing -= journal.finished(missing)
        if missing:
            asking = _Asking(
                journal, given, done=total - len(missing), total=total, progress=progress
            )
            own = sampling_of(teacher)
            window = min(placement.window * placement.replicas, len(missing))
            pending = (
                ask._replace(sampling=own, adapter=adapter) for ask in _once(asks(), missing)
            )
            WARM.work(
                teacher,
                placement,
                lambda engine: asking.ask(pending, engine, window),
                adapter=adapter,
            )
        yield given


def _once(asks: Iterable[Ask], missing: set[str]) -> Iterator[Ask]:
    """Yield the missing requests, those of one key once."""
    for ask in asks:
        if ask.key in missing:
            missing.discard(ask.key)
            yield ask


class _Asking:
    """Asks what is missing, keeps every answer, counts it and reports it."""

    def __init__(
        self, journal: Journal, given: Completions, *, done: int, total: int, progress: Progress
    ) -> None:
        self._journal, self._given = journal, given
        self._done, self._total, self._progress = done, total, progress

    async def ask(self, pending: Iterable[Ask], engine: Engine, window: int) -> None:
        started = time.monotonic()
        try:
            await ask_all(pending, engine, window=window, keep=self._keep)
        finally:
            self._given.seconds += time.monotonic() - started

    def _keep(self, completion: Completion) -> None:
        self._journal.append(completion)
        self._given.requests += 1
        self._given.tokens += completion.completion_tokens
        self._done += 1
        self._progress(done=self._done, total=self._total, tokens=self._given.tokens)


async def ask_all(
    pending: Iterable[Request],
    engine: Asked[Request, Answer],
    *,
    window: int,
    keep: Callable[[Answer], object],
) -> None:
    """Ask every row with at most `window` in flight; a finished one is kept, and makes room for the
    next at once.
    """
    source = iter(pending)

    async def worker() -> None:
        for ask in source:
            keep(await engine.ask(ask))

    try:
        async with asyncio.TaskGroup() as group:
            for _ in range(window):
                group.create_task(worker())
    except ExceptionGroup as several:
        # One error says why; the cancelled siblings add nothing. No `except*`: before Python 3.11.4
        # it wraps what is raised from it in a group again.
        raise several.exceptions[0] from None


def ask_once(
    asks: Sequence[Ask], teacher: TeacherSpec, placement: EnginePlacement
) -> list[Completion]:
    """Return the answers in the order asked, and keep none of them: for a row that is looked at
    alone.
    """
    given: dict[str, Completion] = {}

    def work(engine: Engine) -> Awaitable[None]:
        own = sampling_of(teacher)
        whole = [ask._replace(sampling=own) for ask in asks]
        return ask_all(
            whole, engine, window=placement.window, keep=lambda one: given.update({one.key: one})
        )

    WARM.work(teacher, placement, work)
    return [given[ask.key] for ask in asks]
