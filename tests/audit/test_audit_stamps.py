"""Stamps without a baseline: what is found, and what is left alone."""

from dataclasses import replace
from pathlib import Path
from random import Random

import numpy as np
import pyarrow as pa
import pytest

from flows.audit import facts_of
from tasks.audit.audit import AuditSpec, audit
from tasks.audit.batch import batches_of
from tasks.audit.blocks import Block, BlockBuilder
from tasks.audit.outcome import Outcome
from tasks.audit.power import fewest_stamped, power
from tasks.audit.report import bars, report
from tasks.audit.row_features import RowFeatures
from tasks.audit.style import Style
from tasks.audit.tokens import tokens_of
from tasks.audit.traces import TableRows
from tasks.audit.wording import wording
from tests.bench.leak_world.clean import Row, clean_rows
from tests.bench.leak_world.stamps import Stamp, draw_stamp, historic_stamps, stamped
from tests.bench.stamp_corpora import problems, with_openers
from tests.bench.stamps import table

SHEET = Stamp("Task sheet says two steps.", "start", " ")


def look(rows: list[Row], style: Style | None = None, *, prompts: bool = True) -> Outcome:
    return audit(table(rows, prompts=prompts), AuditSpec(), style=style)


def rows_of(outcome: Outcome, due: list[bool]) -> tuple[float, float]:
    """Return recall and precision."""
    flagged, truth = outcome.flags > 0, np.array(due)
    return float(flagged[truth].mean()), float(truth[flagged].mean())


@pytest.mark.parametrize("position", ["start", "end", "inside"])
@pytest.mark.parametrize("prompts", [True, False])
def test_a_stamp_on_half_the_rows_is_named_and_its_rows_alone_are_flagged(
    position: str, prompts: bool
) -> None:
    stamp = Stamp(SHEET.form, position, " ")
    rows, due = stamped(problems(300, seed=1), [stamp], rate=0.56, seed=1)
    outcome = look(rows, prompts=prompts)
    assert (outcome.verdict, rows_of(outcome, due)) == ("leak", (1.0, 1.0))
    assert outcome.patterns[0].pattern == SHEET.form
    assert len(outcome.patterns[0].examples) == 5


@pytest.mark.parametrize("seed", range(6))
def test_an_invented_stamp_in_a_row_of_twenty_is_found(seed: int) -> None:
    clean = clean_rows(300, seed=5, style="r1")
    rows, due = stamped(clean, [draw_stamp(seed)], rate=0.05, seed=seed)
    assert rows_of(look(rows), due) == (1.0, 1.0)


def test_the_four_forms_of_the_first_lost_corpus_are_found_without_a_preset() -> None:
    rows, due = stamped(problems(1000, seed=2), historic_stamps(), rate=0.56, seed=2)
    recall, precision = rows_of(look(rows, prompts=False), due)
    assert min(recall, precision) >= 0.95


def test_strong_openers_of_a_kind_of_prompt_and_of_the_teacher_are_no_stamps() -> None:
    rows = with_openers(problems(300, seed=3), seed=3)
    assert look(rows).verdict == "clean"
    rows, due = stamped(rows, [SHEET], rate=0.1, seed=3)
    assert rows_of(look(rows), due) == (1.0, 1.0)


def test_a_stamp_in_all_rows_is_suspect_and_the_page_shows_what_to_look_at() -> None:
    rows, _ = stamped(problems(270, seed=4), [SHEET], rate=1.0, seed=4)
    outcome = look(rows)
    page = report(outcome, "corpus")
    assert outcome.verdict == "suspect"
    assert f"<mark>{SHEET.form}</mark>" in page
    assert [bar.found for bar in bars(outcome)[:1]] == [True]


def noted(rows: list[Row], note: str, *, rate: float, seed: int) -> tuple[list[Row], list[bool]]:
    """Return rows a share of which begins with a note, and which ones: its slots differ from row to
    row.
    """
    rng = Random(seed)
    due = [rng.random() < rate for _ in rows]
    words = {"name": "Ivo Anna Fenn Hollis Larch".split(), "role": "nurse clerk pilot".split()}
    made = []
    for row, hit in zip(rows, due, strict=True):
        text = note.format(**{slot: rng.choice(known) for slot, known in words.items()})
        made.append(replace(row, think=f"{text} {row.think}") if hit else row)
    return made, due


def test_a_note_of_usual_words_and_slots_flags_its_own_rows_alone() -> None:
    rows, due = noted(
        problems(300, seed=9602), "Seen by {name}, keep it {role}.", rate=0.2, seed=9602
    )
    assert rows_of(look(rows), due) == (1.0, 1.0)


def test_a_pattern_shows_which_part_varies_and_some_of_its_values() -> None:
    rows, _ = noted(problems(300, seed=7), "Addressee profile <{role}/8>:", rate=0.3, seed=7)
    outcome = look(rows)
    assert outcome.patterns[0].pattern == "Addressee profile <…/8>:"
    assert set(outcome.patterns[0].values) <= {"nurse", "clerk", "pilot"}
    page = report(outcome, "corpus")
    assert f"<code>Addressee profile &lt;…/8&gt;:</code> ({outcome.patterns[0].varies})" in page


