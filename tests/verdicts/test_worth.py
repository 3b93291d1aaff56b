"""Which rows the gates are measured on."""

import random
from dataclasses import replace

from tasks.verdicts.case import Case
from tasks.verdicts.worth import drawn
from tests.support.builders import case


def cases(count: int) -> list[Case]:
    plain = case()
    return [
        replace(plain, trace_id=f"t{number}", family="even" if number % 2 == 0 else "odd")
        for number in range(count)
    ]


def test_the_drawn_rows_are_the_same_in_any_order_and_no_more_than_asked_for_per_family() -> None:
    rows = cases(101)
    made = drawn(rows, seed=3, most=7)
    assert made.rows == 101
    assert {family: len(own) for family, own in made.by_family.items()} == {"even": 7, "odd": 7}
    shuffled = random.Random(1).sample(rows, len(rows))
    assert drawn(shuffled, seed=3, most=7).by_family["odd"] == made.by_family["odd"]
    assert drawn(rows, seed=4, most=7).by_family["odd"] != made.by_family["odd"]
    assert drawn(rows, seed=3, most=3).by_family["odd"] == made.by_family["odd"][:3]


def test_a_family_with_few_rows_gives_them_all() -> None:
    made = drawn(cases(5), seed=0, most=200)
    assert sorted(one.trace_id for one in made.by_family["even"]) == ["t0", "t2", "t4"]
    assert drawn([], seed=0).by_family == {}
