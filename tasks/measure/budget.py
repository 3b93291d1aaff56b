"""What a corpus will take at a measured speed, what it will cost, and which teacher fits."""

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Annotated, Any, NamedTuple

from pydantic import Field

from tasks.errors import GateBroken
from tasks.inference.engine import ModelName, NamedModel
from tasks.measure.levels import Level
from tasks.spec import Placement


class MeasurePlacement(Placement):
    """Which teachers are measured before the night begins, and what the night may cost.

    No field is part of what is made: a teacher that is chosen takes the place of traces.models,
    and is fingerprinted there.
    """

    candidates: tuple[ModelName, ...] = ()
    """Names of models in order of preference; the factory takes the first that fits as the only
    teacher. Without candidates, the model of traces.models is measured.
    """
    budget_hours: float = Field(0, ge=0)
    """Hours that generation may take; 0 sets no limit. If there is no limit and no candidate, the
    factory measures nothing.
    """
    accepted_rows: int = Field(0, ge=0)
    """Number of corpus rows that are wanted; 0 takes as many as the prompts yield."""
    assumed_yield: float = Field(0.6, gt=0, le=1)
    """Expected rows per prompt. A build of this recipe by the same teacher replaces it with what
    was observed.
    """
    levels: tuple[Annotated[int, Field(ge=1)], ...] = Field((1, 8, 32), min_length=1)
    """Rows in flight to measure at; those above window x replicas of the placement are left out,
    and that itself is always measured.
    """
    answers: int = Field(2, ge=1, le=64)
    """Number of whole answers per slot of a level; more of them give a steadier measure."""
    watts: float = Field(0, ge=0)
    """Power of the machine while it generates, in watts."""
    price_per_kwh: float = Field(0, ge=0)
    """Price of electricity."""
    price_per_hour: float = Field(0, ge=0)
    """Price of the machine, where it is rented."""
    currency: str = Field("EUR", min_length=1, max_length=8)
    """Currency of the prices."""


class Need(NamedTuple):
    """What has to be generated. rows: accepted ones. yield_: rows a prompt. traces: asked for a
    prompt, the control arm's spread over all.
    """

    rows: int
    yield_: float
    traces: float

    @property
    def prompts(self) -> int:
        """Prompts that are needed."""
        return math.ceil(self.rows / self.yield_ - 1e-9)


class Projection(NamedTuple):
    """What generating will take. tokens: of completions. cost: 0 where the recipe names no price."""

    rows: int
    prompts: int
    tokens: float
    hours: float
    cost: float

    @property
    def cost_per_row(self) -> float:
        """Price of an accepted row."""
        return self.cost / self.rows

    @property
    def cost_per_million_tokens(self) -> float:
        """Price of a million completion tokens."""
        return 1e6 * self.cost / self.tokens


@dataclass(frozen=True)
class Outcome:
    """What became of a candidate. says: one sentence, why it fits or why not. levels: () and
    projection: None when it was not measured.

    bandwidth: of the memory, bytes/s, 0 when unknown. yield_: rows a prompt that were counted with.
    yield_of: where that comes from.
    """

    teacher: NamedModel
    fits: bool
    says: str
    levels: tuple[Level, ...] = ()
    projection: Projection | None = None
    hardware: str = ""
    bandwidth: float = 0.0
    yield_: float = 0.0
    yield_of: str = ""
    plot: str = ""


def needed(
    settings: MeasurePlacement,
    *,
    prompts: int,
    control: float,
    samples: int,
    observed: float | None,
) -> Need:
    """Return what has to be generated. prompts: the recipe's. control: its share of prompts asked
    bare. observed: rows a prompt, None: none yet.
    """
    share = observed or settings.assumed_yield
    rows = settings.accepted_rows or max(1, math.floor(prompts * share + 1e-9))
    return Need(rows=rows, yield_=share, traces=samples * (1 + control))


def project(
    need: Need, settings: MeasurePlacement, *, tokens_per_trace: float, tokens_per_second: float
) -> Projection:
    """Return hours and cost: electricity (watts x hours x price) and the machine's hours."""
    tokens = need.prompts * need.traces * tokens_per_trace
    hours = tokens / tokens_per_second / 3600
    cost = hours * (settings.watts / 1000 * settings.price_per_kwh + settings.price_per_hour)
    return Projection(rows=need.rows, prompts=need.prompts, tokens=tokens, hours=hours, cost=cost)


def judged(
    projection: Projection, tokens_per_second: float, budget_hours: float
) -> tuple[bool, str]:
    """Return whether a projection lies within the budget, and the sentence that says so."""
    told = f"{duration(projection.hours)} for {projection.rows:,} rows at {tokens_per_second:,.0f} tokens/s"
    if not budget_hours:
        return True, told
    fits = projection.hours <= budget_hours
    return fits, f"{told}, {'within' if fits else 'over'} the budget of {duration(budget_hours)}"


def choose(
    candidates: Iterable[NamedModel], weigh: Callable[[NamedModel], Outcome]
) -> list[Outcome]:
    """Return what became of every candidate, in order of preference; those behind the first that
    fits are not weighed.
    """
    outcomes: list[Outcome] = []
    for teacher in candidates:
        first = chosen(outcomes)
        outcomes.append(
            Outcome(teacher, False, f"not measured, {label(first.teacher)} fits")
            if first
            else weigh(teacher)
        )
    return outcomes


def chosen(outcomes: Iterable[Outcome]) -> Outcome | None:
    """Return the first that fits, None when none does."""
    return next((one for one in outcomes if one.fits), None)


def unaffordable(outcomes: Iterable[Outcome], budget_hours: float) -> GateBroken:
    """Return the error for a corpus that no candidate can make, with what became of each."""
    within = f" within the budget of {duration(budget_hours)}" if budget_hours else ""
    return GateBroken(
        f"no teacher can make the corpus{within}: {'; '.join(map(sentence, outcomes))}. Nothing was built"
    )


def sentence(outcome: Outcome) -> str:
    """Return what became of a candidate, by its name."""
    return f"{label(outcome.teacher)}: {outcome.says}"


def label(teacher: NamedModel) -> str:
    """Return a teacher's name and weights, with their revision where they have one."""
    model = teacher.model
    weights = f"{model.model}@{model.revision}" if model.revision else model.model
    return weights if weights == teacher.name else f"{teacher.name} ({weights})"


def duration(hours: float) -> str:
    """Return hours as one reads them: in minutes or seconds where they are few."""
    if hours >= 1:
        return f"{hours:,.1f} h"
    return f"{60 * hours:.1f} min" if hours >= 1 / 60 else f"{3600 * hours:.3g} s"


def line(outcome: Outcome) -> dict[str, Any]:
    """Return a candidate as a line of a table."""
    return {
        "teacher": label(outcome.teacher),
        "chosen": "yes" if outcome.fits else "",
        "why": outcome.says,
    }
