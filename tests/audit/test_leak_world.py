import re
from collections import Counter

import pytest

from tests.bench.leak_world import families as leaks
from tests.bench.leak_world.clean import STYLES, Row, clean_rows
from tests.bench.leak_world.families import (
    Family,
    contaminate,
    contaminate_mixed,
    draw_family,
    mixed_family,
)

FAMILIES = [draw_family(seed) for seed in range(600)]


@pytest.fixture(scope="module")
def mixed() -> list[Row]:
    return clean_rows(400, seed=1, style="mixed")


def words(row: Row) -> list[str]:
    return re.findall(r"[^\W\d]{3,}", row.think.lower())


@pytest.mark.parametrize("style", STYLES)
def test_rows_depend_on_seed_style_and_place_alone(style: str) -> None:
    rows = clean_rows(12, seed=5, style=style)
    assert rows == clean_rows(30, seed=5, style=style)[:12]
    assert len({row.think for row in rows + clean_rows(12, seed=6, style=style)}) == 24
    assert len({row.id for row in rows}) == 12


def test_an_unknown_style_is_named() -> None:
    with pytest.raises(KeyError, match="sonnet"):
        clean_rows(1, seed=0, style="sonnet")


@pytest.mark.parametrize("style", STYLES)
def test_clean_rows_hold_no_producer_value(style: str) -> None:
    rows = clean_rows(300, seed=2, style=style)
    values = {value.lower() for row in rows for value in row.producer.values()}
    for row in rows:
        text = f"{row.prompt}\n{row.passage}\n{row.think}\n{row.answer}".lower()
        assert not [value for value in values if value in text]


def test_producer_values_are_many_and_canaries_are_the_rows_own(mixed: list[Row]) -> None:
    assert {len({row.producer[name] for row in mixed}) for name in ("family", "persona")} == {8}
    assert len({row.producer["instruction"] for row in mixed}) == 10
    assert len({row.producer["canary"] for row in mixed}) == len(mixed)
    assert all(re.fullmatch("canary-[0-9a-f]{16}", row.producer["canary"]) for row in mixed)


@pytest.mark.parametrize("style", STYLES)
def test_reasoning_has_a_plausible_length_and_no_stand_in_sign(style: str) -> None:
    rows = clean_rows(200, seed=3, style=style)
    assert 550 < sum(len(row.think) for row in rows) / len(rows) < 2000
    assert not [
        row.id
        for row in rows
        if re.search(r"[⏎¦⟨⟩⟪⟫∅]|<\w+>(?!.*</)", row.prompt + row.think)
        and "<" not in row.prompt
        and "tag" not in row.think
    ]


@pytest.mark.parametrize("style", STYLES)
def test_many_rows_hold_words_no_other_row_holds_and_most_of_them_are_the_prompts(
    style: str,
) -> None:
    rows = clean_rows(600, seed=4, style=style)
    seen = Counter(word for row in rows for word in set(words(row)))
    once = [(word, row) for row in rows for word in set(words(row)) if seen[word] == 1]
    at_home = [word for word, row in once if word in f"{row.prompt} {row.passage}".lower()]
    assert len({row.id for _, row in once}) > 0.4 * len(rows)
    assert 0.5 < len(at_home) / len(once) < 0.95


@pytest.mark.parametrize("style", STYLES)
def test_two_seeds_draw_from_one_distribution(style: str) -> None:
    first, second = (
        Counter(word for row in clean_rows(400, seed=seed, style=style) for word in set(words(row)))
        for seed in (7, 8)
    )
    common = {word for word, count in first.items() if count >= 40}
    assert len(common) > 30
    assert all(0.4 < second[word] / first[word] < 2.5 for word in common)


def test_some_openers_are_common_and_some_are_rare() -> None:
    openers = Counter(
        " ".join(row.think.split()[:2]) for row in clean_rows(1000, seed=9, style="templated")
    )
    assert max(openers.values()) > 60
    assert sum(count for count in openers.values() if count < 10) > 30


def test_families_are_a_function_of_their_seed_and_differ() -> None:
    assert [draw_family(family.seed) for family in FAMILIES[:50]] == FAMILIES[:50]
    spoken = [family.forms for family in FAMILIES if family.forms]
    assert len(set(spoken)) > 0.97 * len(spoken)
    assert len({family.name for family in FAMILIES}) == len(FAMILIES)
    assert {len(forms) for forms in spoken} == set(range(1, 9))


@pytest.mark.parametrize(
    ("axis", "values"),
    [
        ("kind", leaks.KINDS),
        ("position", leaks.POSITIONS),
        ("language", leaks.LANGUAGES),
        ("capitals", leaks.CAPITALS),
        ("length", leaks.LENGTHS),
        ("vocabulary", leaks.VOCABULARIES),
    ],
)
def test_every_value_of_an_axis_occurs(axis: str, values: tuple[str, ...]) -> None:
    assert {getattr(family, axis, None) or family.traits[axis] for family in FAMILIES} == set(
        values
    )


def test_three_families_in_five_speak_english() -> None:
    assert 0.54 < sum(family.language == "english" for family in FAMILIES) / len(FAMILIES) < 0.68


@pytest.mark.parametrize(
    ("rate", "leaked"), [(0.0001, 1), (0.01, 4), (0.2, 80), (0.56, 224), (1.0, 400)]
)
def test_a_rate_leaks_its_share_and_leaves_the_others_alone(
    mixed: list[Row], rate: float, leaked: int
) -> None:
    rows, flags = contaminate(mixed, FAMILIES[0], rate=rate, seed=3)
    assert sum(flags) == leaked
    assert [row.think != clean.think for row, clean in zip(rows, mixed, strict=True)] == flags
    assert [(row.id, row.prompt, row.answer, row.producer) for row in rows] == [
        (row.id, row.prompt, row.answer, row.producer) for row in mixed
    ]
    assert contaminate(mixed, FAMILIES[0], rate=rate, seed=3) == (rows, flags)
    assert leaked == 400 or contaminate(mixed, FAMILIES[0], rate=rate, seed=4)[1] != flags


@pytest.mark.parametrize("family", FAMILIES[:200], ids=lambda family: family.name)
def test_every_family_changes_every_row_it_is_given(mixed: list[Row], family: Family) -> None:
    rows, flags = contaminate(mixed[:40], family, rate=0.5, seed=1)
    assert [row.think != clean.think for row, clean in zip(rows, mixed, strict=False)] == flags
    assert family.kind.startswith("broken") or not [
        row.think for row in rows if re.search(r"[⏎¦⟪⟫∅]|\{(n|k|noun|tag|code)\}", row.think)
    ]


def test_families_side_by_side_share_the_leaked_rows_evenly(mixed: list[Row]) -> None:
    together = mixed_family(range(10))
    rows, flags = contaminate_mixed(mixed, together, rate=0.1, seed=1)
    assert sum(flags) == 40
    given = Counter(
        family.name
        for family in together
        for row, clean in zip(rows, mixed, strict=True)
        if row.think == leaks.leak(clean, family, seed=1)
    )
    assert set(given.values()) == {4}
    assert len(given) == 10
