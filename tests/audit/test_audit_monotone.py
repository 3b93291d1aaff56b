"""A baseline, a producer column or more rows never turn a finding into `clean`, whichever detector
made it.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from random import Random

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tasks.audit.audit import AuditSpec, audit
from tasks.audit.outcome import Outcome
from tasks.audit.style import Style
from tasks.audit.traces import TableRows
from tests.bench.leak_world.clean import Row
from tests.bench.leak_world.stamps import draw_stamp, stamped
from tests.bench.stamp_corpora import problems
from tests.bench.stamps import table

ROWS = 300
PERSONAS = ("clerk", "buyer of grain", "nurse", "pilot")
Spoil = Callable[[list[Row], int], list[Row]]


def spoil_with_stamp(rows: list[Row], seed: int) -> list[Row]:
    return stamped(rows, [draw_stamp(seed, "start")], rate=0.3, seed=seed)[0]


def spoil_with_stamp_in_all(rows: list[Row], seed: int) -> list[Row]:
    return stamped(rows, [draw_stamp(seed, "start")], rate=1.0, seed=seed)[0]


def spoil_with_label(rows: list[Row], seed: int) -> list[Row]:
    """A label and a word that only openings hold, in the middle of the first sentence: no stretch
    for the insertion test.
    """
    chosen = set(Random(seed).sample(range(len(rows)), 12))
    return _said(rows, chosen, lambda row, number: _behind(row.think, f"A{number % 7} vrell"))


def _behind(think: str, said: str) -> str:
    """Return a think block with something said behind its fourth word."""
    words = think.split(" ")
    return " ".join([*words[:4], said, *words[4:]])


def spoil_with_other_prompt(rows: list[Row], seed: int) -> list[Row]:
    long = max(rows, key=lambda row: len(row.prompt))
    chosen = {number for number in (seed % 7, 40) if rows[number] is not long}
    return _said(rows, chosen, lambda row, _: f"{row.think} {long.prompt}")


def spoil_with_loop(rows: list[Row], seed: int) -> list[Row]:
    loop = " So it is settled by the clause." * 60
    return _said(rows, {seed % len(rows)}, lambda row, _: row.think + loop)


def spoil_with_canary(rows: list[Row], seed: int) -> list[Row]:
    said = lambda row, _: f"{row.think} {row.producer['canary']}"  # noqa: E731
    return _said(rows, {seed % len(rows)}, said)


def spoil_with_persona(rows: list[Row], seed: int) -> list[Row]:
    chosen = {n for n, row in enumerate(rows) if row.producer["persona"] == PERSONAS[0]}
    some = set(Random(seed).sample(sorted(chosen), 3 + seed % 10))
    return _said(rows, some, lambda row, _: f"{row.think} A {row.producer['persona']} asks.")


def spoil_with_dependence(rows: list[Row], seed: int) -> list[Row]:
    chosen = {n for n, row in enumerate(rows) if row.producer["persona"] == PERSONAS[seed % 4]}
    return _said(rows, chosen, lambda row, _: f"{row.think} Reading it twice over.")


def _said(rows: list[Row], chosen: set[int], think: Callable[[Row, int], str]) -> list[Row]:
    return [
        replace(row, think=think(row, number)) if number in chosen else row
        for number, row in enumerate(rows)
    ]


SPOILS: dict[Spoil, tuple[str, ...]] = {
    spoil_with_stamp: (),
    spoil_with_stamp_in_all: (),
    spoil_with_label: (),
    spoil_with_other_prompt: (),
    spoil_with_loop: (),
    spoil_with_canary: ("canary",),
    spoil_with_persona: ("persona",),
    spoil_with_dependence: ("persona",),
}
"""Ways to spoil a corpus, with the producer columns by which it shows."""


def drawn(count: int, seed: int) -> list[Row]:
    rng = Random(f"producers:{seed}")
    return [
        replace(row, producer=_producer(number, seed, rng))
        for number, row in enumerate(problems(count, seed=seed))
    ]


def _producer(number: int, seed: int, rng: Random) -> dict[str, str]:
    persona = rng.choice(PERSONAS)
    return {
        "persona": persona,
        "canary": f"kx{seed}w{number:04}z",
        "role": f"speak as the {persona}",
        "mood": rng.choice(("a clerk of rank", "dry", "warm")),
        "plain": "clerk",
    }


def look(rows: Sequence[Row], columns: Sequence[str] = (), baseline: Sequence[Row] = ()) -> Outcome:
    made = pa.Table.from_batches(table(rows).batches())
    for name in columns:
        values = pa.array([row.producer[name] for row in rows], pa.string())
        made = made.append_column(f"producer:{name}", values)
    style = Style.of(table(baseline)) if baseline else None
    return audit(TableRows(made), AuditSpec(), style=style)


@pytest.mark.parametrize("spoil", SPOILS, ids=lambda spoil: spoil.__name__)
def test_what_is_spoilt_is_found(spoil: Spoil) -> None:
    rows = spoil(drawn(ROWS, seed=9), 9)
    assert look(rows, SPOILS[spoil]).verdict != "clean"


@pytest.mark.parametrize("spoil", SPOILS, ids=lambda spoil: spoil.__name__)
@settings(max_examples=2, deadline=None, suppress_health_check=list(HealthCheck))
@given(seed=st.integers(0, 999), same=st.booleans())
def test_a_baseline_never_turns_a_finding_clean(spoil: Spoil, seed: int, same: bool) -> None:
    rows = spoil(drawn(ROWS, seed), seed)
    if look(rows, SPOILS[spoil]).verdict != "clean":
        baseline = rows if same else spoil(drawn(ROWS, seed + 1), seed)
        assert look(rows, SPOILS[spoil], baseline).verdict != "clean"


@pytest.mark.parametrize("spoil", SPOILS, ids=lambda spoil: spoil.__name__)
@settings(max_examples=2, deadline=None, suppress_health_check=list(HealthCheck))
@given(seed=st.integers(0, 999), others=st.sets(st.sampled_from(["role", "mood", "plain"])))
def test_a_producer_column_never_turns_a_finding_clean(
    spoil: Spoil, seed: int, others: set[str]
) -> None:
    rows = spoil(drawn(ROWS, seed), seed)
    if look(rows, SPOILS[spoil]).verdict != "clean":
        assert look(rows, [*SPOILS[spoil], *sorted(others)]).verdict != "clean"


@pytest.mark.parametrize("spoil", SPOILS, ids=lambda spoil: spoil.__name__)
@settings(max_examples=2, deadline=None, suppress_health_check=list(HealthCheck))
@given(seed=st.integers(0, 999), more=st.integers(1, 1500), speak=st.booleans())
def test_more_rows_never_turn_a_finding_clean(
    spoil: Spoil, seed: int, more: int, speak: bool
) -> None:
    clean = drawn(ROWS + more, seed)
    rows = spoil(clean[:ROWS], seed)
    if look(rows, SPOILS[spoil]).verdict == "clean":
        return
    said = "Some vrell, a clerk and a nurse, said so: reading it twice over."
    longest = max(rows, key=lambda row: len(row.prompt)).prompt
    later = [
        replace(row, think=f"{row.think} {said}", prompt=f"{row.prompt} {longest}")
        if speak and not number % 3
        else row
        for number, row in enumerate(clean[ROWS:])
    ]
    assert look([*rows, *later], SPOILS[spoil]).verdict != "clean"


def test_a_rare_form_that_a_baseline_betrays_stays_found_among_many_rows() -> None:
    rows, baseline = drawn(ROWS, seed=2), drawn(8 * ROWS, seed=3)
    note = "Slot wqz-9 wants vrumbled skelt, blit the forgon quota."
    spoilt = [replace(rows[0], think=f"{note} {rows[0].think}"), *rows[1:]]
    assert look(spoilt, baseline=baseline).verdict == "leak"
    assert look([*spoilt, *drawn(8 * ROWS, seed=4)], baseline=baseline).verdict != "clean"
