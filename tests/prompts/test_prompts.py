import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import get_args, get_type_hints

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks import rows as tables
from tasks.errors import BadRecipe, PlanOverdrawn, UnknownName
from tasks.ngrams import ngrams, words
from tasks.prompts.family import Family, PromptSpec
from tasks.prompts.plan import (
    Passage,
    PassageView,
    Planned,
    Producer,
    Question,
    Visible,
    control_quotas,
    plan,
    quotas,
)
from tasks.prompts.render import render, template_text
from tasks.prompts.write import prompt_of, write
from tests.support.builders import passage

PASSAGES = [
    passage(n, neighbours=tuple(f"p{other}" for other in range(12) if other != n))
    for n in range(12)
]
QUESTIONS = [Question(f"k{n}", f"What is {n} + {n + 1}?", "addition") for n in range(20)]
FAMILIES = (
    Family(
        name="A4 spice combinator",
        share=3,
        forms=("What is the fee for {topic}?", "Who decides on {topic}?"),
    ),
    Family(
        name="E1",
        share=1,
        ground="questions",
        template="plain",
        categories=("addition",),
        general=True,
    ),
)


def planned(**changes: object) -> list[Planned]:
    usual = {"rows": 16, "families": FAMILIES, "saturation": 0.7, "control": 0}
    spec = PromptSpec(**usual | changes)  # type: ignore[arg-type]
    return list(plan(spec, PASSAGES, QUESTIONS))


def test_the_plan_keeps_its_quotas_and_repeats_nothing() -> None:
    rows = planned()
    assert [sum(row.producer.family == family.name for row in rows) for family in FAMILIES] == [
        12,
        4,
    ]
    assert (
        len({str(prompt_of(row)["prompt_id"]) for row in rows})
        == len({row.producer.cell for row in rows})
        == 16
    )


@given(st.integers(1, 500), st.lists(st.floats(0.01, 100), min_size=1, max_size=6))
def test_quotas_add_up_and_stay_within_a_row_of_their_share(rows: int, shares: list[float]) -> None:
    families = tuple(Family(name=f"f{n}", share=share) for n, share in enumerate(shares))
    counts = quotas(PromptSpec(rows=rows, families=families))
    assert sum(counts.values()) == rows
    assert all(
        abs(counts[family.name] - rows * family.share / sum(shares)) < 1 for family in families
    )


def test_the_same_seed_gives_the_same_plan_and_another_seed_another() -> None:
    assert planned() == planned()
    assert planned() != planned(seed=1)


def test_an_overdrawn_family_is_refused_with_the_numbers() -> None:
    with pytest.raises(
        PlanOverdrawn, match=r"A4 spice combinator: 23 rows asked, 16 allowed of 24 possible"
    ):
        planned(rows=30)


def test_only_neighbours_of_the_same_document_are_shown_unless_the_recipe_says_so() -> None:
    documents = {one.passage_id: one.document_id for one in PASSAGES}
    within = [{documents[shown] for shown in row.passage_ids} for row in planned()[:12]]
    assert all(len(found) == 1 for found in within)
    wide = planned(families=(FAMILIES[0].model_copy(update={"context_from": "corpus"}),))
    assert any(len({documents[shown] for shown in row.passage_ids}) > 1 for row in wide)


def test_a_family_asks_of_the_documents_of_its_categories_alone() -> None:
    kinds = ("manual", "pairs", "papers")
    passages = [passage(n, category=kinds[n % 3]) for n in range(12)]
    spec = PromptSpec(
        rows=2, families=(Family(name="f", share=1, categories=("pairs",), context=0),), control=0
    )
    of = {one.passage_id: one.category for one in passages}
    assert {of[shown] for row in plan(spec, passages, []) for shown in row.passage_ids} == {"pairs"}
    with pytest.raises(PlanOverdrawn, match="3 rows asked, 2 allowed of 4 possible"):
        list(plan(spec.model_copy(update={"rows": 3}), passages, []))


def test_two_families_of_one_name_are_refused() -> None:
    with pytest.raises(BadRecipe, match="same name"):
        planned(families=(FAMILIES[0], FAMILIES[0]))


