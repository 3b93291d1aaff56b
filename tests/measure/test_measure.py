"""The throughput gate: speed, hours and prices by hand; the choice; real flows with the scripted
engine. A real engine is measured in test_engine.
"""

import asyncio
import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from deployments.cli.screen_measure import show_measured
from flows.build_corpus import build_corpus
from flows.measure_teacher import Measured, measure_teacher, with_only, with_teacher
from flows.recipes.corpus import Recipe
from flows.run_factory import run_factory
from tasks import rows
from tasks.errors import EmptyTable, GateBroken
from tasks.inference.endpoint import EndpointEngine
from tasks.inference.engine import Ask, Engine, EnginePlacement, NamedModel, TeacherSpec
from tasks.inference.scripted import ScriptedEngine
from tasks.measure.budget import (
    MeasurePlacement,
    Outcome,
    choose,
    chosen,
    judged,
    needed,
    project,
    unaffordable,
)
from tasks.measure.machine import Machine
from tasks.measure.measure import Plan, levels_due, measure, typical_words
from tasks.measure.rate import Span, steady_rate
from tasks.store import tables
from tests.support.answer_server import answering
from tests.support.builders import prompts_table, recipe, silent, write_rulebook
from tests.support.builds import TRACEMILL

SCRIPTED, ENDPOINT = TeacherSpec(engine="scripted"), TeacherSpec(engine="endpoint", model="m")
FOUR = EnginePlacement(window=4)


def test_the_rate_is_that_of_full_slots() -> None:
    assert steady_rate([]) == 0
    assert steady_rate([Span(0, 2, 20), Span(0, 2, 20)]) == 20
    # Two slots, three answers: from the second beginning of the first slot, at 1, to its end at 3,
    # both are taken; the last second is one slot's.
    assert steady_rate([Span(0, 1, 10), Span(1, 3, 20), Span(0, 4, 40)]) == pytest.approx(
        (10 + 20 + 30) / 3
    )


@given(st.integers(1, 20), st.integers(1, 3), st.floats(0.5, 50))
def test_slots_of_one_speed_give_that_speed_times_their_number_whatever_the_lengths(
    slots: int, answers: int, speed: float
) -> None:
    spans = []
    for slot in range(slots):
        clock = 0.0
        for answer in range(answers):
            tokens = 20 + 7 * ((slot * 5 + answer * 3) % 11)
            spans.append(Span(clock, clock + tokens / speed, tokens))
            clock += tokens / speed
    begins = max(span.begin for span in spans)
    full = min(
        max(span.end for span in spans[slot * answers : (slot + 1) * answers])
        for slot in range(slots)
    )
    if begins <= full:
        assert steady_rate(spans) == pytest.approx(slots * speed)


def test_levels_end_with_the_one_at_which_a_build_asks() -> None:
    assert levels_due((1, 8, 32), EnginePlacement(window=16, replicas=1)) == (1, 8, 16)
    assert levels_due((4,), EnginePlacement(window=32, replicas=2)) == (4, 64)


def plan(teacher: TeacherSpec = SCRIPTED, placement: EnginePlacement = FOUR) -> Plan:
    return Plan(teacher, placement, (1, 4), answers=2, samples=2)


def test_every_level_is_measured_on_prompts_of_the_recipe_and_told_to_the_progress() -> None:
    told: list[tuple[int, int]] = []

    def tell(*, done: int, total: int, tokens: int = 0, unit: str = "row") -> None:
        told.append((done, total))

    measured = measure(
        prompts_table(5, control=1),
        plan(),
        Machine("here", False, 0),
        tell,
    ).to_pylist()
    assert [(row["concurrency"], row["requests"]) for row in measured] == [(1, 2), (4, 8)]
    assert all(
        row["tokens_per_second"] > 0 and row["first_token_seconds"] > 0 and row["peak_bytes"] > 0
        for row in measured
    )
    assert all((row["hardware"], row["roofline"]) == ("here", 0) for row in measured)
    assert told == [(number + 1, 4 + 1 + 2 + 4 + 8) for number in range(19)]


