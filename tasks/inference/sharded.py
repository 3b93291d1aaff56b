"""Several vLLM engines as Ray actors; a dead engine is replaced and gets its requests again."""

import asyncio
import contextlib
import logging
from typing import Any, Generic, TypeVar

from tasks.errors import BadRecipe, EngineLost, MillError
from tasks.inference.cluster import engine_actor, init_failed, join_ray, kill_actor, ray_error
from tasks.inference.engine import Ask, Completion, EnginePlacement, TeacherSpec
from tasks.inference.scoring import Scored, Text

STOP_SECONDS = 20
"""Time that an engine may take to stop before its process is killed."""
Q = TypeVar("Q", Ask, Text)
A = TypeVar("A", Completion, Scored)
log = logging.getLogger(__name__)


class Sharded(Generic[Q, A]):
    """Several vLLM engines used as one; a request goes to the engine with the fewest in flight.

    Q, A: the types of requests and answers: Ask and Completion, or Text and Scored for scorers.
    """

    def __init__(self, spec: TeacherSpec, placement: EnginePlacement, *, scores: bool) -> None:
        self._replicas: list[_Replica[Q, A]] = [
            _Replica(spec, placement, number, scores=scores) for number in range(placement.replicas)
        ]

    @classmethod
    async def start(
        cls, spec: TeacherSpec, placement: EnginePlacement, *, scores: bool = False
    ) -> "Sharded[Q, A]":
        """Return the loaded engines, after joining or starting Ray.

        Raises RayNotStarted, BadRecipe if a model cannot be loaded, EngineLost if an engine dies.
        """
        join_ray(placement.ray_address, niceness=placement.niceness)
        engine = cls(spec, placement, scores=scores)
        try:
            await asyncio.gather(*(replica.start() for replica in engine._replicas))
        except BaseException:
            await engine.close()
            raise
        return engine

    async def ask(self, ask: Q) -> A:
        """Return the answer to a request. Raises EngineLost if its engine died too often."""
        return await min(self._replicas, key=lambda replica: len(replica.waiting)).ask(ask)

    async def close(self) -> None:
        """Stop every actor. Ray stays for the next engine of this process."""
        await asyncio.gather(*(replica.close() for replica in self._replicas))

    @property
    def pids(self) -> list[int]:
        """Process ids of the live actors."""
        return [replica.pid for replica in self._replicas if replica.pid]


ShardedEngine = Sharded[Ask, Completion]
"""Engines that answer."""
ShardedScorer = Sharded[Text, Scored]
"""Engines that score."""


class _Replica(Generic[Q, A]):
    """The current actor of one engine, and the requests that wait for its answers."""

    def __init__(
        self, spec: TeacherSpec, placement: EnginePlacement, number: int, *, scores: bool
    ) -> None:
        self._scores = scores
        self._spec, self._placement, self._number = spec, placement, number
        self._restarts_left = placement.restarts
        self._unsent: list[Q] = []
        self._wake, self._loaded = asyncio.Event(), asyncio.Event()
        self._actor: Any = None
        self._loops: list[asyncio.Task[None]] = []
        self._lost: EngineLost | None = None
        self.waiting: dict[str, tuple[Q, asyncio.Future[A]]] = {}
        self.pid = 0

    async def start(self) -> None:
        await self._load()
        self._loops = [asyncio.create_task(self._send()), asyncio.create_task(self._receive())]

    async def ask(self, ask: Q) -> A:
        if self._lost:
            raise self._lost
        future: asyncio.Future[A] = asyncio.get_running_loop().create_future()
        self.waiting[ask.key] = (ask, future)
        self._unsent.append(ask)
        self._wake.set()
        return await future

    async def close(self) -> None:
        for loop in self._loops:
            loop.cancel()
        await asyncio.gather(*self._loops, return_exceptions=True)
        await self._stop()
        self._unload()

    async def _stop(self) -> None:
        with contextlib.suppress(ray_error(), TimeoutError):
            if self._actor is not None:
                await asyncio.wait_for(self._actor.close.remote(), STOP_SECONDS)

    async def _send(self) -> None:
        while True:
            await self._wake.wait()
            await self._loaded.wait()
            self._wake.clear()
            batch, self._unsent = self._unsent, []
            if batch:
                self._actor.submit.remote(batch)

    async def _receive(self) -> None:
        while not self._lost:
            try:
                for completion in await self._actor.finished.remote():
                    self._deliver(completion)
            except ray_error() as exc:
                await self._replace(exc)

    def _deliver(self, completion: A) -> None:
        _, future = self.waiting.pop(completion.key)
        if not future.done():
            future.set_result(completion)

    async def _replace(self, cause: Exception) -> None:
        """Load a new engine in place of a dead one and send it every request that still waits."""
        try:
            while True:
                self._spend_restart(cause)
                try:
                    await self._load()
                    break
                except EngineLost as again:
                    cause = again
        except MillError as lost:
            self._give_up(lost)
            return
        self._unsent = [ask for ask, _ in self.waiting.values()]
        self._wake.set()

    async def _load(self) -> None:
        """Load an engine in a new actor.

        Raises BadRecipe if the engine cannot be created, EngineLost if its process dies meanwhile.
        """
        self._unload()
        actor = engine_actor(self._spec, self._placement, scores=self._scores)
        try:
            self.pid = await actor.ready.remote()
        except ray_error() as exc:
            if init_failed(exc):
                raise BadRecipe(
                    f"the engine for {self._spec.model!r} could not be loaded: {_last_line(exc)}; "
                    "check model, lengths and memory"
                ) from exc
            raise EngineLost(
                f"engine {self._number} died while it was loaded: {_last_line(exc)}"
            ) from exc
        self._actor = actor
        self._loaded.set()

    def _unload(self) -> None:
        self._loaded.clear()
        if self._actor is not None:
            kill_actor(self._actor)
            self._actor = None

    def _spend_restart(self, cause: Exception) -> None:
        if not self._restarts_left:
            raise EngineLost(
                f"engine {self._number} died {self._placement.restarts + 1} times and is not "
                f"started again: {_last_line(cause)}. Finished rows are kept; run again after the "
                "cause is fixed."
            ) from cause
        self._restarts_left -= 1
        log.warning(
            "engine %d died (%s); starting it again, %d restarts left",
            self._number,
            _last_line(cause),
            self._restarts_left,
        )

    def _give_up(self, why: MillError) -> None:
        self._lost = EngineLost(str(why))
        for _, future in self.waiting.values():
            future.set_exception(self._lost)
        self.waiting.clear()


def _last_line(exc: BaseException) -> str:
    lines = [line.strip() for line in str(exc).splitlines() if line.strip()]
    return lines[-1][:300] if lines else type(exc).__name__