NAME = st.text(
    st.characters(codec="utf-8", exclude_categories=["Cs", "Cc"]), min_size=4, max_size=30
).filter(lambda text: len(words(text)) > 0)


@settings(max_examples=150)
@given(NAME, st.integers(0, 2**20), st.sampled_from(["closed_qa", "plain"]))
def test_whatever_the_producer_calls_its_families_the_prompt_reads_as_if_it_had_called_them_something_else(
    name: str, seed: int, template: str
) -> None:
    renamed = FAMILIES[0].model_copy(update={"name": name, "template": template})
    rows = planned(families=(renamed,), seed=seed, rows=8)
    for row in rows:
        other = dataclasses.replace(row, producer=Producer("family", "cell", "canary"))
        assert prompt_of(other)["messages"] == prompt_of(row)["messages"]


LOOP = "{% for passage in passages %}{{ passage.heading }} | {{ passage.text }}\n{% endfor %}"
TEXT = st.text("abcdexyz AB01 .,:-_'é漢{}%[]", max_size=30)
LABEL = st.text("abcdxyzQ01_- ", min_size=1, max_size=20).filter(lambda text: bool(words(text)))
FORM = st.builds("{} {{topic}} {}".format, TEXT, TEXT)
TEMPLATE = st.builds(
    lambda own, order: "\n".join(order).replace("OWN", own),
    LABEL,
    st.permutations(["OWN", LOOP, "{{ question }}"]),
)


@st.composite
def worlds(
    draw: st.DrawFn,
) -> tuple[list[tuple[Family, str]], list[Passage], list[Question], int, float]:
    """Draw families, each with the text of a template of its own ("" for a built-in one), passages,
    questions, rows and the control share.
    """
    count = draw(st.integers(1, 6))
    ids = [f"p{n}" for n in range(count)]
    passages = [
        Passage(one, f"d{n % 2}", draw(TEXT), draw(TEXT), draw(TEXT), tuple(ids), "c")
        for n, one in enumerate(ids)
    ]
    questions = [Question(f"k{n}", draw(TEXT), "c") for n in range(count)]
    families = [
        (
            Family(
                name=name,
                share=draw(st.sampled_from([1, 2, 3])),
                ground=draw(st.sampled_from(["passages", "questions"])),
                forms=tuple(draw(st.lists(FORM, min_size=1, max_size=3))),
                context_from=draw(st.sampled_from(["document", "corpus"])),
                categories=("c",),
                template=draw(st.sampled_from(["closed_qa", "plain", "bare"])),
            ),
            draw(st.just("") | TEMPLATE),
        )
        for name in draw(st.lists(LABEL, min_size=1, max_size=3, unique=True))
    ]
    return (
        families,
        passages,
        questions,
        draw(st.integers(1, count)),
        draw(st.sampled_from([0, 0.1, 0.5])),
    )


def written(
    spec: PromptSpec, passages: Sequence[Passage], questions: Sequence[Question]
) -> pa.Table:
    """Return PROMPTS as the stage writes it."""
    shown = [
        vars(one) | {"title": "", "start": 0, "end": 0, "source": "", "licence": ""}
        for one in passages
    ]
    asked = [
        vars(one)
        | {"accepted": [], "answer_type": "text", "split": "train", "licence": "", "lineage": []}
        for one in questions
    ]
    made = write(
        tables.table_of(shown, tables.PASSAGES), tables.table_of(asked, tables.QUESTIONS), spec
    )
    return made.parts["prompts"]