def test_the_speed_of_an_endpoint_is_the_one_it_was_given() -> None:
    """Thirty tokens in a tenth of a second, in each of four slots: 1200 tokens a second, less what
    asking takes.
    """
    with answering(delay=0.1) as server:
        placement = EnginePlacement(window=4, base_url=server.base_url)
        one, four = measure(
            prompts_table(5), plan(ENDPOINT, placement), Machine("", False, 0), silent
        ).to_pylist()
    assert 150 < one["tokens_per_second"] <= 300
    assert 600 < four["tokens_per_second"] <= 1200
    assert all(
        0.1 < row["first_token_seconds"] < 0.2 and row["completion_tokens"] == 30
        for row in (one, four)
    )


def test_a_request_may_ask_for_fewer_tokens_than_the_teacher_gives() -> None:
    async def given(engine: Engine, tokens: int) -> int:
        return (
            await engine.ask(Ask("k", ({"role": "user", "content": "why?"},), 4, tokens))
        ).completion_tokens

    async def each(engine: Engine) -> list[int]:
        counted = [await given(engine, tokens) for tokens in (0, 5, 1)]
        await engine.close()
        return counted

    assert asyncio.run(each(ScriptedEngine(SCRIPTED))) == [35, 5, 1]
    with answering() as server:
        assert asyncio.run(
            each(EndpointEngine(ENDPOINT, EnginePlacement(base_url=server.base_url), api_key=""))
        ) == [30, 5, 1]


def test_a_teacher_that_answers_nothing_is_said() -> None:
    tiny = SCRIPTED.model_copy(update={"max_tokens": 1023})
    with pytest.raises(
        EmptyTable,
        match=r"none of 2 prompts was answered by .* \(prompt_too_long\); check max_model_len 1024",
    ):
        measure(prompts_table(5), plan(tiny), Machine("", False, 0), silent)


def test_prompts_of_like_length_count_as_one() -> None:
    assert typical_words(prompts_table(5)) == 2
    long = [
        row | {"messages": [{"role": "user", "content": "word " * 700}]}
        for row in prompts_table(3).to_pylist()
    ]
    assert typical_words(rows.table_of(long, rows.PROMPTS)) == 512


def test_hours_and_prices_are_what_one_computes_by_hand() -> None:
    settings = MeasurePlacement(
        accepted_rows=5000, watts=200, price_per_kwh=0.35, price_per_hour=0.5
    )
    need = needed(settings, prompts=300, control=0.1, samples=4, observed=0.5)
    assert (need.rows, need.prompts, need.traces) == (5000, 10_000, 4.4)
    found = project(need, settings, tokens_per_trace=1000, tokens_per_second=800)
    assert found.tokens == 44e6
    assert found.hours == pytest.approx(44e6 / 800 / 3600)
    assert found.cost == pytest.approx(found.hours * (0.2 * 0.35 + 0.5))
    assert found.cost_per_row == pytest.approx(found.cost / 5000)
    assert found.cost_per_million_tokens == pytest.approx(found.cost / 44)


def test_without_a_wish_the_recipes_prompts_are_counted_at_the_yield_that_is_known() -> None:
    settings = MeasurePlacement(assumed_yield=0.7)
    assumed = needed(settings, prompts=300, control=0, samples=1, observed=None)
    assert (assumed.rows, assumed.prompts) == (210, 300)
    assert needed(settings, prompts=300, control=0, samples=1, observed=0.5).rows == 150


@given(st.integers(1, 10**6), st.floats(0.01, 1), st.floats(1, 1e5))
def test_more_rows_take_longer_and_a_faster_teacher_less(
    wanted: int, share: float, speed: float
) -> None:
    def hours(rows_: int, speed_: float) -> float:
        settings = MeasurePlacement(accepted_rows=rows_)
        need = needed(settings, prompts=1, control=0, samples=1, observed=share)
        assert need.prompts * share >= rows_ - 1e-6
        return project(need, settings, tokens_per_trace=100, tokens_per_second=speed_).hours

    assert hours(wanted + 100, speed) > hours(wanted, speed) > hours(wanted, 2 * speed)


def weigh_at(speeds: dict[str, float], budget: float) -> Callable[[NamedModel], Outcome]:
    """Return a weighing by tokens/s; a speed of 0 is a teacher that was not started."""

    def weigh(teacher: NamedModel) -> Outcome:
        speed = speeds[teacher.name]
        if not speed:
            return Outcome(teacher, False, "not started: too large")
        need = needed(
            MeasurePlacement(accepted_rows=5000), prompts=1, control=0, samples=1, observed=0.5
        )
        projection = project(
            need, MeasurePlacement(), tokens_per_trace=1000, tokens_per_second=speed
        )
        fits, says = judged(projection, speed, budget)
        return Outcome(teacher, fits, says, projection=projection)

    return weigh


