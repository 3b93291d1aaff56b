"""Verdicts and choices: negations, the template's own words, and answers that say both."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.chains.returns import Unparsed
from tasks.chains.returns.choices import Choice
from tasks.chains.returns.verdicts import Verdict


def verdict(answer: str, *criteria: str) -> str:
    """Return the verdicts of an answer, joined, or the reason why it has none."""
    found = Verdict(verdict=criteria).parse(answer)
    return found.reason if isinstance(found, Unparsed) else " ".join(found[0].values())


def choice(answer: str, options: int = 4) -> str:
    """Return the choice of an answer, or the reason why it has none."""
    found = Choice(choice=options).parse(answer)
    return found.reason if isinstance(found, Unparsed) else found[0]["choice"]


YES = (
    "yes", "Yes.", "**Yes**", "YES!", "true", "y", "Yes, it names the fee.", "Yes - it is clear.",
    "Answer: yes", "Verdict: Yes", "**Verdict:** yes", "clear: yes", "Clear: Yes.", "clear = yes",
    "- clear: yes", "1. clear: yes", "Clear - yes", "Clear? Yes.", "Is it clear? Yes.",
    "The final judgement is: Clear", "Output: clear", "Clear", "clear.", "It is clear.",
    "The question is very clear.", '{"clear": "yes"}', '{"clear": true}', "| clear | yes |",
    "It asks one thing.\n\nclear: yes", "It has no preamble. Answer: yes", "clear:\nyes",
    "Yes, there is no ambiguity.", "<think>No?</think>yes", "So, the answer is yes.",
    "Yes. The fee is named.",
)  # fmt: skip
NO = (
    "no", "No.", "**No**", "false", "n", "No, it is not clear.", "No - it is unclear.",
    "Answer: no", "clear: no", "clear: No, it names no fee.", "not clear", "Not clear.", "unclear",
    "The final judgement is: Not clear", "The final judgement is: unclear", "Output: not clear",
    "It is not clear.", "The question is not very clear.", "This question is unclear.",
    "No, because it says both.", '{"clear": false}', "clear: not clear", "clear: unclear",
)  # fmt: skip


@pytest.mark.parametrize("answer", YES)
def test_a_yes_is_read_in_every_usual_form(answer: str) -> None:
    assert verdict(answer, "clear") == "yes"


@pytest.mark.parametrize("answer", NO)
def test_a_no_is_read_in_every_usual_form(answer: str) -> None:
    assert verdict(answer, "clear") == "no"


@pytest.mark.parametrize(
    ("answer", "criterion", "due"),
    [
        ("not accurate", "accurate", "no"),
        ("inaccurate", "accurate", "no"),
        ("The final judgement is: Relevant", "relevant", "yes"),
        ("The final judgement is: Irrelevant", "relevant", "no"),
        ("not relevant", "relevant", "no"),
        ("Not suitable", "suitable", "no"),
        ("unsuitable", "suitable", "no"),
        ("Output: invalid", "invalid", "yes"),
        ("Output: invalid", "valid", "no"),
        ("Output: valid", "invalid", "no"),
        ("Output: not valid", "valid", "no"),
        (" proof", "proof", "yes"),
        ("**proof**", "proof", "yes"),
        ("**not proof**", "proof", "no"),
        ("Self-contained: yes", "self_contained", "yes"),
        ("not self contained", "self_contained", "no"),
    ],
)
def test_the_words_of_the_template_are_read(answer: str, criterion: str, due: str) -> None:
    assert verdict(answer, criterion) == due


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        ("Yes, no.", "two_verdicts"),
        ("Yes.\nNo.", "two_verdicts"),
        ("Yes. But no.", "two_verdicts"),
        ("Yes, but it is not clear.", "two_verdicts"),
        ("Yes, it is unclear.", "two_verdicts"),
        ("No, it is clear.", "two_verdicts"),
        ("clear: yes\nclear: no", "two_verdicts"),
        ("Clear\nNot clear", "two_verdicts"),
        ("The final judgement is: Clear, or: The final judgement is: Not clear", "two_verdicts"),
        ("Yes and no.", "no_verdict"),
        ("yes or no", "no_verdict"),
        ("clear: yes or no", "no_verdict"),
        ("yes/no", "no_verdict"),
        ("not yes", "no_verdict"),
        ("clear: maybe", "no_verdict"),
        ("not clear: yes", "two_verdicts"),
        ("No passage is named.", "no_verdict"),
        ("It names the fee.", "no_verdict"),
        ("Nothing", "no_verdict"),
        ("Whether the answer is no, or yes, is open.", "no_verdict"),
        ("I am unable to judge this.", "refusal"),
        ("<think>yes", "unclosed_think"),
    ],
)
def test_an_answer_that_says_both_or_nothing_has_a_reason(answer: str, reason: str) -> None:
    assert verdict(answer, "clear") == reason


@pytest.mark.parametrize(
    "answer",
    [
        "self_contained: yes\nclear: no",
        "clear: no\nself_contained: yes",
        "**Self-contained:** Yes\n**Clear:** No",
        "1. Self contained: yes, it names the fee.\n2. Clear: no, it asks two things.",
        '{"self_contained": "yes", "clear": "no"}',
        "self_contained: yes, clear: no",
        "Self-contained? Yes.\nClear? No.",
        "| self_contained | yes |\n| clear | no |",
        "It names the fee.\n\nself_contained: yes\n\nclear: not clear",
        "- Self-contained - yes\n- Clear - no",
    ],
)
def test_several_criteria_are_read_by_their_names(answer: str) -> None:
    assert verdict(answer, "self_contained", "clear") == "yes no"


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        ("yes", "unnamed_verdict"),
        ("1. Yes\n2. No", "unnamed_verdict"),
        ("Answer: yes", "unnamed_verdict"),
        ("clear: yes", "missing_verdict"),
        ("clear: yes\nself_contained: yes or no", "missing_verdict"),
        ("self_contained: yes\nclear: yes\nclear: no", "two_verdicts"),
        ("The question names a fee.", "no_verdict"),
    ],
)
def test_a_verdict_without_its_name_is_none(answer: str, reason: str) -> None:
    assert verdict(answer, "self_contained", "clear") == reason


@given(
    st.lists(st.sampled_from(("yes", "no")), min_size=3, max_size=3),
    st.permutations((0, 1, 2)),
    st.sampled_from(("{name}: {said}", "**{name}**: {said}.", "- {name} = {said}")),
)
def test_verdicts_come_back_in_any_order(said: list[str], order: list[int], form: str) -> None:
    names = ("self_contained", "clear", "informed")
    lines = [form.format(name=names[n], said=said[n]) for n in order]
    assert verdict("\n".join(lines), *names) == " ".join(said)


@pytest.mark.parametrize(
    "answer",
    [
        "B", "b", "B.", "(B)", "[B]", "**B**", "B)", "2", "2.", "(2)", "**2**", "Answer: B",
        "Answer: 2", "answer: b", "The answer is B.", "The best answer is (B).", "Option B",
        "Option 2", "Answer 2.", "Choice: 2", "Judgment: 2", "Judgement: 2.", "I choose B.",
        "I would choose option B.", "B is better.", "Option 2 is the best answer.", "B. 30 credits",
        "B) 30 credits", "Answer: B. 30 credits", "Answer: B, because it names the fee.",
        "Solution 1 is wrong. Solution 2 is right.\n\nJudgment: 2", "So, the answer is B.",
        "A. 20 credits\nB. 30 credits\nC. 40 credits\nD. none\n\nAnswer: B", "\\boxed{B}",
        "1. First, read the fee.\n2. Then compare.\nAnswer: B", "<think>A?</think>B",
        '{"answer": "B"}', "The correct option is B\n\nThe answer is B.",
        "A good start.\nAnswer: B",
    ],
)  # fmt: skip
def test_a_choice_is_read_in_every_usual_form(answer: str) -> None:
    assert choice(answer) == "2"


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        ("A\nB", "two_choices"),
        ("A. 20 credits\nB. 30 credits", "two_choices"),
        ("Answer: A\nAnswer: B", "two_choices"),
        ("Answer: B. Actually, C is better.", "two_choices"),
        ("C. none\n\nThe answer is D. none", "two_choices"),
        ("Choice: 2, or 1", "two_choices"),
        ("A. one\nB. two\nC. three\nD. four", "two_choices"),
        ("A or B", "no_choice"),
        ("Both", "no_choice"),
        ("Neither answer is right.", "no_choice"),
        ("Answer: not B", "no_choice"),
        ("The answer is not B.", "no_choice"),
        ("Answer: A better one is needed.", "no_choice"),
        ("Answer: 3 days", "no_choice"),
        ("Answer 2: The fee is 30 credits.", "no_choice"),
        ("A fee is due.", "no_choice"),
        ("The fee is 2 credits.", "no_choice"),
        ("E", "out_of_range"),
        ("Answer: 7", "out_of_range"),
        ("0", "out_of_range"),
        ("I cannot choose, so I can't answer.", "refusal"),
    ],
)
def test_an_answer_with_two_choices_or_none_has_a_reason(answer: str, reason: str) -> None:
    assert choice(answer) == reason


PICKS = st.sampled_from(
    ("{l}", "({l})", "Answer: {l}", "The best answer is {l}.", "{n}", "Choice: {n}")
)


@given(PICKS, st.integers(1, 4))
def test_a_choice_that_is_written_comes_back(form: str, number: int) -> None:
    assert choice(form.format(l="ABCD"[number - 1], n=number)) == str(number)


@given(PICKS, PICKS, st.integers(1, 4), st.integers(1, 4))
def test_two_different_choices_are_none(a: str, b: str, one: int, other: int) -> None:
    said = "\n".join(form.format(l="ABCD"[n - 1], n=n) for form, n in ((a, one), (b, other)))
    assert choice(said) == (str(one) if one == other else "two_choices")
