"""A teacher's speed on this machine, level by level of concurrency, on a recipe's own prompts."""

import math
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import cycle, islice
from statistics import fmean, median

import pyarrow as pa
import pyarrow.compute as pc

from tasks import rows
from tasks.errors import EmptyTable
from tasks.inference.complete import ask_all
from tasks.inference.engine import Ask, Completion, Engine, EnginePlacement, Message, TeacherSpec
from tasks.inference.warm import WARM
from tasks.measure.machine import Machine, roofline
from tasks.measure.peak import Peak, used_bytes
from tasks.measure.rate import Span, steady_rate
from tasks.measure.shape import shape_of
from tasks.progress import Progress
from tasks.spec import draw_seed

WARM_TOKENS = 16


@dataclass(frozen=True)
class Plan:
    """What is asked. levels: rows in flight, rising. answers: of each slot of a level. samples: of
    each prompt, as the build asks it.
    """

    teacher: TeacherSpec
    placement: EnginePlacement
    levels: tuple[int, ...]
    answers: int
    samples: int

    @property
    def requests(self) -> int:
        """How many requests the whole of it takes."""
        return self.levels[-1] + sum(level * (1 + self.answers) for level in self.levels)


def levels_due(wanted: Sequence[int], placement: EnginePlacement) -> tuple[int, ...]:
    """Return the levels to measure: those wanted below what the engines take at once, and that
    itself, which is how a build asks.
    """
    top = placement.window * placement.replicas
    return tuple(sorted({min(level, top) for level in wanted} | {top}))


def typical_words(prompts: pa.Table) -> int:
    """Return the median words of a prompt, rounded to a power of two."""
    words = [
        sum(len(message["content"].split()) for message in messages)
        for messages in prompts["messages"].to_pylist()
    ]
    return 1 << round(math.log2(max(1, median(words or [1]))))


def measure(prompts: pa.Table, plan: Plan, machine: Machine, progress: Progress) -> pa.Table:
    """Return MEASUREMENTS, a row a level. Raises what an engine raises, and EmptyTable when it
    answers nothing.

    prompts: PROMPTS. The time to the first token is the time of an answer of one token, asked by
    all slots of the level at once: engines here answer whole, and every kind of engine is measured
    alike.
    """
    made = WARM.work(
        plan.teacher,
        plan.placement,
        lambda engine: measure_on(engine, prompts, plan, machine, progress),
    )
    return rows.table_of(made, rows.MEASUREMENTS)


async def measure_on(
    engine: Engine, prompts: pa.Table, plan: Plan, machine: Machine, progress: Progress
) -> list[dict[str, object]]:
    """Return the rows of MEASUREMENTS of an engine that runs; its first requests warm it up and do
    not count.
    """
    watch, asks = _Stopwatch(engine, plan.requests, progress), asks_of(prompts, plan)
    with Peak(used_bytes) as peak:
        await _ask(watch, asks, plan.levels[-1], count=plan.levels[-1], max_tokens=WARM_TOKENS)
        return [await _level(watch, asks, plan, machine, peak, level) for level in plan.levels]


async def _level(
    watch: "_Stopwatch", asks: Iterator[Ask], plan: Plan, machine: Machine, peak: Peak, level: int
) -> dict[str, object]:
    """Return one row of MEASUREMENTS."""
    peak.take()
    first = await _ask(watch, asks, level, count=level, max_tokens=1)
    whole = await _ask(watch, asks, level, count=level * plan.answers)
    answered = [one for one, _ in whole if one.completion_tokens]
    if not answered:
        raise EmptyTable(_nothing([one for one, _ in whole], plan.teacher))
    prompt, completion = (
        fmean(one.prompt_tokens for one in answered),
        fmean(one.completion_tokens for one in answered),
    )
    most = roofline(
        machine, shape_of(plan.teacher), plan.placement, rows=level, context=prompt + completion / 2
    )
    return {
        "hardware": machine.name,
        "bandwidth": machine.bandwidth,
        "model": plan.teacher.model,
        "concurrency": level,
        "requests": len(whole),
        "prompt_tokens": prompt,
        "completion_tokens": completion,
        "tokens_per_second": steady_rate([span for _, span in whole if span.tokens]),
        "first_token_seconds": median(span.end - span.begin for _, span in first),
        "peak_bytes": peak.take(),
        "roofline": most,
    }


async def _ask(
    watch: "_Stopwatch", asks: Iterator[Ask], level: int, *, count: int, max_tokens: int = 0
) -> list[tuple[Completion, Span]]:
    """Return so many answers with their times."""
    watch.timed = []
    await ask_all(
        [ask._replace(max_tokens=max_tokens) for ask in islice(asks, count)],
        watch,
        window=level,
        keep=lambda one: None,
    )
    return watch.timed


def asks_of(prompts: pa.Table, plan: Plan) -> Iterator[Ask]:
    """Yield requests without end, as a build would ask them: prompt by prompt, sample by sample,
    each with a key and a seed of its own.
    """
    system = (
        ({"role": "system", "content": plan.teacher.system_prompt},)
        if plan.teacher.system_prompt
        else ()
    )
    asked = prompts.filter(pc.invert(prompts["control"]))["messages"].to_pylist()
    shown: list[tuple[Message, ...]] = [
        (*system, *messages) for messages in asked for _ in range(plan.samples)
    ]
    for number, messages in enumerate(cycle(shown)):
        yield Ask(f"measure-{number}", messages, draw_seed("measure", number))


def _nothing(given: Sequence[Completion], teacher: TeacherSpec) -> str:
    reasons = sorted({one.finish_reason for one in given})
    return (
        f"none of {len(given)} prompts was answered by {teacher.model!r} ({', '.join(reasons)}); "
        f"check max_model_len {teacher.max_model_len} and max_tokens {teacher.max_tokens}"
    )


class _Stopwatch:
    """An engine whose answers are timed and told to the progress."""

    def __init__(self, engine: Engine, total: int, progress: Progress) -> None:
        self._engine, self._total, self._progress = engine, total, progress
        self._done = self._tokens = 0
        self.timed: list[tuple[Completion, Span]] = []

    async def ask(self, ask: Ask) -> Completion:
        """Return the engine's answer, and note when it began and ended."""
        begin = time.perf_counter()
        completion = await self._engine.ask(ask)
        self.timed.append(
            (completion, Span(begin, time.perf_counter(), completion.completion_tokens))
        )
        self._done, self._tokens = self._done + 1, self._tokens + completion.completion_tokens
        self._progress(done=self._done, total=self._total, tokens=self._tokens)
        return completion

    async def close(self) -> None:
        """Nothing of its own is held."""