CANDIDATES = tuple(
    NamedModel(name, TeacherSpec(model=name)) for name in ("huge", "large", "middle", "small")
)
SPEEDS = {"huge": 0.0, "large": 100.0, "middle": 1000.0, "small": 9000.0}


def test_the_first_that_fits_is_chosen_and_every_candidate_says_why_it_is_not() -> None:
    outcomes = choose(CANDIDATES, weigh_at(SPEEDS, budget=8))
    first = chosen(outcomes)
    assert first is not None and first.teacher.name == "middle"
    assert [one.says for one in outcomes] == [
        "not started: too large",
        "27.8 h for 5,000 rows at 100 tokens/s, over the budget of 8.0 h",
        "2.8 h for 5,000 rows at 1,000 tokens/s, within the budget of 8.0 h",
        "not measured, middle fits",
    ]


def test_without_a_budget_the_first_that_runs_is_chosen() -> None:
    first = chosen(choose(CANDIDATES, weigh_at(SPEEDS, budget=0)))
    assert first is not None and first.teacher.name == "large"


def test_when_none_fits_the_line_stops_with_every_projection() -> None:
    outcomes = choose(CANDIDATES, weigh_at(SPEEDS, budget=0.1))
    assert chosen(outcomes) is None
    told = str(unaffordable(outcomes, 0.1))
    assert told.startswith(
        "no teacher can make the corpus within the budget of 6.0 min: huge: not started: too large; large: 27.8 h for 5,000"
    )
    assert told.endswith(
        "small: 18.5 min for 5,000 rows at 9,000 tokens/s, over the budget of 6.0 min. Nothing was built"
    )


def scripted(model: str, **changes: object) -> dict[str, object]:
    return {"engine": "scripted", "model": model} | changes


@pytest.fixture
def measuring(tmp_path: Path) -> Callable[..., Recipe]:
    folder = write_rulebook(tmp_path / "rules")

    def build(*candidates: dict[str, object], **measure: object) -> Recipe:
        """Return a recipe with these candidate teachers, each under the name of its model."""
        known = {"teacher": {"engine": "scripted"}} | {str(one["model"]): one for one in candidates}
        names = [one["model"] for one in candidates]
        return recipe(
            folder,
            models=known,
            measure={"candidates": names} | measure,
            placement={"models": {name: {"window": 4} for name in known}},
        )

    return build


def shown(found: Measured, made: Recipe) -> str:
    console = Console(width=200, record=True, file=open(os.devnull, "w"))  # noqa: PTH123, SIM115
    assert show_measured(found, made, console) == (found.chosen is not None)
    return console.export_text()


@pytest.mark.usefixtures("prefect_server")
def test_a_measurement_is_found_again_and_made_anew_when_asked(
    tmp_path: Path, measuring: Callable[..., Recipe]
) -> None:
    made = measuring(levels=(1, 2), watts=100, price_per_kwh=1)
    first, again = (
        measure_teacher(made, tmp_path / "mill"),
        measure_teacher(made, tmp_path / "mill"),
    )
    assert first.outcomes == again.outcomes
    (table,) = tables(tmp_path / "mill", "measurements")
    assert [row["concurrency"] for row in table.table.read().to_pylist()] == [1, 2, 4]
    assert (table.table.path / "throughput.svg").read_text().startswith("<svg")
    anew = measure_teacher(made, tmp_path / "mill", again=True)
    assert anew.outcomes[0].levels != first.outcomes[0].levels
    assert len(tables(tmp_path / "mill", "measurements")) == 1
    told = shown(first, made)
    assert all(
        word in told
        for word in (
            "rows in flight",
            "unknown",
            "14 rows",
            "yield of 0.60 (assumed)",
            "EUR per row",
            "chosen",
            "plot",
        )
    )


