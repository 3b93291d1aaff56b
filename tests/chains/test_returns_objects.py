"""JSON objects and labelled sections: whole, once, with the right types, or not at all."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.chains.returns import Unparsed
from tasks.chains.returns.json_objects import Json
from tasks.chains.returns.sections import Fields

PAIR = {"question": "Who pays?", "answer": "The applicant."}
TEXT = json.dumps(PAIR)


def objects(answer: str, **shape: str) -> list[dict[str, str]] | str:
    """Return the objects of an answer, or the reason why it has none."""
    due = shape or {"question": "string", "answer": "string"}
    found = Json.model_validate({"json": due}).parse(answer)
    return found.reason if isinstance(found, Unparsed) else [dict(one) for one in found]


def sections(answer: str, *names: str) -> list[dict[str, str]] | str:
    """Return the groups of sections of an answer, or the reason why it has none."""
    found = Fields(fields=names or ("question", "answer")).parse(answer)
    return found.reason if isinstance(found, Unparsed) else [dict(one) for one in found]


@pytest.mark.parametrize(
    "answer",
    [
        TEXT,
        f"```json\n{TEXT}\n```",
        f"Sure! Here it is:\n\n```\n{TEXT}\n```\nI hope this helps.",
        f"Here is the pair: {TEXT}",
        f"As [Section 3] says: {TEXT}",
        json.dumps([PAIR]),
        json.dumps({"pairs": [PAIR]}),
        json.dumps({"Question": "Who pays?", "Answer": "The applicant.", "source": 3}),
        json.dumps(PAIR, indent=2),
        '{"question": "Who\npays?", "answer": "The applicant."}'.replace("Who\n", "Who "),
        f"<think>{{}}</think>{TEXT}",
    ],
)
def test_an_object_is_found_in_its_usual_frames(answer: str) -> None:
    assert objects(answer) == [PAIR]


def test_a_list_of_objects_and_an_object_per_line_are_several_items() -> None:
    other = {"question": "When?", "answer": "Soon."}
    assert objects(json.dumps([PAIR, other])) == [PAIR, other]
    assert objects(f"{TEXT}\n{json.dumps(other)}") == [PAIR, other]


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (f"{TEXT}\n\nOr rather:\n\n{TEXT}", "two_objects"),
        (f"Draft: {TEXT} Final: {TEXT}", "two_objects"),
        ('{"question": "Who pays?"}', "missing_field"),
        ('[{"question": "a", "answer": "b"}, {"question": "c"}]', "missing_field"),
        ('{"question": "", "answer": "b"}', "empty_field"),
        ('{"question": "a", "answer": " "}', "empty_field"),
        ('{"question": 3, "answer": "b"}', "wrong_type"),
        ('{"question": null, "answer": "b"}', "wrong_type"),
        ('{"question": ["a"], "answer": "b"}', "wrong_type"),
        ('{"question": "a", "answer": "b", "answer": "c"}', "repeated_key"),
        ('{"question": "a", "Question": "b", "answer": "c"}', "repeated_key"),
        ('{"question": "\\ud800", "answer": "b"}', "broken_text"),
        ('{"question": "a", "answer": "b"', "broken_json"),
        ('[{"question": "a", "answer": "b"}, {"question": "c", "ans', "broken_json"),
        ('{"question": "a", "answer": "b",}', "broken_json"),
        ('{"question": "a", "answer": NaN}', "broken_json"),
        ("[" * 100_000 + '"', "broken_json"),
        ('{"a":' * 5_000, "broken_json"),
        ("[]", "no_object"),
        ("{question: a}", "no_object"),
        ("Question: Who pays?", "no_object"),
        ("I'm sorry, I can't provide JSON.", "refusal"),
    ],
)
def test_an_object_that_is_not_whole_has_a_reason(answer: str, reason: str) -> None:
    assert objects(answer) == reason


@pytest.mark.parametrize(
    ("kind", "written", "due"),
    [
        ("integer", "7", "7"),
        ("integer", "7.0", "wrong_type"),
        ("integer", '"7"', "wrong_type"),
        ("integer", "true", "wrong_type"),
        ("integer", "1" * 5000, "broken_json"),
        ("number", "7", "7"),
        ("number", "7.5", "7.5"),
        ("number", "1e999", "wrong_type"),
        ("number", "false", "wrong_type"),
        ("boolean", "true", "true"),
        ("boolean", "1", "wrong_type"),
        ("boolean", '"yes"', "wrong_type"),
    ],
)
def test_a_value_has_the_declared_type(kind: str, written: str, due: str) -> None:
    found = objects(f'{{"value": {written}}}', value=kind)
    assert (found if isinstance(found, str) else found[0]["value"]) == due


PLAIN = st.text(st.characters(codec="utf-8"), min_size=1).filter(lambda text: text.strip() == text)


@given(
    st.lists(st.fixed_dictionaries({"question": PLAIN, "answer": PLAIN}), min_size=1, max_size=4),
    st.booleans(),
    st.sampled_from(("{}", "Here it is:\n{}\nDone.", "```json\n{}\n```")),
)
def test_objects_that_are_written_come_back(
    pairs: list[dict[str, str]], escaped: bool, frame: str
) -> None:
    text = json.dumps(pairs, ensure_ascii=escaped)
    if "think>" not in text and "```" not in text and "<|" not in text:
        assert objects(frame.replace("{}", text)) == pairs


@pytest.mark.parametrize(
    "answer",
    [
        "QUESTION: Who pays?\nANSWER: The applicant.",
        "Question: Who pays?\n\nAnswer: The applicant.",
        "**QUESTION:** Who pays?\n**ANSWER:** The applicant.",
        "**Question**: Who pays?\n\n**Answer**: The applicant.",
        "### Question\nWho pays?\n\n### Answer\nThe applicant.",
        "**Question**\nWho pays?\n**Answer**\nThe applicant.",
        "- Question: Who pays?\n- Answer: The applicant.",
        "Answer: The applicant.\nQuestion: Who pays?",
        "Sure! Here you go:\n\nQuestion: Who pays?\nAnswer: The applicant.\n\nLet me know if it is fine.",
        "QUESTION 1: Who pays?\nANSWER 1: The applicant.",
        "QUESTION 10: Who pays?\nANSWER 10: The applicant.",
        "**QUESTION 10:** Who pays?\n**ANSWER 10:** The applicant.",
        "```\nQuestion: Who pays?\nAnswer: The applicant.\n```",
        "question:\nWho pays?\nanswer:\nThe applicant.",
        "<think>Question: x</think>Question: Who pays?\nAnswer: The applicant.\n\n---",
    ],
)
def test_sections_are_found_under_their_usual_labels(answer: str) -> None:
    assert sections(answer) == [PAIR]


def test_a_blank_line_inside_a_section_does_not_end_it() -> None:
    answer = "Reason: It names the fee.\n\nIt names the reply.\nRating: 4"
    assert sections(answer, "reason", "rating") == [
        {"reason": "It names the fee.\n\nIt names the reply.", "rating": "4"}
    ]


def test_numbered_groups_are_items_and_their_numbers_bind_the_fields() -> None:
    answer = "QUESTION 9: a?\nQUESTION 10: b?\nANSWER 10: B\nANSWER 9: A"
    assert sections(answer) == [
        {"question": "a?", "answer": "A"},
        {"question": "b?", "answer": "B"},
    ]


def test_a_name_of_several_words_has_several_spellings() -> None:
    for label in ("LONG ANSWER", "Long_answer", "long-answer"):
        assert sections(f"{label}: yes\nAnswer: no", "answer", "long_answer") == [
            {"answer": "no", "long_answer": "yes"}
        ]


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        ("Question: a?\nAnswer: b\nQuestion: c?\nAnswer: d", "repeated_field"),
        ("Question: a?\nAnswer: b\nAnswer: c", "repeated_field"),
        ("Question 1: a?\nAnswer 1: b\nQuestion 2: c?", "missing_field"),
        ("Question 1: a?\nAnswer: b", "missing_field"),
        ("Question: a?", "missing_field"),
        ("Question: a?\nThe answer is b.", "missing_field"),
        ("Question: a? Answer: b", "label_inside"),
        ("Question: a? Answer: b\nAnswer: c", "label_inside"),
        ("Question:\nAnswer: b", "empty_field"),
        ("Question: a?\nAnswer:", "empty_field"),
        ("Who pays? The applicant.", "no_fields"),
        ("I cannot answer this.", "refusal"),
    ],
)
def test_sections_that_are_not_whole_have_a_reason(answer: str, reason: str) -> None:
    assert sections(answer) == reason


WORDS = st.lists(
    st.sampled_from("fee reply 12 3.5 “due” (late) who".split()), min_size=1, max_size=5
).map(" ".join)
FORMS = st.sampled_from(("{label}: {text}", "**{label}:** {text}", "### {label}\n{text}"))


@given(
    st.lists(st.tuples(WORDS, WORDS), min_size=1, max_size=12),
    FORMS,
    st.sampled_from("\n \n\n".split(" ")),
)
def test_sections_that_are_written_come_back(
    pairs: list[tuple[str, str]], form: str, gap: str
) -> None:
    lines = [
        form.format(label=f"{label} {n}", text=text)
        for n, pair in enumerate(pairs, 1)
        for label, text in zip(("QUESTION", "ANSWER"), pair, strict=True)
    ]
    assert sections(gap.join(lines)) == [{"question": q, "answer": a} for q, a in pairs]
