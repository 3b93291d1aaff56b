import random
from collections import Counter
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.critique.agreement import agreement_of, wilson
from tasks.critique.coherence import CoherenceSpec, believed, sample
from tasks.critique.planting import KINDS, SOUND, altered, faulty, foreign, plants
from tests.support.plants import NAMES, ROWS, judgements, row

COUNTS = st.integers(0, 40)


def test_plants_are_half_sound_half_spoilt_of_every_kind_and_no_row_is_in_both_halves() -> None:
    drawn = plants(ROWS, count=60, seed=0)
    assert Counter(one.kind for one in drawn) == {SOUND: 30} | dict.fromkeys(KINDS, 10)
    assert [one.planted for one in drawn] == [False] * 30 + [True] * 30
    assert len({one.case.trace_id for one in drawn}) == 60
    assert all(one.case in ROWS for one in drawn[:30])


def test_a_spoilt_row_keeps_its_question_and_reasons_about_another() -> None:
    originals = {one.trace_id: one for one in ROWS}
    for plant in plants(ROWS, count=60, seed=0)[30:]:
        own = originals[plant.case.trace_id]
        number = own.passages[0].section.split()[1]
        assert plant.case.prompt == own.prompt
        assert number not in plant.case.think
        assert (plant.case.answer == own.answer) == (plant.kind != "foreign_trace")
        assert any(
            plant.case.think == other.think for other in ROWS if other.prompt != own.prompt
        ) == plant.kind.startswith("foreign")


def test_an_altered_think_block_keeps_its_wording_and_no_number_or_name_of_its_prompt() -> None:
    made = altered(ROWS[3], ROWS, seed=0)
    assert made is not None
    assert "104" not in made.think
    assert "Lind" not in made.think
    assert "203" not in made.think
    assert made.think.startswith("I need the fee for interviews.\nSection ")
    assert any(f"Examiner {name}, the fee is " in made.think for name in NAMES)


@pytest.mark.parametrize(
    "text", ["So we see that it holds.", "1. First we read. 2. Then we see that it holds."]
)
def test_a_think_block_with_nothing_of_its_prompt_to_alter_is_spoilt_otherwise(text: str) -> None:
    rows = [row(number, think=text if number == 0 else ROWS[number].think) for number in range(4)]
    assert altered(rows[0], rows, seed=0) is None
    assert Counter(one.kind for one in plants(rows, count=8, seed=1))[SOUND] == 4


def test_another_row_is_of_the_family_asks_something_else_and_shares_no_passage() -> None:
    own = row(0)
    unfit = [
        replace(own, trace_id="a"), row(1, family="other"), row(2, passages=own.passages),
    ]  # fmt: skip
    assert foreign(own, unfit, seed=0) is None
    assert foreign(own, [*unfit, row(3)], seed=0) == row(3)


def test_samples_of_one_prompt_are_used_after_every_prompt() -> None:
    rows = [row(number, trace_id=f"t{number}-{copy}") for number in range(30) for copy in range(4)]
    assert len({one.case.prompt for one in plants(rows, count=30, seed=0)}) == 30


@given(st.randoms(use_true_random=False), st.integers(0, 5))
def test_plants_depend_on_ids_and_seed_not_on_order(rng: random.Random, seed: int) -> None:
    assert plants(rng.sample(ROWS, len(ROWS)), count=20, seed=seed) == plants(
        ROWS, count=20, seed=seed
    )


def test_the_share_is_kept_and_a_larger_one_holds_the_smaller() -> None:
    rows = [row(number) for number in range(2000)]
    few, more, every = (
        {one.trace_id for one in sample(rows, CoherenceSpec(share=share))}
        for share in (0.1, 0.3, 1.0)
    )
    assert few < more < every
    assert 150 < len(few) < 250
    assert len(every) == 2000
    assert sample(rows, CoherenceSpec(share=0)) == []


@given(COUNTS, COUNTS, COUNTS, COUNTS, COUNTS)
def test_agreement_counts_every_plant_once(
    hits: int, misses: int, right: int, false_alarms: int, silent: int
) -> None:
    made = agreement_of(
        "m",
        judgements(hits=hits, misses=misses, right=right, false_alarms=false_alarms, silent=silent),
    )
    assert (
        made.true_positives,
        made.false_negatives,
        made.true_negatives,
        made.false_positives,
    ) == (hits, misses, right, false_alarms)
    assert (made.abstained, made.judged, made.plants) == (
        2 * silent,
        made.plants - 2 * silent,
        made.planted + made.sound,
    )
    assert made.precision * (hits + false_alarms) == pytest.approx(hits)
    assert made.recall * (hits + misses + silent) == pytest.approx(hits)
    assert made.accuracy * made.judged == pytest.approx(hits + right)
    assert 0 <= made.interval.low <= made.precision <= made.interval.high + 1e-9 <= 1 + 1e-9
    assert believed(made, CoherenceSpec(precision=0.5)) == (hits > 0 and hits >= false_alarms)


def test_the_interval_is_wilsons() -> None:
    assert wilson(8, 10) == pytest.approx((0.4902, 0.9433), abs=1e-4)
    assert wilson(0, 0) == (0.0, 1.0)


def test_the_sentence_names_the_judge_and_its_measure() -> None:
    made = agreement_of(
        "builtin:pocket", judgements(hits=28, misses=1, right=28, false_alarms=1, silent=1)
    )
    assert made.sentence() == (
        "judge builtin:pocket agrees with 56 of 60 plants (precision 0.97 [0.83, 0.99], recall 0.93, 2 abstained)"
    )
    assert (
        "precision unknown"
        in agreement_of(
            "m", judgements(hits=0, misses=5, right=5, false_alarms=0, silent=0)
        ).sentence()
    )


def test_faulty_rows_take_every_kind_in_turn_in_every_family_whatever_the_order() -> None:
    both = [*ROWS, *(row(number, family="other", trace_id=f"o{number}") for number in range(40))]
    made = faulty(both, count=30, seed=0)
    counted = Counter((one.case.family, one.kind) for one in made)
    assert len(made) == 30
    assert {family for family, _ in counted} == {both[0].family, "other"}
    assert max(counted.values()) - min(counted.values()) <= 1
    assert faulty(both[::-1], count=30, seed=0) == made
    originals = {one.trace_id: one for one in both}
    assert all(one.case != originals[one.case.trace_id] and one.planted for one in made)
