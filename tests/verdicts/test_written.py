"""Hand-written prose: sound rows pass the gates, and rows spoilt by hand fail them."""

import pytest

from tasks.verdicts.case import Case, Passage
from tasks.verdicts.claims.copied import copies
from tasks.verdicts.claims.sources import Source, sources_of
from tasks.verdicts.gates import VerdictSpec, judge_case
from tests.bench.gate_world.written import written_rows

ROWS = list(written_rows())
RULE = "A claim is allowed only if it lists at most 50 parts or the applicant waited 54 weeks."


def is_rejected(case: Case) -> bool:
    return any(one.failed for one in judge_case(case, VerdictSpec(), frozenset()))


def test_sound_rows_in_free_prose_pass_every_gate() -> None:
    rejected = [one.case.trace_id for one in ROWS if is_rejected(one.case)]
    assert len(rejected) <= 0.02 * len(ROWS), rejected


@pytest.mark.parametrize("kind", ["name", "half", "value", "unit"])
def test_rows_spoilt_by_hand_are_found(kind: str) -> None:
    spoilt = [one.spoilt[kind] for one in ROWS if kind in one.spoilt]
    missed = [one.trace_id for one in spoilt if not is_rejected(one)]
    assert len(missed) <= 0.05 * len(spoilt), missed


def test_every_spoilt_row_differs_from_its_sound_one_in_the_answer_alone() -> None:
    for one in ROWS:
        for case in one.spoilt.values():
            assert (case.prompt, case.think) == (one.case.prompt, one.case.think)
            assert case.answer != one.case.answer


@pytest.mark.parametrize(
    "altered",
    [
        RULE.replace("the applicant", "the Rule"),
        RULE.replace("at most", "at rule"),
        RULE.replace("weeks", "rejected"),
        RULE.replace("A claim", "A only"),
    ],
)
def test_a_rule_of_the_prompt_is_quoted_word_for_word(altered: str) -> None:
    prompt = f"Apply the rule.\nRule: {RULE}\nFacts: Jonas claims a gear.\nDecide: allowed?"
    whole, sources = Source.of("", "", prompt), sources_of(prompt, ())
    sound = copies(f"Rule: {RULE}", sources, whole)
    assert all(one.is_exact for one in sound)
    spoilt = copies(f"Issue: allowed?\nRule: {altered}\nSo.", sources, whole)
    assert any(not one.is_exact for one in spoilt)


@pytest.mark.parametrize(
    ("question", "answer", "is_sound"),
    [
        ("Who signs the log?", "The curator signs it [7].", True),
        ("Who signs the log?", "The chemist signs it [7].", False),
        ("Who measures the salt?", "The chemist measures it [7].", True),
        ("When is the log signed, and when is it filed?", "It is signed at 9:00 [7].", False),
        ("What happens if a copy is lost?", "If a copy is lost, the finder pays [7].", True),
        ("What happens if a copy is lost by a member?", "A member pays [7].", False),
        ("What happens to late members?", "A member who comes late [7].", False),
        ("Who measures the salt?", "The salt is measured daily [7].", False),
        ("What is the weight of a bag of salt?", "A member may fetch one bag [7].", False),
        ("What does a copy of the log cost?", "A copy of the log costs [7].", False),
    ],
)
def test_the_party_and_every_value_asked_for_must_be_there(
    question: str, answer: str, is_sound: bool
) -> None:
    text = (
        "The chemist measures the salt, and the curator signs the log. The log is signed at 9:00"
        " and filed at 17:00. A copy of the log costs 4 euros. A member who loses a copy pays a fine."
        " A member who comes late waits outside. A member may fetch one bag of 25 kilograms."
    )
    think = "Section 7 is about the tank, and I can answer from it and cite the part of it."
    case = Case(
        trace_id="t", prompt=f"[7] Tank. {text}\n\nQuestion: {question}", question=question,
        think=think, answer=answer, raw=f"<think>\n{think}\n</think>\n\n{answer}", fault="",
        family="f", cell="c", canary="canary-0", passages=(Passage("7", text, "Tank"),),
    )  # fmt: skip
    assert is_rejected(case) != is_sound
