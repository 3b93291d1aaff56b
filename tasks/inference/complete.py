"""The only place that asks a model: requests in, completions out; each is saved when it is done."""

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
"""Version of how requests are sent. Raising it makes every request be sent again."""
JOURNALS = "journal"
"""Folder below the root with one journal per teacher."""


class Answers(Protocol[Request_contra, Answer_co]):
    """Something that answers requests one by one: an engine or a scorer."""

    async def ask(self, ask: Request_contra) -> Answer_co:
        """Return the answer to one request."""
        ...


class Completions:
    """The answers to some requests by key, and the work that this run did for them.

    requests, tokens, seconds: requests sent, completion tokens received and time spent by this run.
    Answers found in the journal and the start of an engine do not count.
    """

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self.requests = self.tokens = 0
        self.seconds = 0.0

    def __getitem__(self, key: str) -> Completion:
        """Return the answer to a request; KeyError for the key of any other request."""
        return self._journal.read(key)


def teacher_digest(teacher: TeacherSpec, adapter: Adapter | None = None) -> str:
    """Return the identity of a teacher: a digest of settings, weights, adapter, ASKING_VERSION."""
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
    """Yield the answers to all requests; send only those that the teacher's journal lacks.

    asks: returns the requests. It is called twice (for the keys, then for the missing requests), so
    that only the requests in flight are in memory.

    The window of requests stays full from the first request to the last. Requests with the same key
    are sent once. No engine starts if the journal has every answer. Raises EngineLost or
    EndpointUnreachable; the journal then keeps the answers that were finished.
    """
    with closing(Journal(journals / f"{teacher_digest(teacher, adapter)}.sqlite")) as journal:
        completions = Completions(journal)
        missing = {ask.key for ask in asks()}
        total = len(missing)
        missing -= journal.finished(missing)
        if missing:
            recorder = _Recorder(
                journal, completions, done=total - len(missing), total=total, progress=progress
            )
            own = sampling_of(teacher)
            window = min(placement.window * placement.replicas, len(missing))
            pending = (
                ask._replace(sampling=own, adapter=adapter) for ask in _unique(asks(), missing)
            )
            WARM.work(
                teacher,
                placement,
                lambda engine: recorder.ask(pending, engine, window),
                adapter=adapter,
            )
        yield completions


def _unique(asks: Iterable[Ask], missing: set[str]) -> Iterator[Ask]:
    """Yield one request for each missing key; removes the key from `missing`."""
    for ask in asks:
        if ask.key in missing:
            missing.discard(ask.key)
            yield ask


class _Recorder:
    """Sends requests, writes every answer into the journal, counts it and reports progress."""

    def __init__(
        self,
        journal: Journal,
        completions: Completions,
        *,
        done: int,
        total: int,
        progress: Progress,
    ) -> None:
        self._journal, self._completions = journal, completions
        self._done, self._total, self._progress = done, total, progress

    async def ask(self, pending: Iterable[Ask], engine: Engine, window: int) -> None:
        started = time.monotonic()
        try:
            await ask_all(pending, engine, window=window, keep=self._keep)
        finally:
            self._completions.seconds += time.monotonic() - started

    def _keep(self, completion: Completion) -> None:
        self._journal.append(completion)
        self._completions.requests += 1
        self._completions.tokens += completion.completion_tokens
        self._done += 1
        self._progress(done=self._done, total=self._total, tokens=self._completions.tokens)


async def ask_all(
    pending: Iterable[Request],
    engine: Answers[Request, Answer],
    *,
    window: int,
    keep: Callable[[Answer], object],
) -> None:
    """Send all requests with at most `window` of them in flight, and call `keep` with every answer.

    The next request is sent as soon as one is finished. Raises the first error of the engine.
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
        # The first error is the cause; the others are cancelled tasks. `except*` is not used:
        # before Python 3.11.4 it wraps an error raised inside it into a new group.
        raise several.exceptions[0] from None


def ask_once(
    asks: Sequence[Ask], teacher: TeacherSpec, placement: EnginePlacement
) -> list[Completion]:
    """Return the answers to a few requests, in the order of the requests, without a journal."""
    completions: dict[str, Completion] = {}
    own = sampling_of(teacher)
    pending = [ask._replace(sampling=own) for ask in asks]

    def keep(completion: Completion) -> None:
        completions[completion.key] = completion

    def work(engine: Engine) -> Awaitable[None]:
        return ask_all(pending, engine, window=placement.window, keep=keep)

    WARM.work(teacher, placement, work)
    return [completions[ask.key] for ask in asks]