@settings(max_examples=150, deadline=None)
@given(worlds())
def test_every_word_of_a_message_stands_in_the_passages_the_question_or_the_template(
    tmp_path_factory: pytest.TempPathFactory,
    world: tuple[list[tuple[Family, str]], list[Passage], list[Question], int, float],
) -> None:
    """So no value of any row's producer side, no run of its words and no canary is in any message,
    whatever the producer calls things.
    """
    drawn, passages, questions, rows, control = world
    families = [family for family, _ in drawn]
    for number, (_, text) in enumerate(drawn):
        if text:
            path = tmp_path_factory.getbasetemp() / f"{number}.jinja"
            path.write_text(text)
            families[number] = families[number].model_copy(update={"template": str(path)})
    spec = PromptSpec(rows=rows, families=tuple(families), saturation=1, control=control)
    own = [value for one in passages for value in (one.section, one.heading, one.text)] + [
        one.text for one in questions
    ]
    own += [text for family in families for text in (*family.forms, template_text(family.template))]
    known, legit = set(words("\n".join(own))), "\n".join(own).lower()
    prompts = written(spec, passages, questions).to_pylist()
    producer = {prompt[column] for prompt in prompts for column in ("family", "cell", "canary")}
    strange = [
        value.lower() for value in producer if any(word not in legit for word in words(value))
    ]
    runs = {
        run for value in producer for run in ngrams(words(value), 3) if not known.issuperset(run)
    }
    assert len(strange) >= len({prompt["canary"] for prompt in prompts})
    for prompt in prompts:
        (text,) = [message["content"] for message in prompt["messages"]]
        assert known.issuperset(words(text))
        assert not [value for value in strange if value in text.lower()]
        assert runs.isdisjoint(ngrams(words(text), 3))


def reachable(kind: object) -> set[object]:
    """Return every type that a value of the type can lead to."""
    below = [
        *get_args(kind),
        *(get_type_hints(kind).values() if dataclasses.is_dataclass(kind) else []),
    ]
    return {kind} | {found for one in below if one is not ... for found in reachable(one)}


def test_the_renderer_cannot_be_handed_anything_of_the_producers() -> None:
    assert get_type_hints(render) == {
        "visible": Visible,
        "template": str,
        "return": list[dict[str, str]],
    }
    assert reachable(Visible) == {Visible, PassageView, tuple[PassageView, ...], str}
    assert set(get_type_hints(Visible)) | set(get_type_hints(PassageView)) == {
        "question",
        "passages",
        "section",
        "heading",
        "text",
    }
    row = planned()[0]
    for one in (row, row.producer):
        with pytest.raises(AttributeError):
            render(one, "plain")  # type: ignore[arg-type]


def test_the_control_arm_is_spread_like_the_plan_and_takes_nothing_from_it() -> None:
    rows, alone = planned(control=0.5), planned()
    plan_rows, bare = rows[:16], rows[16:]
    assert plan_rows == alone
    assert not any(row.control for row in alone)
    assert all(row.control and row.template == "bare" and row.producer.canary for row in bare)
    assert [sum(row.producer.family == family.name for row in bare) for family in FAMILIES] == [
        6,
        2,
    ]
    assert (
        len({row.producer.cell for row in rows})
        == len({str(prompt_of(row)["prompt_id"]) for row in rows})
        == 24
    )


@pytest.mark.parametrize(
    ("rows", "control", "bare"),
    [(300, 0.08, 24), (16, 0.08, 1), (4, 0.01, 1), (16, 0, 0), (1, 0.5, 1)],
)
def test_a_control_arm_asked_for_is_never_rounded_to_none(
    rows: int, control: float, bare: int
) -> None:
    assert (
        sum(control_quotas(PromptSpec(rows=rows, families=FAMILIES, control=control)).values())
        == bare
    )


def test_a_control_arm_takes_what_is_left_and_refuses_no_plan() -> None:
    rows = planned(families=FAMILIES[1:], rows=18, saturation=0.9, control=0.5)
    assert [sum(row.control is flag for row in rows) for flag in (False, True)] == [18, 2]


def test_a_bare_prompt_holds_passages_and_question_and_not_a_word_of_ours() -> None:
    rows = planned(control=0.5)[16:]
    for row in rows:
        shown = [f"[{view.section}] {view.heading}. {view.text}" for view in row.visible.passages]
        (message,) = render(row.visible, row.template)
        assert message == {
            "role": "user",
            "content": "\n".join([*shown, *([""] if shown else []), row.visible.question]),
        }
    assert {bool(row.visible.passages) for row in rows} == {True, False}


