"""The inside of an engine's actor. Everything else of Ray is in `sharded.py`."""

import asyncio
import os
from typing import Any

from tasks.inference.engine import Ask, Completion, Engine, EnginePlacement, TeacherSpec
from tasks.inference.scoring import Scored, Scorer, Text


class EngineHost:
    """The inside of an actor: takes rows as they come and hands back whatever has been finished
    since.

    scores: it holds an engine that scores texts, in place of one that answers.
    """

    def __init__(self, spec: TeacherSpec, placement: EnginePlacement, scores: bool = False) -> None:
        # Ray sets one thread for an actor that reserves no core; an engine on CPU wants its share
        # of them all, but for the one that feeds it.
        os.environ["OMP_NUM_THREADS"] = str(
            max(1, ((os.cpu_count() or 1) - 1) // placement.replicas)
        )
        self._engine: Any = _scorer(spec, placement) if scores else _engine(spec, placement)
        self._finished: asyncio.Queue[Completion | Scored | Exception] = asyncio.Queue()
        self._running: set[asyncio.Task[None]] = set()

    async def ready(self) -> int:
        """Return the process id, once the engine has been loaded."""
        return os.getpid()

    async def submit(self, asks: list[Ask] | list[Text]) -> None:
        """Start answering rows."""
        for ask in asks:
            task = asyncio.create_task(self._answer(ask))
            self._running.add(task)
            task.add_done_callback(self._running.discard)

    async def finished(self) -> list[Completion | Scored]:
        """Return every answer finished since the last call; waits for one at least. Raises what the
        engine raised.
        """
        done = [await self._finished.get()]
        while not self._finished.empty():
            done.append(self._finished.get_nowait())
        for one in done:
            if isinstance(one, Exception):
                raise one
        return [one for one in done if not isinstance(one, Exception)]

    async def close(self) -> None:
        """Stop the engine and wait for its process to end, so that the next engine finds the memory
        free.
        """
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
