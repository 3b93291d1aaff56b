"""Free answers against a phrase that a right one holds, and against a question without an answer."""

import pytest

from tasks.verdicts.case import Passage
from tasks.verdicts.gates import _accepted
from tests.support.builders import case
from tests.verdicts.test_verdicts import verdicts

SHOWN = (Passage("Section 2", "A renewal costs 40 credits.", "Renewals"),)


@pytest.mark.parametrize(
    ("answer", "right"),
    [
        ("A renewal costs 40 credits. [Section 2]", True),
        ("No, a renewal costs 40 credits, not 50.", True),
        ("It isn't 50 credits but 40 credits.", True),
        ("**40** credits", True),
        ("A renewal does not cost 40 credits.", False),
        ("A renewal never costs 40 credits.", False),
        ("It isn't 40 credits.", False),
        ("A renewal costs 140 credits.", False),
        ("A renewal costs 1,40 credits.", False),
        ("A renewal costs 40.5 credits, and credits are due.", False),
        ("A renewal costs 50 credits.", False),
        ("", False),
    ],
)
def test_a_right_answer_holds_the_phrase_and_does_not_deny_it(answer: str, right: bool) -> None:
    asked = case(answer_type="phrase", accepted=("40 credits",), answer=answer, passages=SHOWN)
    assert verdicts(asked)["correctness"] == ("" if right else "wrong_answer")


@pytest.mark.parametrize(
    ("answer", "right"),
    [
        ("The passages do not say.", True),
        ("The passages don't mention Examiner Ada Vale.", True),
        ("Examiner Ada Vale is not named in Section 2.", True),
        ("No passage speaks of Examiner Ada Vale.", True),
        ("None of the sections names her.", True),
        ("This cannot be answered from Section 2.", True),
        ("Examiner Ada Vale decides on renewals.", False),
        ("Examiner Ada Vale does not decide on renewals.", False),
        ("A renewal costs 40 credits. [Section 2]", False),
    ],
)
def test_a_right_answer_to_what_no_passage_tells_says_so(answer: str, right: bool) -> None:
    accepted = ("The passages do not tell.",)
    asked = case(answer_type="untold", accepted=accepted, answer=answer, passages=SHOWN)
    found = verdicts(asked)
    assert found["correctness"] == ("" if right else "wrong_answer")
    assert found["grounding"] != "abstained"


def test_to_say_nothing_is_told_is_still_no_answer_to_what_is_told() -> None:
    asked = case(answer="The passages do not say.", passages=SHOWN)
    assert verdicts(asked)["grounding"] == "abstained"


def test_no_answer_is_compared_with_a_reference() -> None:
    assert _accepted({"answer_type": "reference", "accepted": ["A whole text."]}) == ()
    assert _accepted({"answer_type": "phrase", "accepted": ["40 credits"]}) == ("40 credits",)
