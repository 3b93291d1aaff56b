"""The engine that stays loaded: work on the same weights finds it warm, other work closes it first."""

import asyncio
import atexit
import logging
import threading
from collections.abc import Awaitable, Callable, Coroutine
from concurrent.futures import Future
from typing import Any, NamedTuple, TypeVar, cast

from tasks.inference.engine import Adapter, Engine, EnginePlacement, TeacherSpec
from tasks.inference.memory import roomy
from tasks.inference.models import identity
from tasks.inference.opening import open_engine, open_scorer, rank_of
from tasks.inference.scoring import Scorer

T = TypeVar("T")
STOP_SECONDS = 30.0
log = logging.getLogger(__name__)


class _Loaded(NamedTuple):
    """What an engine was loaded from, the longest sequence and the largest adapter that it takes."""

    weights: tuple[object, ...]
    longest: int
    rank: int

    def serves(self, wanted: "_Loaded") -> bool:
        """Whether requests for what is wanted can be put to it."""
        return (
            self.weights == wanted.weights
            and self.longest >= wanted.longest
            and self.rank >= wanted.rank
        )


class Warm:
    """One engine at a time, on an event loop of its own thread; stages of one process share it.

    An engine serves every request for its weights that is not longer than its window. It is closed
    when other weights, another placement or a longer window are asked for, when work on it fails,
    and by `release`.
    """

    def __init__(self) -> None:
        self._loop: asyncio.AbstractEventLoop | None = None
        self._engine: Engine | Scorer | None = None
        self._loaded = _Loaded((), 0, 0)
        self._busy = threading.Lock()
        self._loading = asyncio.Lock()
        self._ahead: Future[Engine] | None = None
        self.loads = 0
        """Engines that were loaded so far."""

    def begin(self, teacher: TeacherSpec, placement: EnginePlacement) -> None:
        """Load the teacher's engine while other stages work. What goes wrong is raised when the
        engine is asked for.
        """
        if teacher.engine == "vllm" and self._engine is None and self._ahead is None:
            _join(placement)
            opened = self._opened(teacher, placement, None)
            self._ahead = asyncio.run_coroutine_threadsafe(opened, self._running())

    def work(
        self,
        teacher: TeacherSpec,
        placement: EnginePlacement,
        work: Callable[[Engine], Awaitable[T]],
        *,
        adapter: Adapter | None = None,
    ) -> T:
        """Return what work on the teacher's engine gives; the engine is loaded first where it is
        not.
        """
        return self._held(teacher, placement, self._worked(teacher, placement, work, adapter))

    def score(
        self,
        teacher: TeacherSpec,
        placement: EnginePlacement,
        work: Callable[[Scorer], Awaitable[T]],
    ) -> T:
        """Return what work on a scorer of the teacher's weights gives.

        It is another engine than the one that answers, so that one is closed first.
        """
        return self._held(teacher, placement, self._scored(teacher, placement, work))

    def release(self) -> None:
        """Close the engine, if there is one: a training, or another program, wants its memory."""
        with self._busy:
            ahead, self._ahead = self._ahead, None
            if ahead:
                ahead.cancel()
            if self._engine:
                self._run(self._close())

    def make_room(self) -> None:
        """Close the engine, unless a training fits beside it."""
        if (self._engine or self._ahead) and not roomy():
            self.release()

    def __enter__(self) -> "Warm":
        """Begin a block at whose end the engine is closed."""
        return self

    def __exit__(self, *exc: object) -> None:
        self.release()

    def _held(
        self, teacher: TeacherSpec, placement: EnginePlacement, work: Coroutine[Any, Any, T]
    ) -> T:
        ahead, self._ahead = self._ahead, None
        try:
            if teacher.engine == "vllm":
                _join(placement)
            if ahead:
                ahead.result()
        except BaseException:
            # An interrupted wait must not leave an engine loading that nobody would close.
            if ahead:
                ahead.cancel()
            work.close()
            raise
        with self._busy:
            return self._run(work)

    async def _scored(
        self,
        teacher: TeacherSpec,
        placement: EnginePlacement,
        work: Callable[[Scorer], Awaitable[T]],
    ) -> T:
        wanted = _Loaded(("scores", *_wanted(teacher, placement)), teacher.max_model_len, 0)
        scorer = cast(
            Scorer, await self._loaded_for(wanted, teacher, lambda: open_scorer(teacher, placement))
        )
        return await self._ended(work(scorer))

    async def _worked(
        self,
        teacher: TeacherSpec,
        placement: EnginePlacement,
        work: Callable[[Engine], Awaitable[T]],
        adapter: Adapter | None,
    ) -> T:
        return await self._ended(work(await self._opened(teacher, placement, adapter)))

    async def _ended(self, work: Awaitable[T]) -> T:
        """Return what work gives; the engine is closed when it fails."""
        try:
            return await work
        except BaseException:
            await self._close()
            raise

    async def _opened(
        self, teacher: TeacherSpec, placement: EnginePlacement, adapter: Adapter | None
    ) -> Engine:
        rank = max(placement.adapter_rank, rank_of(adapter) if adapter else 0)
        wanted = _Loaded(_wanted(teacher, placement), teacher.max_model_len, rank)
        opened = await self._loaded_for(
            wanted, teacher, lambda: open_engine(teacher, placement, adapter)
        )
        return cast(Engine, opened)

    async def _loaded_for(
        self,
        wanted: _Loaded,
        teacher: TeacherSpec,
        opened: Callable[[], Awaitable[Engine | Scorer]],
    ) -> Engine | Scorer:
        async with self._loading:
            if self._engine is None or not self._loaded.serves(wanted):
                await self._close()
                self.loads += 1
                log.info("loading an engine for %s", teacher.model)
                self._engine = await opened()
                self._loaded = wanted
            return self._engine

    async def _close(self) -> None:
        held, self._engine = self._engine, None
        if held:
            await held.close()

    def _run(self, work: Awaitable[T]) -> T:
        """Return what work gives on the loop. An interrupt of this thread cancels the work and
        waits until it has ended.
        """
        ended = threading.Event()

        async def carried() -> T:
            try:
                return await work
            finally:
                ended.set()

        future = asyncio.run_coroutine_threadsafe(carried(), self._running())
        try:
            return future.result()
        except BaseException:
            future.cancel()
            ended.wait(STOP_SECONDS)
            raise

    def _running(self) -> asyncio.AbstractEventLoop:
        """Return the loop, begun on a thread of its own at the first use."""
        if self._loop is None:
            self._loop = asyncio.new_event_loop()
            threading.Thread(target=self._loop.run_forever, name="engine", daemon=True).start()
            atexit.register(self.release)
        return self._loop


WARM = Warm()
"""The engine of this process."""


def _join(placement: EnginePlacement) -> None:
    """Join or start Ray, on this thread: it must be the one that hears signals."""
    from tasks.inference.cluster import join_ray

    join_ray(placement.ray_address, niceness=placement.niceness)


def _wanted(teacher: TeacherSpec, placement: EnginePlacement) -> tuple[object, ...]:
    """Return what an engine is loaded from. How a request is sampled, and how many are in flight,
    is not part of it.
    """
    if teacher.engine != "vllm":
        return (teacher, placement)
    return (
        identity(teacher.model, teacher.revision),
        teacher.trust_remote_code,
        placement.ray_address,
        placement.replicas,
        placement.tensor_parallel,
    )