@pytest.mark.parametrize(
    ("pieces", "told"),
    [
        (
            ["profile <welder/8>:", "profile <nurse/12>:"],
            ("profile <…>:", ("welder/8", "nurse/12")),
        ),
        (["For Ivo: go.", "For Anna Bell: go."], ("For …: go.", ("Ivo", "Anna Bell"))),
        (["R7: go on.", "R120: go on."], ("R…: go on.", ("7", "120"))),
        (["Go on.", "Go on."], ("Go on.", ())),
        (["one thing", "quite another"], ("one thing", ())),
        (["Go on.", ""], ("Go on.", ())),
    ],
)
def test_the_wording_of_a_pattern_has_a_slot_where_its_examples_differ(
    pieces: list[str], told: tuple[str, tuple[str, ...]]
) -> None:
    assert wording(pieces) == told


@pytest.mark.parametrize("seed", [9803, 9904, 9907])
def test_the_ways_in_which_a_style_opens_its_texts_are_no_stamps(seed: int) -> None:
    assert look(clean_rows(1000, seed=seed, style="legal")).verdict == "clean"


def block_of(rows: list[Row]) -> Block:
    builder = BlockBuilder()
    for batch in batches_of(table(rows)):
        builder.add(batch, np.arange(batch.rows.num_rows))
    return builder.block()


def test_what_was_taken_off_holds_no_sentence_and_no_feature() -> None:
    rows = problems(300, seed=8)
    clean, behind = block_of(rows), block_of(stamped(rows, [SHEET], rate=1.0, seed=8)[0])
    note = len(tokens_of(pa.array([SHEET.form])).hashes)
    behind = behind.behind(behind.heads + note)
    shift = note * (clean.tokens.texts[clean.sentences] + 1)
    assert np.array_equal(behind.sentences, clean.sentences + shift)
    left, due = RowFeatures(behind), RowFeatures(clean)
    assert np.array_equal(left._hashes, due._hashes)
    assert np.array_equal(left._shares, due._shares)


def test_a_cleared_stamp_flags_no_row() -> None:
    rows, _ = stamped(problems(300, seed=5), [SHEET], rate=0.3, seed=5)
    outcome = audit(table(rows), AuditSpec(allowed=(SHEET.form,)))
    assert outcome.verdict == "clean"
    assert all(one.cleared for one in outcome.patterns)


def test_the_page_shows_text_and_id_of_the_rows_at_fault() -> None:
    rows, due = stamped(problems(300, seed=6), [SHEET], rate=0.2, seed=6)
    page = report(look(rows), "corpus")
    first = rows[due.index(True)]
    assert f"<code>{first.id}</code>" in page
    assert page.count(SHEET.form) > 50


def test_the_page_of_a_file_names_file_fingerprint_and_day(tmp_path: Path) -> None:
    corpus = tmp_path / "corpus.jsonl"
    corpus.write_text("{}")
    first = facts_of(corpus, None, AuditSpec(allowed=("Okay",)))
    corpus.write_text("{ }")
    second = facts_of(corpus, None, AuditSpec())
    assert [fact.name for fact in first] == ["file", "audited on", "allowed"]
    assert first[0] != second[0]
    page = report(look(problems(20, seed=1)), "corpus", first)
    assert first[0].value in page


def with_persona(rows: list[Row], said: str, every: int) -> TableRows:
    """Rows of three personas; of those with the first, every so many say something."""
    personas = ["clerk", "buyer of grain", "nurse"]
    carried = [personas[number % 3] for number in range(len(rows))]
    thinks = [
        f"{row.think} {said}"
        if number % 3 == personas.index("buyer of grain") % 3 and number % every == 1
        else row.think
        for number, row in enumerate(rows)
    ]
    made = [Row(**vars(row) | {"think": think}) for row, think in zip(rows, thinks, strict=True)]
    held = pa.Table.from_batches(table(made).batches())
    return TableRows(held.append_column("producer:persona", pa.array(carried)))


@pytest.mark.parametrize("said", ["A buyer would ask.", "The buyer of grain would ask."])
def test_a_value_of_a_producer_column_is_found_whole_and_in_part(said: str) -> None:
    outcome = audit(with_persona(problems(300, seed=7), said, 9), AuditSpec())
    assert outcome.verdict == "leak"
    assert outcome.gate_rows()["taint"] >= 30


def test_a_value_that_all_rows_carry_is_at_least_suspect() -> None:
    rows = problems(60, seed=8)
    made = [
        Row(**vars(row) | {"think": f"{row.think} Said as clerk."}) if number % 10 == 0 else row
        for number, row in enumerate(rows)
    ]
    held = pa.Table.from_batches(table(made).batches())
    held = held.append_column("producer:persona", pa.array(["clerk"] * 60))
    assert audit(TableRows(held), AuditSpec()).verdict == "suspect"


@pytest.mark.parametrize("control", [24, 80, 400])
def test_so_many_stamped_rows_as_the_control_arm_asks_for_are_found_by_it(control: int) -> None:
    due = fewest_stamped(300, control)
    assert due <= 300
    rows, _ = stamped(problems(300, seed=9), [SHEET], rate=due / 300, seed=9)
    outcome = look(rows, Style.of(table(problems(control, seed=10))))
    assert any(one.detector == "concentration" for one in outcome.patterns)


def test_what_could_not_be_found_is_said() -> None:
    assert fewest_stamped(300, 0) > 300
    assert fewest_stamped(300, 10) > fewest_stamped(300, 100)
    assert "fewer than 10 of 300 rows" in power(300, None).in_words(300)
    assert "more than 292 rows" in power(300, None).in_words(300)
    assert "no stamp can be found" in power(5, None).in_words(5)