@pytest.mark.usefixtures("prefect_server")
def test_prices_and_levels_are_no_part_of_the_corpus_and_an_earlier_builds_yield_is_counted_with(
    tmp_path: Path, measuring: Callable[..., Recipe]
) -> None:
    first = build_corpus(measuring(), tmp_path / "mill")
    priced = measuring(levels=(2,), watts=9, price_per_kwh=3, accepted_rows=1000)
    assert build_corpus(priced, tmp_path / "mill").fingerprint == first.fingerprint
    found = measure_teacher(priced, tmp_path / "mill")
    projection = found.outcomes[0].projection
    assert projection is not None and projection.prompts == -(-1000 // first.yield_)
    told = shown(found, priced)
    assert f"observed in corpus {first.fingerprint}" in told
    assert f"the recipe writes 24 prompts; set prompts.rows={projection.prompts}" in told


@pytest.mark.usefixtures("prefect_server")
def test_a_candidate_that_cannot_answer_or_is_over_budget_falls_back_to_the_next(
    tmp_path: Path, measuring: Callable[..., Recipe]
) -> None:
    absurd = 10**13
    made = measuring(scripted("a", max_tokens=1023), scripted("b"), scripted("c"), levels=(1,))
    found = measure_teacher(made, tmp_path)
    assert [one.fits for one in found.outcomes] == [False, True, False]
    assert found.outcomes[0].says.startswith("not measured: none of 2 prompts was answered by 'a'")
    assert found.outcomes[2].says == "not measured, b fits"
    assert "for other commands add --set 'traces.models=[b]'" in shown(found, made)
    none = measure_teacher(
        measuring(scripted("b"), levels=(1,), accepted_rows=absurd, budget_hours=0.001),
        tmp_path,
    )
    assert none.chosen is None
    assert "no candidate fits" in shown(none, made)


@pytest.mark.usefixtures("prefect_server")
def test_the_factory_takes_the_chosen_teacher_and_measures_nothing_where_nothing_is_to_be_chosen(
    tmp_path: Path, measuring: Callable[..., Recipe]
) -> None:
    plain = measuring(levels=(1,), accepted_rows=9)
    assert with_teacher(plain, tmp_path) is plain
    assert not tables(tmp_path, "measurements")
    made = with_teacher(
        chosen_of := measuring(scripted("b", temperature=0.2), levels=(1,)), tmp_path
    )
    assert made.traces.models == ("b",)
    assert made.model_copy(update={"traces": chosen_of.traces}) == chosen_of


@pytest.mark.usefixtures("prefect_server")
def test_a_factory_that_is_run_again_stays_with_the_teacher_whose_traces_are_finished(
    tmp_path: Path, measuring: Callable[..., Recipe]
) -> None:
    made = measuring(scripted("b"), levels=(1,), accepted_rows=10**13, budget_hours=1)
    with pytest.raises(GateBroken, match="b: "):
        with_teacher(made, tmp_path)
    build_corpus(with_only(made, "b"), tmp_path)
    assert with_teacher(made, tmp_path).traces.models == ("b",)


@pytest.mark.usefixtures("prefect_server")
def test_the_factory_refuses_an_impossible_budget_before_anything_is_asked_for(
    tmp_path: Path, measuring: Callable[..., Recipe]
) -> None:
    hopeless = measuring(levels=(1,), accepted_rows=10**13, budget_hours=1)
    with pytest.raises(
        GateBroken,
        match=r"within the budget of 1\.0 h: teacher \(builtin:pocket\): [\d,.]+ h for 10,000,000,000,000 rows at .* Nothing was built",
    ):
        run_factory(hopeless, tmp_path)
    assert not tables(tmp_path, "traces")


def test_the_command_ends_with_exit_code_1_when_nothing_fits(
    tmp_path: Path, measuring: Callable[..., Recipe], prefect_server: str
) -> None:
    path = tmp_path / "small.yaml"
    path.write_text(
        yaml.safe_dump(measuring(levels=(1,), accepted_rows=10**13).model_dump(mode="json"))
    )
    whole = [
        str(TRACEMILL),
        "measure",
        str(path),
        "--root",
        str(tmp_path / "mill"),
        "--set",
        "measure.budget_hours=0.5",
    ]
    own = os.environ | {"PREFECT_API_URL": prefect_server}
    done = subprocess.run(
        whole, capture_output=True, text=True, stdin=subprocess.DEVNULL, env=own, check=False
    )
    assert done.returncode == 1
    # On a loaded machine a stage may run long enough to report itself.
    assert all("running for" in line for line in done.stderr.splitlines()), done.stderr
    verdict, advice = done.stdout.splitlines()[-2:]
    assert verdict.startswith("passed over  teacher (builtin:pocket): ") and verdict.endswith(
        "over the budget of 30.0 min"
    )
    assert advice.startswith("no candidate fits")
