"""How long and how costly a corpus is at a measured speed, and which teacher fits the budget."""

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
    """Which teachers are measured before a build, and what the build may cost.

    No field changes the result: a chosen teacher replaces traces.models and is part of the
    fingerprint there.
    """

    candidates: tuple[ModelName, ...] = ()
    """Names of models in order of preference. The factory takes the first that fits as the only
    teacher. Without candidates, the model of traces.models is measured.
    """
    budget_hours: float = Field(0, ge=0)
    """Largest number of hours for generation; 0 sets no limit. Without a limit and without
    candidates, the factory measures nothing.
    """
    accepted_rows: int = Field(0, ge=0)
    """Wanted number of corpus rows; 0 takes all that the prompts yield."""
    assumed_yield: float = Field(0.6, gt=0, le=1)
    """Expected rows per prompt. If a build of this recipe by the same teacher exists, its yield is
    used instead.
    """
    levels: tuple[Annotated[int, Field(ge=1)], ...] = Field((1, 8, 32), min_length=1)
    """Numbers of rows in flight at which the speed is measured. Those above window x replicas of
    the placement are left out. That number itself is always measured.
    """
    answers: int = Field(2, ge=1, le=64)
    """Number of complete answers per slot of a level. More answers give a steadier measurement."""
    watts: float = Field(0, ge=0)
    """Power of the machine during generation, in watts."""
    price_per_kwh: float = Field(0, ge=0)
    """Price of a kilowatt-hour of electricity."""
    price_per_hour: float = Field(0, ge=0)
    """Price of an hour of the machine, if it is rented."""
    currency: str = Field("EUR", min_length=1, max_length=8)
    """Currency of the prices."""


class Need(NamedTuple):
    """What has to be generated.

    rows: accepted rows. yield_: rows per prompt. traces: traces per prompt, with the control arm
    spread over all prompts.
    """

    rows: int
    yield_: float
    traces: float

    @property
    def prompts(self) -> int:
        """Return the number of prompts that are needed."""
        return math.ceil(self.rows / self.yield_ - 1e-9)


class Projection(NamedTuple):
    """The effort of generation. tokens: of completions. cost: 0 if the recipe names no price."""

    rows: int
    prompts: int
    tokens: float
    hours: float
    cost: float

    @property
    def cost_per_row(self) -> float:
        """Return the price of an accepted row."""
        return self.cost / self.rows

    @property
    def cost_per_million_tokens(self) -> float:
        """Return the price of a million completion tokens."""
        return 1e6 * self.cost / self.tokens


@dataclass(frozen=True)
class Outcome:
    """The result for a candidate.

    says: one sentence on why it fits or not. levels: () and projection: None if it was not
    measured. bandwidth: of the memory, in bytes per second, 0 if unknown. yield_: assumed rows per
    prompt. yield_of: where that number comes from. plot: the plot of its speed.
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
    """Return what has to be generated.

    prompts: of the recipe. control: number of control prompts as a share of these. samples: answers
    per prompt. observed: rows per prompt in an earlier build, None without one.
    """
    share = observed or settings.assumed_yield
    rows = settings.accepted_rows or max(1, math.floor(prompts * share + 1e-9))
    return Need(rows=rows, yield_=share, traces=samples * (1 + control))


def project(
    need: Need, settings: MeasurePlacement, *, tokens_per_trace: float, tokens_per_second: float
) -> Projection:
    """Return hours and cost: electricity (watts x hours x price) and rent (hours x price)."""
    tokens = need.prompts * need.traces * tokens_per_trace
    hours = tokens / tokens_per_second / 3600
    cost = hours * (settings.watts / 1000 * settings.price_per_kwh + settings.price_per_hour)
    return Projection(rows=need.rows, prompts=need.prompts, tokens=tokens, hours=hours, cost=cost)


def judged(
    projection: Projection, tokens_per_second: float, budget_hours: float
) -> tuple[bool, str]:
    """Return whether a projection is within the budget, and a sentence about it."""
    hours = duration(projection.hours)
    effort = f"{hours} for {projection.rows:,} rows at {tokens_per_second:,.0f} tokens/s"
    if not budget_hours:
        return True, effort
    fits = projection.hours <= budget_hours
    return fits, f"{effort}, {'within' if fits else 'over'} the budget of {duration(budget_hours)}"


def choose(
    candidates: Iterable[NamedModel], weigh: Callable[[NamedModel], Outcome]
) -> list[Outcome]:
    """Return the outcome of every candidate, in order of preference. Candidates after the first
    that fits are not measured. weigh: measures a candidate.
    """
    outcomes: list[Outcome] = []
    for teacher in candidates:
        if first := chosen(outcomes):
            says = f"not measured, {label(first.teacher)} fits"
            outcomes.append(Outcome(teacher, False, says))
        else:
            outcomes.append(weigh(teacher))
    return outcomes


def chosen(outcomes: Iterable[Outcome]) -> Outcome | None:
    """Return the first outcome that fits, None if none does."""
    return next((one for one in outcomes if one.fits), None)


def unaffordable(outcomes: Iterable[Outcome], budget_hours: float) -> GateBroken:
    """Return the error for a corpus that no candidate can make, with the outcome of each."""
    within = f" within the budget of {duration(budget_hours)}" if budget_hours else ""
    each = "; ".join(map(sentence, outcomes))
    return GateBroken(f"no teacher can make the corpus{within}: {each}. Nothing was built")


def sentence(outcome: Outcome) -> str:
    """Return the outcome of a candidate as a sentence with its name."""
    return f"{label(outcome.teacher)}: {outcome.says}"


def label(teacher: NamedModel) -> str:
    """Return a teacher's name and weights, with their revision if they have one."""
    model = teacher.model
    weights = f"{model.model}@{model.revision}" if model.revision else model.model
    return weights if weights == teacher.name else f"{teacher.name} ({weights})"


def duration(hours: float) -> str:
    """Return hours as readable text; few of them in minutes or seconds."""
    if hours >= 1:
        return f"{hours:,.1f} h"
    return f"{60 * hours:.1f} min" if hours >= 1 / 60 else f"{3600 * hours:.3g} s"


def line(outcome: Outcome) -> dict[str, Any]:
    """Return a candidate's outcome as a row of a table."""
    return {
        "teacher": label(outcome.teacher),
        "chosen": "yes" if outcome.fits else "",
        "why": outcome.says,
    }
