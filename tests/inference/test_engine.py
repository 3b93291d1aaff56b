"""The real engine in real Ray actors. Everything else but a factory run is tested with the scripted
one.
"""

import asyncio
import logging
import os
import signal
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from contextvars import ContextVar

import psutil
import pytest

from tasks import think
from tasks.errors import EngineLost
from tasks.inference.engine import Ask, Completion, EnginePlacement, TeacherSpec
from tasks.inference.sharded import ShardedEngine
from tasks.inference.warm import WARM
from tasks.measure.machine import machine_of
from tasks.measure.measure import Plan, measure_on
from tasks.sources.problems import draw
from tests.support.builders import prompts_table, silent

pytestmark = pytest.mark.vllm
SPEC = TeacherSpec(max_tokens=300)
RUN: ContextVar[str] = ContextVar("run")


def asks(count: int) -> list[Ask]:
    return [
        Ask(f"k{n}", ({"role": "user", "content": draw("addition", n).prompt},), seed=n)
        for n in range(count)
    ]


@pytest.fixture(scope="module", autouse=True)
def ray_ends_with_the_module() -> Iterator[None]:
    yield
    import ray

    WARM.release()
    ray.shutdown()


@asynccontextmanager
async def running(**placement: int) -> AsyncIterator[ShardedEngine]:
    engine = await ShardedEngine.start(SPEC, EnginePlacement(**{"window": 32} | placement))  # type: ignore[arg-type]
    try:
        yield engine
    finally:
        await engine.close()


def test_one_engine_answers_the_same_in_any_order_refuses_what_does_not_fit_and_is_replaced_when_it_dies() -> (
    None
):
    """One engine for all of it: it takes a minute to load."""

    async def work() -> None:
        async with running(restarts=1) as engine:
            _what_it_says_reaches_the_log_of_the_run(said)
            rows = asks(24)
            first = await asyncio.gather(*map(engine.ask, rows))
            again = [await engine.ask(row) for row in rows[:4]]
            shuffled = await asyncio.gather(*map(engine.ask, reversed(rows)))
            assert again == first[:4]
            assert shuffled[::-1] == first
            assert len({one.text for one in first}) > 20
            assert sum(think.split(one.text).fault is None for one in first) >= 23
            long = await engine.ask(Ask("long", ({"role": "user", "content": "9 + " * 1000},), 1))
            assert (long.finish_reason, long.text) == ("prompt_too_long", "")
            await _is_measured_below_its_roofline(engine)
            await _killed_while_answering(engine, rows, first)
            await _killed_for_good(engine)

    with _listening() as said:
        asyncio.run(work())


@contextmanager
def _listening() -> Iterator[list[tuple[str, str]]]:
    """Collect what is logged of the cluster, each line with the run in whose context it was logged."""
    said: list[tuple[str, str]] = []
    listener = logging.Handler()
    listener.emit = lambda record: said.append((RUN.get(""), record.getMessage()))  # type: ignore[method-assign]
    heard = logging.getLogger("tasks.inference.cluster")
    heard.addHandler(listener)
    heard.setLevel(logging.INFO)
    token = RUN.set("this run")
    yield said
    RUN.reset(token)
    heard.removeHandler(listener)


def _what_it_says_reaches_the_log_of_the_run(said: list[tuple[str, str]]) -> None:
    assert {run for run, _ in said} == {"this run"}
    assert any("EngineCore" in line for _, line in said)
    assert not any("\x1b" in line for _, line in said)


async def _is_measured_below_its_roofline(engine: ShardedEngine) -> None:
    placement = EnginePlacement(window=32)
    plan = Plan(SPEC, placement, levels=(1, 8), answers=2, samples=2)
    one, eight = await measure_on(
        engine, prompts_table(8), plan, machine_of(SPEC, placement), silent
    )
    for row in (one, eight):
        assert 0 < row.tokens_per_second < row.roofline
        assert 0 < row.first_token_seconds < 10
        assert row.peak_bytes > 2**28
    assert eight.tokens_per_second > one.tokens_per_second


async def _killed_while_answering(
    engine: ShardedEngine, rows: list[Ask], first: list[Completion]
) -> None:
    """Kill the engine's core under way: the rows are asked again of the next engine and come out
    the same.
    """
    running_rows = [asyncio.create_task(engine.ask(row)) for row in rows]
    while not any(task.done() for task in running_rows):
        await asyncio.sleep(0.01)
    _core(engine).send_signal(signal.SIGKILL)
    assert await asyncio.gather(*running_rows) == first


async def _killed_for_good(engine: ShardedEngine) -> None:
    """Kill it again, when no restart is left: the rows that wait and those to come are told so."""
    waiting = [asyncio.create_task(engine.ask(row)) for row in asks(8)]
    await asyncio.sleep(0.05)
    os.kill(engine.pids[0], signal.SIGKILL)
    lost = await asyncio.gather(*waiting, return_exceptions=True)
    assert any(isinstance(one, EngineLost) for one in lost)
    with pytest.raises(EngineLost, match="not started again"):
        await engine.ask(asks(1)[0])


def _core(engine: ShardedEngine) -> psutil.Process:
    """Return the process of vLLM's engine core below the actor."""
    return max(
        psutil.Process(engine.pids[0]).children(recursive=True),
        key=lambda child: child.memory_info().rss,
    )
