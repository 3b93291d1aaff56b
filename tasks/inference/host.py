"""The class that runs inside an engine's Ray actor. `sharded.py` starts and calls the actors."""

import asyncio
import os
from typing import Any

from tasks.inference.engine import Ask, Completion, Engine, EnginePlacement, TeacherSpec
from tasks.inference.scoring import Scored, Scorer, Text


class EngineHost:
    """An engine inside a Ray actor: it takes requests and returns the answers finished so far.

    scores: the engine scores texts instead of answering requests.
    """

    def __init__(self, spec: TeacherSpec, placement: EnginePlacement, scores: bool = False) -> None:
        # Ray sets one thread for an actor without a reserved core. An engine on CPU needs its share
        # of all cores; one core is left for the process that sends the requests.
        cores = os.cpu_count() or 1
        os.environ["OMP_NUM_THREADS"] = str(max(1, (cores - 1) // placement.replicas))
        self._engine: Any = _scorer(spec, placement) if scores else _engine(spec, placement)
        self._finished: asyncio.Queue[Completion | Scored | Exception] = asyncio.Queue()
        self._running: set[asyncio.Task[None]] = set()

    async def ready(self) -> int:
        """Return the process id. The call returns after the engine is loaded."""
        return os.getpid()

    async def submit(self, asks: list[Ask] | list[Text]) -> None:
        """Start to answer requests; return at once."""
        for ask in asks:
            task = asyncio.create_task(self._answer(ask))
            self._running.add(task)
            task.add_done_callback(self._running.discard)

    async def finished(self) -> list[Completion | Scored]:
        """Return the answers since the last call, at least one; raise the engine's error."""
        done = [await self._finished.get()]
        while not self._finished.empty():
            done.append(self._finished.get_nowait())
        for one in done:
            if isinstance(one, Exception):
                raise one
        return [one for one in done if not isinstance(one, Exception)]

    async def close(self) -> None:
        """Stop the engine and wait until its process has ended and its memory is free."""
        await self._engine.close()

    async def _answer(self, ask: Ask | Text) -> None:
        try:
            self._finished.put_nowait(await self._engine.ask(ask))
        except Exception as exc:
            self._finished.put_nowait(exc)


def _engine(spec: TeacherSpec, placement: EnginePlacement) -> Engine:
    from tasks.inference.offline import OfflineEngine

    return OfflineEngine(spec, placement)


def _scorer(spec: TeacherSpec, placement: EnginePlacement) -> Scorer:
    from tasks.inference.offline_scorer import OfflineScorer

    return OfflineScorer(spec, placement)
