"""A model as a judge: a list of questions in, a list of answers out, from an engine of its own that ends with them."""

import asyncio
from collections.abc import Sequence

from tasks.inference.asking import ask_all
from tasks.inference.engine import Ask, Completion, EnginePlacement, TeacherSpec
from tasks.inference.opening import open_engine
from tasks.progress import watcher


def answers(
    asks: Sequence[Ask], teacher: TeacherSpec, placement: EnginePlacement
) -> list[Completion]:
    """Return the answer to every question, in the order asked; questions of one key are put to the engine once.

    No engine is started for no questions. Raises EngineLost or EndpointUnreachable. Nothing is kept on disk: a judge who
    is asked again must answer the same, so let it be greedy and let its seeds depend on the questions alone.
    """
    given = (
        asyncio.run(_answers({ask.key: ask for ask in asks}, teacher, placement)) if asks else {}
    )
    return [given[ask.key] for ask in asks]


async def _answers(
    asks: dict[str, Ask], teacher: TeacherSpec, placement: EnginePlacement
) -> dict[str, Completion]:
    given: list[Completion] = []
    report = watcher()

    def keep(completion: Completion) -> None:
        given.append(completion)
        report(done=len(given), total=len(asks), unit="question")

    engine = await open_engine(teacher, placement)
    try:
        await ask_all(
            list(asks.values()),
            engine,
            window=placement.window * placement.replicas,
            keep=keep,
        )
    finally:
        await engine.close()
    return {one.key: one for one in given}
