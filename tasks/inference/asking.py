"""Asking an engine many questions: a window that stays full, and one error that says why it ended."""

import asyncio
from collections.abc import Callable, Sequence

from tasks.inference.engine import Ask, Completion, Engine


async def ask_all(
    pending: Sequence[Ask], engine: Engine, *, window: int, keep: Callable[[Completion], object]
) -> None:
    """Ask every row with at most `window` in flight; a finished one is kept, and makes room for the next at once."""
    source = iter(pending)

    async def worker() -> None:
        for ask in source:
            keep(await engine.ask(ask))

    try:
        async with asyncio.TaskGroup() as group:
            for _ in range(min(window, len(pending))):
                group.create_task(worker())
    except ExceptionGroup as several:
        # One error says why; the cancelled siblings add nothing. No `except*`: before Python 3.11.4 it wraps what is raised from it in a group again.
        raise several.exceptions[0] from None
