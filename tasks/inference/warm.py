"""The loaded engine of a process: stages that use the same weights share it."""

import asyncio
import atexit
import logging
import threading
from collections.abc import Awaitable, Callable, Coroutine
from concurrent.futures import Future
from typing import Any, NamedTuple, TypeVar, cast

from tasks.inference.engine import Adapter, Engine, EnginePlacement, TeacherSpec
from tasks.inference.memory import room_for_training
from tasks.inference.models import identity
from tasks.inference.opening import open_engine, open_scorer, rank_of
from tasks.inference.scoring import Scorer

T = TypeVar("T")
STOP_SECONDS = 30.0
"""Longest wait for cancelled work to end."""
log = logging.getLogger(__name__)


class _Loaded(NamedTuple):
    """What a loaded engine can do.

    weights: what it was loaded from. longest: tokens of its longest sequence. rank: of the largest
    adapter that it has room for.
    """

    weights: tuple[object, ...]
    longest: int
    rank: int

    def serves(self, wanted: "_Loaded") -> bool:
        """Return whether this engine can serve requests for the wanted one."""
        return (
            self.weights == wanted.weights
            and self.longest >= wanted.longest
            and self.rank >= wanted.rank
        )


class Warm:
    """At most one loaded engine, on an event loop in its own thread; all stages share it.

    An engine serves every request for its weights that fits its context window. It is closed
    when other weights, another placement or a longer window is needed, when work on it fails,
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
        """Number of engines loaded so far."""

    def begin(self, teacher: TeacherSpec, placement: EnginePlacement) -> None:
        """Start to load the teacher's engine in the background.

        An error while loading is raised by the next `work` or `score`.
        """
        if teacher.engine == "vllm" and self._engine is None and self._ahead is None:
            _join(placement)
            loading = self._engine_for(teacher, placement, None)
            self._ahead = asyncio.run_coroutine_threadsafe(loading, self._running_loop())

    def work(
        self,
        teacher: TeacherSpec,
        placement: EnginePlacement,
        work: Callable[[Engine], Awaitable[T]],
        *,
        adapter: Adapter | None = None,
    ) -> T:
        """Return the result of `work` on the teacher's engine, which is loaded if necessary."""
        return self._run_alone(teacher, placement, self._work(teacher, placement, work, adapter))

    def score(
        self,
        teacher: TeacherSpec,
        placement: EnginePlacement,
        work: Callable[[Scorer], Awaitable[T]],
    ) -> T:
        """Return the result of `work` on a scorer of the teacher's weights.

        A scorer needs its own engine, so an engine for answers is closed first.
        """
        return self._run_alone(teacher, placement, self._score(teacher, placement, work))

    def release(self) -> None:
        """Close the engine, if there is one, so that its memory is free for other work."""
        with self._busy:
            ahead, self._ahead = self._ahead, None
            if ahead:
                ahead.cancel()
            if self._engine:
                self._run(self._close())

    def make_room(self) -> None:
        """Close the engine unless there is enough memory for a training beside it."""
        if (self._engine or self._ahead) and not room_for_training():
            self.release()

    def __enter__(self) -> "Warm":
        """Return this object; the engine is closed at the end of the block."""
        return self

    def __exit__(self, *exc: object) -> None:
        self.release()

    def _run_alone(
        self, teacher: TeacherSpec, placement: EnginePlacement, work: Coroutine[Any, Any, T]
    ) -> T:
        ahead, self._ahead = self._ahead, None
        try:
            if teacher.engine == "vllm":
                _join(placement)
            if ahead:
                ahead.result()
        except BaseException:
            # After an interrupted wait nothing would close an engine that is still loading.
            if ahead:
                ahead.cancel()
            work.close()
            raise
        with self._busy:
            return self._run(work)

    async def _score(
        self,
        teacher: TeacherSpec,
        placement: EnginePlacement,
        work: Callable[[Scorer], Awaitable[T]],
    ) -> T:
        wanted = _Loaded(("scores", *_origin(teacher, placement)), teacher.max_model_len, 0)
        opened = await self._serving(wanted, teacher, lambda: open_scorer(teacher, placement))
        return await self._close_on_failure(work(cast(Scorer, opened)))

    async def _work(
        self,
        teacher: TeacherSpec,
        placement: EnginePlacement,
        work: Callable[[Engine], Awaitable[T]],
        adapter: Adapter | None,
    ) -> T:
        engine = await self._engine_for(teacher, placement, adapter)
        return await self._close_on_failure(work(engine))

    async def _close_on_failure(self, work: Awaitable[T]) -> T:
        """Return the result of `work`; close the engine if it fails."""
        try:
            return await work
        except BaseException:
            await self._close()
            raise

    async def _engine_for(
        self, teacher: TeacherSpec, placement: EnginePlacement, adapter: Adapter | None
    ) -> Engine:
        rank = max(placement.adapter_rank, rank_of(adapter) if adapter else 0)
        wanted = _Loaded(_origin(teacher, placement), teacher.max_model_len, rank)
        opened = await self._serving(
            wanted, teacher, lambda: open_engine(teacher, placement, adapter)
        )
        return cast(Engine, opened)

    async def _serving(
        self,
        wanted: _Loaded,
        teacher: TeacherSpec,
        load: Callable[[], Awaitable[Engine | Scorer]],
    ) -> Engine | Scorer:
        """Return the loaded engine if it serves what is wanted; else close it and load another."""
        async with self._loading:
            if self._engine is None or not self._loaded.serves(wanted):
                await self._close()
                self.loads += 1
                log.info("loading an engine for %s", teacher.model)
                self._engine = await load()
                self._loaded = wanted
            return self._engine

    async def _close(self) -> None:
        engine, self._engine = self._engine, None
        if engine:
            await engine.close()

    def _run(self, work: Awaitable[T]) -> T:
        """Return the result of `work`, run on the loop.

        An interrupt of this thread cancels the work and waits until it has ended.
        """
        ended = threading.Event()

        async def signalling_end() -> T:
            try:
                return await work
            finally:
                ended.set()

        future = asyncio.run_coroutine_threadsafe(signalling_end(), self._running_loop())
        try:
            return future.result()
        except BaseException:
            future.cancel()
            ended.wait(STOP_SECONDS)
            raise

    def _running_loop(self) -> asyncio.AbstractEventLoop:
        """Return the event loop; the first call starts it in a thread of its own."""
        if self._loop is None:
            self._loop = asyncio.new_event_loop()
            threading.Thread(target=self._loop.run_forever, name="engine", daemon=True).start()
            atexit.register(self.release)
        return self._loop


WARM = Warm()
"""The engine of this process."""


def _join(placement: EnginePlacement) -> None:
    """Join or start Ray in this thread, because only the main thread can handle signals."""
    from tasks.inference.cluster import join_ray

    join_ray(placement.ray_address, niceness=placement.niceness)


def _origin(teacher: TeacherSpec, placement: EnginePlacement) -> tuple[object, ...]:
    """Return what an engine is loaded from; sampling and the window of requests are not part."""
    if teacher.engine != "vllm":
        return (teacher, placement)
    return (
        identity(teacher.model, teacher.revision),
        teacher.trust_remote_code,
        placement.ray_address,
        placement.replicas,
        placement.tensor_parallel,
    )
