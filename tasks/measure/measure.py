"""The speed of a teacher on this machine, for several numbers of rows in flight, on a recipe's own
prompts.
"""

import math
import time
from collections.abc import Awaitable, Iterator, Sequence
from dataclasses import dataclass
from itertools import cycle, islice
from statistics import fmean, median
from typing import NamedTuple

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
"""Most tokens of a request that only warms the engine up."""


@dataclass(frozen=True)
class Plan:
    """The requests of a measurement.

    levels: rows in flight, ascending. answers: complete answers per slot of a level. samples:
    answers per prompt, as in the build.
    """

    teacher: TeacherSpec
    placement: EnginePlacement
    levels: tuple[int, ...]
    answers: int
    samples: int

    @property
    def requests(self) -> int:
        """Return the number of requests of the whole measurement."""
        return self.levels[-1] + sum(level * (1 + self.answers) for level in self.levels)


class Measurement(NamedTuple):
    """A row of MEASUREMENTS. Units are those of the table."""

    hardware: str
    bandwidth: float
    model: str
    concurrency: int
    requests: int
    prompt_tokens: float
    completion_tokens: float
    tokens_per_second: float
    first_token_seconds: float
    peak_bytes: int
    roofline: float


def levels_due(wanted: Sequence[int], placement: EnginePlacement) -> tuple[int, ...]:
    """Return the levels to measure: the wanted ones below the number of rows that the engines take
    at once, and that number itself, with which a build asks.
    """
    top = placement.window * placement.replicas
    return tuple(sorted({min(level, top) for level in wanted} | {top}))


def typical_words(prompts: pa.Table) -> int:
    """Return the median number of words of a prompt, rounded to a power of two."""
    words = list(map(_words, prompts["messages"].to_pylist()))
    return 1 << round(math.log2(max(1, median(words or [1]))))


def _words(messages: Sequence[Message]) -> int:
    return sum(len(message["content"].split()) for message in messages)


def measure(prompts: pa.Table, plan: Plan, machine: Machine, progress: Progress) -> pa.Table:
    """Return MEASUREMENTS, one row per level. Raises EmptyTable if the engine answers nothing, and
    the engine's own errors.

    prompts: PROMPTS. The time to the first token is the time of an answer of one token, asked by
    all slots of the level at once, because the engines return only complete answers. So all kinds
    of engines are measured alike.
    """

    def work(engine: Engine) -> Awaitable[list[Measurement]]:
        return measure_on(engine, prompts, plan, machine, progress)

    made = WARM.work(plan.teacher, plan.placement, work)
    return rows.table_of([one._asdict() for one in made], rows.MEASUREMENTS)


async def measure_on(
    engine: Engine, prompts: pa.Table, plan: Plan, machine: Machine, progress: Progress
) -> list[Measurement]:
    """Return the rows of MEASUREMENTS for a running engine. The first requests warm it up and do
    not count.
    """
    watch, asks = _Stopwatch(engine, plan.requests, progress), asks_of(prompts, plan)
    with Peak(used_bytes) as peak:
        await _ask(watch, asks, plan.levels[-1], count=plan.levels[-1], max_tokens=WARM_TOKENS)
        return [await _level(watch, asks, plan, machine, peak, level) for level in plan.levels]


async def _level(
    watch: "_Stopwatch", asks: Iterator[Ask], plan: Plan, machine: Machine, peak: Peak, level: int
) -> Measurement:
    peak.take()
    first = await _ask(watch, asks, level, count=level, max_tokens=1)
    whole = await _ask(watch, asks, level, count=level * plan.answers)
    answered = [one for one, _ in whole if one.completion_tokens]
    if not answered:
        raise EmptyTable(_nothing([one for one, _ in whole], plan.teacher))
    prompt = fmean(one.prompt_tokens for one in answered)
    completion = fmean(one.completion_tokens for one in answered)
    shape, context = shape_of(plan.teacher), prompt + completion / 2
    bound = roofline(machine, shape, plan.placement, rows=level, context=context)
    return Measurement(
        hardware=machine.name,
        bandwidth=machine.bandwidth,
        model=plan.teacher.model,
        concurrency=level,
        requests=len(whole),
        prompt_tokens=prompt,
        completion_tokens=completion,
        tokens_per_second=steady_rate([span for _, span in whole if span.tokens]),
        first_token_seconds=median(span.end - span.begin for _, span in first),
        peak_bytes=peak.take(),
        roofline=bound,
    )


async def _ask(
    watch: "_Stopwatch", asks: Iterator[Ask], level: int, *, count: int, max_tokens: int = 0
) -> list[tuple[Completion, Span]]:
    """Return `count` answers with their times."""
    watch.timed = []
    requests = [ask._replace(max_tokens=max_tokens) for ask in islice(asks, count)]
    await ask_all(requests, watch, window=level, keep=lambda one: None)
    return watch.timed


def asks_of(prompts: pa.Table, plan: Plan) -> Iterator[Ask]:
    """Yield requests without end, as a build asks them: prompt by prompt, sample by sample, each
    with its own key and seed.
    """
    system: tuple[Message, ...] = ()
    if plan.teacher.system_prompt:
        system = ({"role": "system", "content": plan.teacher.system_prompt},)
    asked = prompts.filter(pc.invert(prompts["control"]))["messages"].to_pylist()
    shown = [(*system, *messages) for messages in asked for _ in range(plan.samples)]
    for number, messages in enumerate(cycle(shown)):
        yield Ask(f"measure-{number}", messages, draw_seed("measure", number))


def _nothing(given: Sequence[Completion], teacher: TeacherSpec) -> str:
    reasons = sorted({one.finish_reason for one in given})
    return (
        f"none of {len(given)} prompts was answered by {teacher.model!r} ({', '.join(reasons)}); "
        f"check max_model_len {teacher.max_model_len} and max_tokens {teacher.max_tokens}"
    )


class _Stopwatch:
    """An engine that notes the time of every answer and reports progress."""

    def __init__(self, engine: Engine, total: int, progress: Progress) -> None:
        self._engine, self._total, self._progress = engine, total, progress
        self._done = self._tokens = 0
        self.timed: list[tuple[Completion, Span]] = []

    async def ask(self, ask: Ask) -> Completion:
        """Return the engine's answer, and note when it began and ended."""
        begin = time.perf_counter()
        completion = await self._engine.ask(ask)
        tokens = completion.completion_tokens
        self.timed.append((completion, Span(begin, time.perf_counter(), tokens)))
        self._done, self._tokens = self._done + 1, self._tokens + tokens
        self._progress(done=self._done, total=self._total, tokens=self._tokens)
        return completion

    async def close(self) -> None:
        """Do nothing: the measured engine is closed by its owner."""
