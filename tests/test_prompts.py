import dataclasses
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.errors import BadRecipe, PlanOverdrawn, UnknownName
from tasks.ngrams import ngrams, words
from tasks.prompts.plan import Family, Passage, PassageView, Planned, Producer, PromptSpec, Question, Visible, plan, quotas
from tasks.prompts.render import render
from tasks.prompts.write import prompt_of
from tests.builders import passage

PASSAGES = [passage(n, neighbours=tuple(f"p{other}" for other in range(12) if other != n)) for n in range(12)]
QUESTIONS = [Question(f"k{n}", f"What is {n} + {n + 1}?", "addition") for n in range(20)]
FAMILIES = (
    Family(name="A4 spice combinator", share=3, forms=("What is the fee for {topic}?", "Who decides on {topic}?")),
    Family(name="E1", share=1, ground="questions", template="plain", categories=("addition",), general=True),
)


def planned(**changes: object) -> list[Planned]:
    spec = PromptSpec(**{"rows": 16, "families": FAMILIES, "saturation": 0.7} | changes)  # type: ignore[arg-type]
    return list(plan(spec, PASSAGES, QUESTIONS))


def test_the_plan_keeps_its_quotas_and_repeats_nothing() -> None:
    rows = planned()
    assert [sum(row.producer.family == family.name for row in rows) for family in FAMILIES] == [12, 4]
    assert len({str(prompt_of(row)["prompt_id"]) for row in rows}) == len({row.producer.cell for row in rows}) == 16


@given(st.integers(1, 500), st.lists(st.floats(0.01, 100), min_size=1, max_size=6))
def test_quotas_add_up_and_stay_within_a_row_of_their_share(rows: int, shares: list[float]) -> None:
    families = tuple(Family(name=f"f{n}", share=share) for n, share in enumerate(shares))
    counts = quotas(PromptSpec(rows=rows, families=families))
    assert sum(counts.values()) == rows
    assert all(abs(counts[family.name] - rows * family.share / sum(shares)) < 1 for family in families)


def test_the_same_seed_gives_the_same_plan_and_another_seed_another() -> None:
    assert planned() == planned()
    assert planned() != planned(seed=1)


def test_an_overdrawn_family_is_refused_with_the_numbers() -> None:
    with pytest.raises(PlanOverdrawn, match=r"A4 spice combinator: 23 rows asked, 16 allowed of 24 possible"):
        planned(rows=30)


def test_only_neighbours_of_the_same_document_are_shown_unless_the_recipe_says_so() -> None:
    documents = {one.passage_id: one.document_id for one in PASSAGES}
    within = [{documents[shown] for shown in row.passage_ids} for row in planned()[:12]]
    assert all(len(found) == 1 for found in within)
    wide = planned(families=(FAMILIES[0].model_copy(update={"context_from": "corpus"}),))
    assert any(len({documents[shown] for shown in row.passage_ids}) > 1 for row in wide)


def test_two_families_of_one_name_are_refused() -> None:
    with pytest.raises(BadRecipe, match="same name"):
        planned(families=(FAMILIES[0], FAMILIES[0]))


NAME = st.text(st.characters(codec="utf-8", exclude_categories=["Cs", "Cc"]), min_size=4, max_size=30).filter(
    lambda text: len(words(text)) > 0
)


@settings(max_examples=150)
@given(NAME, st.integers(0, 2**20), st.sampled_from(["closed_qa", "plain"]))
def test_no_plan_value_and_no_run_of_its_words_is_in_any_rendered_prompt(name: str, seed: int, template: str) -> None:
    """Whatever the producer calls its families, the prompt reads as if it had called them something else."""
    renamed = FAMILIES[0].model_copy(update={"name": name, "template": template})
    rows = planned(families=(renamed,), seed=seed, rows=8)
    for row in rows:
        text = str(prompt_of(row)["messages"])
        assert row.producer.canary not in text
        assert row.producer.cell not in text
        vocabulary = set(ngrams(words(row.producer.cell), 3)) | set(ngrams(words(name), 3))
        assert not vocabulary & set(ngrams(words(text), 3))
        other = dataclasses.replace(row, producer=Producer("family", "cell", "canary"))
        assert prompt_of(other)["messages"] == prompt_of(row)["messages"]


def test_the_renderer_is_handed_nothing_of_the_producers() -> None:
    assert set(Visible.__dataclass_fields__) == {"question", "passages"}
    assert set(PassageView.__dataclass_fields__) == {"section", "heading", "text"}


def test_documents_are_values_never_templates() -> None:
    hostile = "{{ 7 * 7 }} {% include '/etc/passwd' %} {{ question.__class__ }}"
    text = render(Visible("Why?", (PassageView("Section 1", "Traps", hostile),)), "closed_qa")[0]["content"]
    assert hostile in text
    assert "49" not in text


def test_a_form_is_not_a_format_string() -> None:
    one = Passage("p", "d", "Section 1", "{0.__class__} traps", "Text.", ())
    family = Family(name="f", share=1, forms=("About {topic} {x}?",))
    row = next(plan(PromptSpec(rows=1, families=(family,), saturation=1), [one], []))
    assert row.visible.question == "About {0.__class__} traps {x}?"


def test_a_template_that_reaches_for_the_plan_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "own.jinja"
    path.write_text("{{ question }} {{ family }}")
    with pytest.raises(BadRecipe, match="family"):
        render(Visible("Why?", ()), str(path))


def test_an_unknown_template_lists_the_known() -> None:
    with pytest.raises(UnknownName, match="closed_qa, plain"):
        render(Visible("Why?", ()), "open_qa")


def test_a_form_without_a_topic_is_refused() -> None:
    with pytest.raises(ValueError, match="slot"):
        Family(name="f", share=1, forms=("Why?",))


@pytest.mark.parametrize(("heading", "topic"), [("Late fees", "late fees"), ("PCT filings", "PCT filings"), ("", "section 1")])
def test_a_heading_reads_inside_a_sentence(heading: str, topic: str) -> None:
    one = passage(1, section="Section 1", heading=heading)
    row = next(plan(PromptSpec(rows=1, saturation=1), [one], []))
    assert topic in row.visible.question
