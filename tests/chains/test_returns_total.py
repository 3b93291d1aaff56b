"""No text makes a parser raise, and no parser says what the text does not."""

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter

from tasks.chains.returns import Parsed, Returns, Unparsed

WRITTEN: tuple[object, ...] = (
    "text",
    "turn",
    {"lines": 3},
    {"lines": 3, "titles": True},
    {"json": {"question": "string", "years": "integer", "clear": "boolean", "share": "number"}},
    {"json": {"question": "string"}},
    {"fields": ["question", "answer"]},
    {"score": [1, 5]},
    {"score": [-2, 2]},
    {"scores": {"of": 2, "range": [1, 5]}},
    {"verdict": ["clear"]},
    {"verdict": ["self_contained", "clear"]},
    {"choice": 4},
)
FORMS = tuple(TypeAdapter(Returns).validate_python(one) for one in WRITTEN)
PIECES = (
    "Question", "Answer", "QUESTION 10:", "**Answer:**", "Score:", "Rating", "score is", "4", "5",
    "4/5", "8/10", "-3", "4.5", "ten", "[1]", "[2]", "1.", "2)", "- ", "* ", "a)", "i.", "#", "##",
    "yes", "no", "Yes,", "No.", "not", "clear", "unclear", "self-contained", "clear:", "A", "B.",
    "(C)", "Option", "The best answer is", "{", "}", "[", "]", '"', '"question"', ":", ",", "true",
    "NaN", "1e999", "\\ud800", "```", "```json", "<think>", "</think>", "<|im_end|>", "|", "---",
    "**", "*", "_", "\n", "\n\n", "\t", " ", "Sure!", "Here are the questions:", "I'm sorry,",
    "I cannot help", "analysis", "assistantfinal", "<|channel|>final<|message|>", "Let me know if",
    "the fee", "?", ".", "“", "”", "'", "\ufeff", "\u2028", "٤", "²", "9" * 30, "because", "or",
)  # fmt: skip
SOUP = st.lists(st.sampled_from(PIECES), max_size=25).flatmap(
    lambda pieces: st.sampled_from(("", " ")).map(lambda glue: glue.join(pieces))
)
ANY = st.one_of(st.text(), st.text(st.characters()), SOUP, SOUP)


@settings(max_examples=1500)
@given(ANY)
def test_no_text_makes_a_parser_raise_and_every_value_is_in_its_range(answer: str) -> None:
    for form in FORMS:
        found = form.parse(answer)
        if isinstance(found, Unparsed):
            assert re.fullmatch(r"[a-z_]+", found.reason)
            continue
        assert found
        for item in found:
            assert tuple(item) == form.names
            assert all(value and value == value.strip() for value in item.values())


def squeezed(text: str) -> str:
    """A text without spaces, marks of emphasis, quotation marks and marks of channels."""
    text = re.sub(r"<\|channel\|>final<\|message\|>|assistantfinal", "", text)
    return re.sub(r"[\s*_`\"“”‘’'«»\ufeff\u200b]|</?think>", "", text)


@settings(max_examples=600)
@given(SOUP)
def test_what_is_read_was_written(answer: str) -> None:
    for form in FORMS[:4] + FORMS[6:7]:
        found = form.parse(answer)
        if not isinstance(found, Unparsed):
            for item in found:
                assert all(squeezed(value) in squeezed(answer) for value in item.values())


@settings(max_examples=600)
@given(SOUP)
def test_numbers_are_in_their_range_and_verdicts_are_yes_or_no(answer: str) -> None:
    due: dict[int, set[str]] = {
        7: {"1", "2", "3", "4", "5"},
        8: {"-2", "-1", "0", "1", "2"},
        9: {"1", "2", "3", "4", "5"},
        10: {"yes", "no"},
        11: {"yes", "no"},
        12: {"1", "2", "3", "4"},
    }
    for place, values in due.items():
        found = FORMS[place].parse(answer)
        if not isinstance(found, Unparsed):
            assert {value for item in found for value in item.values()} <= values


@settings(max_examples=400)
@given(SOUP)
def test_a_text_has_one_reading(answer: str) -> None:
    for form in FORMS:
        first: Parsed | Unparsed = form.parse(answer)
        assert form.parse(answer) == first


@pytest.mark.slow
def test_long_answers_take_no_long_time() -> None:
    """A quarter of a million signs of every piece: a parser that backtracks would not end."""
    for piece in PIECES:
        answer = f"{piece} " * (40_000 // (len(piece) + 1))
        for form in FORMS:
            assert isinstance(form.parse(answer), tuple | Unparsed)