def test_a_control_prompt_that_reads_like_a_planned_one_gives_way() -> None:
    """Two families draw on the same questions; whatever the control arm takes, the plan's prompts
    stay.
    """
    twins = tuple(
        Family(name=name, share=1, ground="questions", template="plain", categories=("addition",))
        for name in ("E1", "E2")
    )
    spec = PromptSpec(rows=16, families=twins, control=0.5)
    with_control = written(spec, [], QUESTIONS)
    alone = written(spec.model_copy(update={"control": 0}), [], QUESTIONS)
    assert with_control.filter(~pa.compute.field("control")).equals(alone)
    assert len(set(with_control["prompt_id"].to_pylist())) == with_control.num_rows


def test_a_template_that_was_edited_is_read_anew(tmp_path: Path) -> None:
    path = tmp_path / "own.jinja"
    for text in ("Kindly: ", "Briefly: "):
        path.write_text(text + "{{ question }}")
        assert render(Visible("Why?", ()), str(path))[0]["content"] == text + "Why?"


def test_documents_are_values_never_templates() -> None:
    hostile = "{{ 7 * 7 }} {% include '/etc/passwd' %} {{ question.__class__ }}"
    text = render(Visible("Why?", (PassageView("Section 1", "Traps", hostile),)), "closed_qa")[0][
        "content"
    ]
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


@pytest.mark.parametrize(
    ("heading", "topic"),
    [("Late fees", "late fees"), ("PCT filings", "PCT filings"), ("", "section 1")],
)
def test_a_heading_reads_inside_a_sentence(heading: str, topic: str) -> None:
    one = passage(1, section="Section 1", heading=heading)
    row = next(plan(PromptSpec(rows=1, saturation=1), [one], []))
    assert topic in row.visible.question


SENTENCES = (
    "All Debian packages follow the rule. We ask what Debian wants, and the packages obey it."
)
IN_A_QUESTION = {
    "HTTP headers": "HTTP headers", "iOS devices": "iOS devices", "UseMethod": "UseMethod", "on.exit": "on.exit", "R packages": "R packages",
    "eBPF": "eBPF", "po_message_t API": "po_message_t API", "x86 systems": "x86 systems", "LaTeX macros": "LaTeX macros",
    "Debian packages": "Debian packages", "Packages of all kinds": "packages of all kinds", "Late fees": "late fees",
    "The archive": "the archive", "The JavaScript Domain": "the JavaScript Domain", "All Claim Limitations": "All Claim Limitations",
    "Link-Time Optimization": "Link-Time Optimization", "Add-on packages": "add-on packages", "DESCRIPTION": "DESCRIPTION",
    "Paying the fee.": "paying the fee", "Why is it late?": '"Why is it late?"', "Bug Reports and Feature Requests": "Bug Reports and Feature Requests",
    "‘gettext.h’ in lib": "‘gettext.h’ in lib", "3D models": "3D models",
}  # fmt: skip


@pytest.mark.parametrize(("heading", "topic"), IN_A_QUESTION.items())
def test_a_heading_keeps_its_case_in_a_question_but_for_the_capital_of_a_common_word(
    heading: str, topic: str
) -> None:
    one = passage(1, heading=heading, text=SENTENCES)
    family = Family(name="f", share=1, forms=("What does the manual require for {topic}?",))
    row = next(plan(PromptSpec(rows=1, families=(family,), saturation=1), [one], []))
    assert row.visible.question == f"What does the manual require for {topic}?"


def test_another_document_changes_no_topic() -> None:
    one = passage(1, document_id="a", heading="Court fees", text="A fee is due.")
    other = passage(2, document_id="b", heading="Costs", text="We wrote to Court and asked Court.")
    spec = PromptSpec(rows=1, saturation=1)
    alone, beside = (
        next(plan(spec, [one], [])),
        list(plan(PromptSpec(rows=2, saturation=1), [one, other], [])),
    )
    assert alone.visible.question in {row.visible.question for row in beside}


def test_a_form_may_name_the_section_of_its_passage() -> None:
    family = Family(name="recall", share=1, forms=("What is due for {topic} in {section}?",))
    rows = planned(rows=4, families=(family,))
    sections = {one.passage_id: one.section for one in PASSAGES}
    for row in rows:
        (named,) = [one for one in row.visible.passages if one.section in row.visible.question]
        assert named.section in sections.values()
        assert row.visible.question.endswith(f"in {named.section}?")
