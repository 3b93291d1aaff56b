"""A model as a judge: a list of questions in, a list of answers out, from an engine of its own that ends with them."""

import asyncio
from collections.abc import Sequence

from tasks.inference.engine import Ask, Completion, Engine, EnginePlacement, TeacherSpec
from tasks.inference.opening import open_engine


def answers(asks: Sequence[Ask], teacher: TeacherSpec, placement: EnginePlacement) -> list[Completion]:
    """Return the answer to every question, in the order asked; questions of one key are put to the engine once.

    No engine is started for no questions. Raises EngineLost or EndpointUnreachable. Nothing is kept on disk: a judge who
    is asked again must answer the same, so let it be greedy and let its seeds depend on the questions alone.
    """
    given = asyncio.run(_answers({ask.key: ask for ask in asks}, teacher, placement)) if asks else {}
    return [given[ask.key] for ask in asks]


async def _answers(asks: dict[str, Ask], teacher: TeacherSpec, placement: EnginePlacement) -> dict[str, Completion]:
    engine = await open_engine(teacher, placement)
    try:
        return await _ask_all(asks, engine, window=placement.window * placement.replicas)
    finally:
        await engine.close()


async def _ask_all(asks: dict[str, Ask], engine: Engine, *, window: int) -> dict[str, Completion]:
    """Ask with at most `window` questions in flight; a finished one makes room for the next at once."""
    source = iter(asks.values())
    given: dict[str, Completion] = {}

    async def worker() -> None:
        for ask in source:
            given[ask.key] = await engine.ask(ask)

    try:
        async with asyncio.TaskGroup() as group:
            for _ in range(min(window, len(asks))):
                group.create_task(worker())
    except* Exception as several:
        # One error says why; the cancelled siblings add nothing.
        raise several.exceptions[0] from None
    return given
