"""Scores: what a model says is the score, and an answer with two scores has none."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.chains.returns import Unparsed
from tasks.chains.returns.ratings import Ratings, Scores
from tasks.chains.returns.scores import Score


def score(answer: str, low: int = 1, high: int = 5) -> str:
    """Return the score of an answer, or the reason why it has none."""
    found = Score(score=(low, high)).parse(answer)
    return found.reason if isinstance(found, Unparsed) else found[0]["score"]


def scores(answer: str, of: int = 3, low: int = 1, high: int = 5) -> str:
    """Return the scores of an answer, joined, or the reason why it has none."""
    found = Scores(scores=Ratings(of=of, range=(low, high))).parse(answer)
    return found.reason if isinstance(found, Unparsed) else " ".join(found[0].values())


@pytest.mark.parametrize(
    "answer",
    [
        "4", "4.", "**4**", " 4\n", "4.0", "four", "Four.", "4/5", "4 / 5", "4 out of 5", "**4/5**",
        "4 points", "4 stars", "Score: 4", "score:4", "Score = 4", "Score - 4", "**Score:** 4",
        "**Score**: 4/5", "### Score: 4", "Score:\n4", "**Score**\n\n4", "Rating: 4 out of 5.",
        "Final score: 4", "Overall rating: 4", "The score is 4.", "My final rating is 4/5.",
        "I would give it a score of 4.", "I'd rate this answer 4 out of 5.", "I rate it a 4.",
        "Score: [4]", "Score: <4>", 'Score: "4"', '{"score": 4}', '{"reason": "clear", "score": 4}',
        '{"score": 4, "reason": "clear"}', "```json\n{\"score\": 4}\n```", "Score (1-5): 4",
        "Score [1 to 5]: 4", "On a scale of 1 to 5, 4", "Score: 4 (good)", "4 (good)",
        "Score: 4, because it names the fee.", "Score: 4 - it names the fee.", "Score: 4/5: good",
        "It names the fee. Score: 4", "It names 3 of the duties.\nScore: 4",
        "Reason: it names the fee\n\nand the reply.\n\nScore: 4", "<think>Maybe 3.</think>Score: 4",
        "Score: 4\n1. It is clear.\n2. It is short.", "Score: 4. It follows Section 3.",
        "Score: 4. The fee is 30 credits.", "Score: 4\nFinal score: 4/5", "- Score: 4",
        "Helpfulness: 4", "Quality score: 4", "| Score | 4 |", "Score: 4 since it is clear",
    ],
)  # fmt: skip
def test_a_score_is_read_in_every_usual_form(answer: str) -> None:
    assert score(answer) == "4"


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        ("Score: 10", "out_of_range"),
        ("Score: 0", "out_of_range"),
        ("Score: -4", "out_of_range"),
        ("999999999999999999999999", "not_whole"),
        ("Score: " + "9" * 5000, "not_whole"),
        ("Score: 4.5", "not_whole"),
        ("4,5", "not_whole"),
        ("8/10", "other_scale"),
        ("Score: 80%", "other_scale"),
        ("Score: 4\nOverall 8/10", "other_scale"),
        ("Score: 4\nScore: 5", "two_scores"),
        ("4\n5", "two_scores"),
        ("Score: 4. On reflection, 3.", "two_scores"),
        ("Score: 4. On reflection, three.", "two_scores"),
        ("Score: 4 - 5", "two_scores"),
        ("Score: 4, or rather 5", "two_scores"),
        ("I would say 3/5. Final score: 4", "two_scores"),
        ("A score of 5 would need every duty. Score: 3", "two_scores"),
        ("Clarity: 4\nAccuracy: 2", "two_scores"),
        ("Score 1: useless\nScore 5: perfect", "two_scores"),
        ("Score: 4-5", "no_score"),
        ("Score: 4 or 5", "no_score"),
        ("Score: 1-5", "no_score"),
        ("Score: between 1 and 5", "no_score"),
        ("The score is not 4.", "no_score"),
        ("I would not give it a score of 5.", "no_score"),
        ("If it named the fee, score 5.", "no_score"),
        ("The score: 5 is perfect", "no_score"),
        ("It names 3 duties.", "no_score"),
        ("The fee is 4 credits.", "no_score"),
        ("Score: 4 credits", "no_score"),
        ("Score: n", "no_score"),
        ("Score: 4e2", "no_score"),
        ("The answer is good.", "no_score"),
        ("4. The answer is good.", "no_score"),
        ("N/A", "no_score"),
        ("I'm sorry, but I cannot rate this answer.", "refusal"),
        ("<think>Score: 4", "unclosed_think"),
    ],
)
def test_an_answer_without_one_clear_score_has_a_reason(answer: str, reason: str) -> None:
    assert score(answer) == reason


def test_two_digits_and_zero_are_scores_where_the_range_has_them() -> None:
    assert score("Score: 10", 1, 10) == "10"
    assert score("10/10", 1, 10) == "10"
    assert score("Score: 0", 0, 5) == "0"
    assert score("0", 0, 1) == "0"


FORMS = st.sampled_from(
    ("{n}", "Score: {n}", "**Rating:** {n}/5", "The score is {n}.", "{n} out of 5")
)


@given(FORMS, st.integers(1, 5), st.sampled_from(("", "It is clear.\n", "Reasons first.\n\n")))
def test_a_score_that_is_written_comes_back(form: str, value: int, before: str) -> None:
    assert score(before + form.format(n=value)) == str(value)


@given(FORMS, FORMS, st.integers(1, 5), st.integers(1, 5), st.sampled_from(("\n", "\n\nBut:\n")))
def test_two_different_scores_are_none(a: str, b: str, one: int, other: int, gap: str) -> None:
    found = score(a.format(n=one) + gap + b.format(n=other))
    assert found == (str(one) if one == other else "two_scores")


@pytest.mark.parametrize(
    "answer",
    [
        "[1] Score: 4\n[2] Score: 2\n[3] Score: 5",
        "[3] Score: 5\n[1] Score: 4\n[2] Score: 2",
        "Here are the scores:\n[1] Score: 4\n[2] Score: 2\n[3] Score: 5",
        "[1] 4\n[2] 2\n[3] 5",
        "[1] 4/5, [2] 2/5, [3] 5/5",
        "**[1]** 4\n**[2]** 2\n**[3]** 5",
        "1. 4\n2. 2\n3. 5",
        "1: 4\n2: 2\n3: 5",
        "1 - 4\n2 - 2\n3 - 5",
        "1) Score: 4\n2) Score: 2\n3) Score: 5",
        "Answer 1: 4\nAnswer 2: 2\nAnswer 3: 5",
        "Instruction 1: 4 - clear\nInstruction 2: 2 - vague\nInstruction 3: 5 - good",
        "Score 1: 4\nScore 2: 2\nScore 3: 5",
        "Rating for answer 1: 4\nRating for answer 2: 2\nRating for answer 3: 5",
        "### Answer 1\nReason: it names the fee.\n\nIt is short.\nRating: 4\n\n"
        "### Answer 2\nRating: 2\n\n### Answer 3\nRating: 5",
        "#### Output for Text 1\nRating: 4\nRationale: good\n\n"
        "#### Output for Text 2\nRating: 2\n\n#### Output for Text 3\nRating: 5",
        '{"1": 4, "2": 2, "3": 5}',
        "| Answer | Score |\n|---|---|\n| 1 | 4 |\n| 2 | 2 |\n| 3 | 5 |",
    ],
)
def test_a_score_belongs_to_the_printed_index(answer: str) -> None:
    assert scores(answer) == "4 2 5"


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        ("4\n2\n5", "no_index"),
        ("[4, 2, 5]", "no_index"),
        ("Score: 4\nScore: 2\nScore: 5", "no_index"),
        ("1. Clarity: 4\n2. Accuracy: 2\n3. Depth: 5", "no_index"),
        ("[1] 4\n[2] 2", "missing_index"),
        ("[1] 4\n[2] 2\n[2] 5", "repeated_index"),
        ("[0] 4\n[1] 2\n[2] 5", "unknown_index"),
        ("[1] 4\n[2] 2\n[3] 5\n[4] 1", "unknown_index"),
        ("[1] 4\n[2] N/A\n[3] 5", "no_score"),
        ("[1] 4\n[2] 9\n[3] 5", "out_of_range"),
        ("[1] 4 or 5\n[2] 2\n[3] 5", "no_score"),
        ("[1] 4. No, 3.\n[2] 2\n[3] 5", "two_scores"),
        ("Score: 4\n[1] 4\n[2] 2\n[3] 5", "score_before_index"),
        ("I cannot rate these answers.", "refusal"),
    ],
)
def test_scores_that_do_not_fit_the_indexes_have_a_reason(answer: str, reason: str) -> None:
    assert scores(answer) == reason


@given(st.permutations((1, 2, 3, 4)), st.lists(st.integers(1, 5), min_size=4, max_size=4))
def test_scores_come_back_in_any_order_of_lines(order: list[int], given_: list[int]) -> None:
    lines = [f"[{index}] Score: {given_[index - 1]}" for index in order]
    assert scores("Sure:\n" + "\n".join(lines), 4) == " ".join(map(str, given_))


@given(st.permutations((1, 2, 3)), st.integers(0, 2))
def test_a_lost_line_never_shifts_the_others(order: list[int], lost: int) -> None:
    lines = [f"[{index}] Score: {index}" for index in order]
    assert scores("\n".join(lines[:lost] + lines[lost + 1 :])) == "missing_index"
