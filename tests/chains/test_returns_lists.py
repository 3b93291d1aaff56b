"""Lists: every usual shape gives the same items, and what is no item never becomes one."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.chains.returns import Unparsed
from tasks.chains.returns.lines import Lines

ITEMS = ("Who pays the fee?", "When is the reply due?", "Which examiner decides?")
SHAPES = (
    "{n}. {item}", "{n}) {item}", "({n}) {item}", "[{n}] {item}", "{n}: {item}", "{n} - {item}",
    "#{n}. {item}", "**{n}.** {item}", "**{n}. {item}**", "{n}. **{item}**", "- {item}", "* {item}",
    "• {item}", "– {item}", "+ {item}", "- **{item}**", "- {n}. {item}", "Question {n}: {item}",
    "**Question {n}:** {item}", "Q{n}: {item}", "Q{n}. {item}", "Task {n} - {item}", "{item}",
    "{n}. \"{item}\"", "“{item}”", "### {n}. {item}", "### Question {n}\n{item}", "{letter}) {item}",
    "{letter}. {item}", "({letter}) {item}", "{roman}. {item}", "[Question {n}: {item}]",
    "Question: {item}", "{n}. Question {n}: {item}", "  {n}. {item}", "{n}.\n{item}",
)  # fmt: skip
FRAMES = (
    "{list}", "Here are the questions:\n{list}", "Sure! Here are three questions:\n\n{list}",
    "Certainly.\n\n{list}\n\nLet me know if you need more!", "```\n{list}\n```",
    "**Questions**:\n\n{list}\n\nI hope these help.", "<think>\nThree.\n</think>\n\n{list}",
)  # fmt: skip


def rendered(shape: str, *, gap: str = "\n") -> str:
    return gap.join(
        shape.format(n=n + 1, letter="abc"[n], roman=("i", "ii", "iii")[n], item=item)
        for n, item in enumerate(ITEMS)
    )


def texts(answer: str, most: int = 5, *, titles: bool = False) -> tuple[str, ...] | str:
    """Return the items of an answer, or the reason why it has none."""
    found = Lines(lines=most, titles=titles).parse(answer)
    return found.reason if isinstance(found, Unparsed) else tuple(one["text"] for one in found)


@pytest.mark.parametrize("frame", FRAMES)
@pytest.mark.parametrize("gap", ["\n", "\n\n"])
@pytest.mark.parametrize("shape", SHAPES)
def test_a_list_in_any_shape_and_frame_has_the_same_items(shape: str, gap: str, frame: str) -> None:
    assert texts(frame.format(list=rendered(shape, gap=gap))) == ITEMS


def test_json_arrays_are_lists_too() -> None:
    assert (
        texts(json.dumps(ITEMS)) == texts(f"```json\n{json.dumps(ITEMS, indent=1)}\n```") == ITEMS
    )
    assert texts(",\n".join(map(json.dumps, ITEMS))) == ITEMS


def test_a_short_list_is_kept_and_a_long_one_cut() -> None:
    assert texts(rendered("{n}. {item}"), 2) == ITEMS[:2]
    assert texts("1. Who pays?", 5) == ("Who pays?",)


@pytest.mark.parametrize(
    "preamble",
    [
        "Here are five questions about the passage:",
        "Sure, here are some questions.",
        "Certainly! Below are the questions:",
        "Of course.",
        "The questions are as follows:",
        "**Questions:**",
        "# Questions",
    ],
)
def test_a_preamble_is_never_an_item(preamble: str) -> None:
    for shape in ("{n}. {item}", "- {item}", "{item}"):
        assert texts(f"{preamble}\n{rendered(shape)}") == ITEMS
    assert isinstance(texts(preamble), str)


WRAPPED = "1. Who pays the fee if the\n   applicant is late?\n2. When?"


def test_a_wrapped_line_stays_one_item() -> None:
    assert texts(WRAPPED) == ("Who pays the fee if the applicant is late?", "When?")


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        ("1. Who pays?\nThe applicant pays.\n2. When?", "text_in_list"),
        ("1. Who pays?\nAnswer: You.\n2. When?", "text_in_list"),
        ("A: The applicant pays.", "text_in_list"),
        ("1. Fees\n   - Who pays?\n   - When?\n2. Replies", "nested_list"),
        ("- Fees\n    - Who pays?\n- Replies", "nested_list"),
        ("Topics\n1. Fees\n2. Replies\n\nQuestions\n1. Who pays?", "two_lists"),
        ("Easy:\n- Who pays?\nHard:\n- Why?", "two_lists"),
        ("Who pays?\n2. When?\n3. Why?", "first_item_unmarked"),
        ("1. Who pays? 2. When? 3. Why?", "list_on_one_line"),
        ("Who pays? When? Why?", "list_on_one_line"),
        ("The passage is about fees.\nWho pays?", "mixed_lines"),
        ("The passage names a fee, and it says who decides.", "prose"),
        ("It is one. It is two. It is three.\nIt is four. It is five. It is six.", "prose"),
        ("| n | question |\n|---|---|\n| 1 | Who pays? |", "table"),
        ('["Who pays?", "When', "broken_json"),
        ('[{"question": "Who pays?"}]', "not_lines"),
        ("[1, 2]", "not_lines"),
        ('["\\ud800"]', "not_lines"),
        ("1.\n2.\n3.", "no_list"),
        ("Here are five questions:", "preamble_only"),
        ("I'm sorry, but I cannot write questions about this.", "refusal"),
        ("As an AI language model, I do not ask questions.", "refusal"),
        ("", "empty"),
        ("<think>1. Who pays?", "unclosed_think"),
    ],
)
def test_an_answer_with_two_readings_has_a_reason(answer: str, reason: str) -> None:
    assert texts(answer) == reason


def test_titles_lose_their_descriptions_and_other_items_keep_every_word() -> None:
    plain = "1. Photosynthesis: how plants make food\n2. Osmosis - water moves"
    bold = "1. **Photosynthesis**: how plants make food.\n\n2. **Osmosis** – water moves."
    nested = "1. **Photosynthesis**\n   - How plants make food.\n2. Osmosis:\nWater moves."
    for answer in (plain, bold, nested):
        assert texts(answer, titles=True) == ("Photosynthesis", "Osmosis")
    assert texts("1. Translate: the dog\n2. In this case: who pays?") == (
        "Translate: the dog",
        "In this case: who pays?",
    )


def test_numbers_and_initials_that_are_no_marks_stay() -> None:
    assert texts("3.5 credits are due\n2024 was the year") == (
        "3.5 credits are due",
        "2024 was the year",
    )
    assert texts("A. Smith pays what?") == ("A. Smith pays what?",)
    assert texts("- 2**3 and x**2 are what?\n- Is `a_b` a name?") == (
        "2**3 and x**2 are what?",
        "Is `a_b` a name?",
    )


WORDS = st.lists(
    st.sampled_from("fee reply 12 Examiner Cole's 3.5 (late) “due” Section x-ray".split()),
    min_size=1,
    max_size=6,
).map(" ".join)


@given(st.lists(WORDS, min_size=1, max_size=6), st.sampled_from(("{n}. {item}?", "- {item}?")))
def test_whatever_is_listed_comes_back(items: list[str], shape: str) -> None:
    answer = "\n".join(shape.format(n=n + 1, item=item) for n, item in enumerate(items))
    assert texts(answer, 6) == tuple(f"{item}?" for item in items)
