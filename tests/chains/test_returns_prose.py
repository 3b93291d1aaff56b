"""Texts and turns: without preamble, label and quotation marks, and never a refusal."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.chains.returns import Unparsed
from tasks.chains.returns.prose import Text, Turn


def text(answer: str) -> str:
    """Return the text of an answer, or the reason why it has none."""
    found = Text().parse(answer)
    return found.reason if isinstance(found, Unparsed) else found[0]["text"]


def turn(answer: str) -> str:
    """Return the turn of an answer, or the reason why it has none."""
    found = Turn().parse(answer)
    return found.reason if isinstance(found, Unparsed) else found[0]["text"]


@pytest.mark.parametrize(
    "answer",
    [
        "Who pays the fee?",
        "  Who pays the fee?\n",
        '"Who pays the fee?"',
        "“Who pays the fee?”",
        "Sure! Here is the question:\n\nWho pays the fee?",
        "Certainly!\n\nWho pays the fee?",
        "Here's the rewritten question: Who pays the fee?",
        "Sure, here is a harder version: Who pays the fee?",
        "Question: Who pays the fee?",
        "**Question:** Who pays the fee?",
        "#Rewritten Prompt#: Who pays the fee?",
        "Rewritten question:\nWho pays the fee?",
        'New question: "Who pays the fee?"',
        "```\nWho pays the fee?\n```",
        "<think>\nA question.\n</think>\n\nWho pays the fee?",
        "<think>\n\n</think>\n\nWho pays the fee?",
        "A thought that the template has opened.</think>Who pays the fee?",
    ],
)
def test_a_text_stands_without_the_words_around_it(answer: str) -> None:
    assert text(answer) == "Who pays the fee?"


@pytest.mark.parametrize(
    "answer",
    [
        "Steps:\n1. Pay the fee.\n2. Wait.",
        "Certainly the fee is due.\n\nIt is 30 credits.",
        "Problem solving is hard.",
        '"Fee" and "charge" mean the same.',
        "# Fees\n\nThe fee is due.",
        "Sorry is a hard word to say.",
        "I cannot attend the party, so I write to you.",
        "The letter said: I cannot help you.",
    ],
)
def test_the_content_of_a_text_stays(answer: str) -> None:
    assert text(answer) == answer


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        ("", "empty"),
        (" \n\t", "empty"),
        ("<think>a</think>", "empty"),
        ("<think>a", "unclosed_think"),
        ("<think>a</think>b<think>c</think>d", "repeated_think"),
        ("Well. <think>a</think>b", "text_before_think"),
        ("Here is the question:", "preamble_only"),
        ("Sure! Here are the questions:", "preamble_only"),
        ("Question: a?\nQuestion: b?", "two_texts"),
        ("The question to which this text is the answer is:\nQuestion: a?", "unknown_preamble"),
        ("I'm sorry, but I cannot help with that.", "refusal"),
        ("I’m sorry, but I can’t assist with that request.", "refusal"),
        ("Sorry, I can't write that.", "refusal"),
        ("I cannot provide this text.", "refusal"),
        ("I apologize, but I am unable to answer this.", "refusal"),
        ("Unfortunately, I do not have access to files.", "refusal"),
        ("As an AI language model, I have no opinion.", "refusal"),
        ("I'm sorry for any confusion, but I'm a chatbot designed to help.", "refusal"),
    ],
)
def test_an_answer_without_a_text_has_a_reason(answer: str, reason: str) -> None:
    assert text(answer) == reason


def test_a_turn_loses_its_role_and_keeps_every_word() -> None:
    assert turn("User: Who pays?") == "Who pays?"
    assert turn("**User:** Who pays?\nAnd when?") == "Who pays?\nAnd when?"
    assert turn("I'm sorry, but I cannot open the file. What now?").startswith("I'm sorry")


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        ("Who pays?<|im_end|>\n<|im_start|>assistant\nYou.", "template_tokens"),
        ("Who pays?<|eot_id|>", "template_tokens"),
        ("[INST] Who pays? [/INST]", "template_tokens"),
        ("Who pays?</s>", "template_tokens"),
        ("Who pays?<end_of_turn>", "template_tokens"),
        ("Who pays?\nAssistant: You pay.", "two_turns"),
        ("User: Who pays?\nAssistant: You.\nUser: When?", "two_turns"),
        ("assistant\nYou pay.", "two_turns"),
        ("User:", "empty"),
        ("<think>I ask for", "unclosed_think"),
    ],
)
def test_a_turn_that_is_not_one_turn_has_a_reason(answer: str, reason: str) -> None:
    assert turn(answer) == reason


@given(
    st.lists(st.sampled_from("Fees are due in 12 weeks , who pays ?".split()), min_size=1).map(
        " ".join
    )
)
def test_plain_words_come_back(words: str) -> None:
    assert text(f"Fees {words}") == turn(f"Fees {words}") == f"Fees {words}"
