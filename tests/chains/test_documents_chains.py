"""The built-in chains that begin with documents: each keeps what is right and names each fault."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
from rapidfuzz import fuzz

from tasks.chains.chain import Ask, Where
from tasks.chains.item import Item
from tasks.chains.library import chain_of
from tasks.chains.prompt import prompt_text, template_text
from tasks.chains.returns.verdicts import Verdict
from tasks.chains.world import World
from tasks.ngrams import ngrams, words
from tasks.prompts.family import Family, PromptSpec
from tasks.prompts.write import write
from tests.support.chains import Ran, Text, answered_by, asks, handbook, passages, ran

RULES = passages(
    [
        Text(
            "Renewals",
            "A renewal costs 40 credits. Examiner Marta Lind decides on renewals within 30 days.",
            category="root",
        ),
        Text(
            "Appeals",
            "An appeal costs 90 credits. Examiner Marta Lind hears appeals on the first Monday.",
        ),
        Text(
            "Transfers",
            "A transfer of rights costs 15 credits. Examiner Paul Orr records it in the register.",
        ),
        Text(
            "Late replies",
            "A late reply costs 25 credits for each week. Examiner Paul Orr may waive this fee.",
        ),
    ]
)
TRUE = ("40 credits", "30 days", "Examiner Marta Lind")
"""The values of the first passage."""


class Case(NamedTuple):
    """Answers of a chain's steps, by the name of the step; {named} is what its prompt wants to be
    named. Other verdicts say yes, and scores are 5.
    """

    chain: str
    answers: dict[str, str]


RIGHT = (
    Case("closed_qa", {"pair": "QUESTION 1: What does a renewal cost?\nANSWER 1: 40 credits"}),
    Case(
        "multi_hop",
        {
            "question": "What does the matter cost that the person who decides on Renewals hears "
            "on a Monday?"
        },
    ),
    Case("comparison", {"question": "How do Renewals and Appeals differ in what they cost?"}),
    Case("false_premise", {"question": "What do I prepare for a renewal, as it is {named}?"}),
    Case("nonexistent", {"question": "What is {named} responsible for?"}),
    Case(
        "backtranslation",
        {"question": "Explain in two sentences how much it takes to extend a right, and by whom."},
    ),
    Case(
        "rephrase",
        {
            "written": "To renew a right, pay 40 credits; then Examiner Marta Lind decides.",
            "question": "1. How much does somebody pay to renew a right?",
        },
    ),
    Case("recall", {"pair": "QUESTION 1: What does a renewal cost?\nANSWER 1: 40 credits"}),
)


def runs(case: Case, monkeypatch: pytest.MonkeyPatch, journals: Path) -> Ran:
    """Return what the case's chain makes of the first passage."""
    chain = chain_of(case.chain)
    forms = {_form(place.step): place.step for place in asks(chain) if isinstance(place.step, Ask)}
    answered_by(monkeypatch, lambda prompt, _: _answer(prompt, forms, case.answers))
    return ran(chain.model_copy(update={"where": Where(categories=("root",))}), RULES, journals)


def _form(step: Ask) -> str:
    return template_text(step.ask).strip().rsplit("\n", 1)[-1]


def _answer(prompt: str, forms: dict[str, Ask], answers: dict[str, str]) -> str:
    step = forms[prompt.rsplit("\n", 1)[-1]]
    if step.name in answers:
        named = re.findall(r'Write "([^"\n]+)" in these words', prompt)
        return answers[step.name].replace("{named}", *named[:1] or [""])
    if isinstance(step.returns, Verdict):
        return "\n".join(f"{name}: yes" for name in step.returns.names)
    return "Score: 5"


def faulty(name: str, **answers: str) -> Case:
    """Return the right case of a chain with other answers."""
    right = next(case for case in RIGHT if case.chain == name)
    return Case(name, right.answers | answers)


def pair(question: str, answer: str = "40 credits") -> str:
    """Return a labelled question and answer."""
    return f"QUESTION 1: {question}\nANSWER 1: {answer}"


@pytest.mark.parametrize("case", RIGHT, ids=lambda case: case.chain)
def test_a_right_answer_becomes_a_question(
    case: Case, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    made = runs(case, monkeypatch, tmp_path)
    assert made.questions.num_rows >= 1, made.lost
    chain = chain_of(case.chain)
    for row in made.questions.to_pylist():
        assert bool(row["accepted"]) == bool(chain.gives.gold)
        assert bool(row["passage_ids"]) == (chain.gives.shown == "passages")
        assert row["licence"] == "CC0-1.0" and row["lineage"][0] == "p0"


ONE = "one_question"
NAMES = "names_from_passage"
NUMBERS = "numbers_from_passage"
DOCUMENT = "no_document_words"


@pytest.mark.parametrize(
    ("case", "step", "reason"),
    [
        (faulty("closed_qa", pair=pair("What does a renewal cost?", "50 credits")), "clean", "test_present"),
        (faulty("closed_qa", pair=pair("Does a renewal cost 40 credits?")), "clean", "test_lacks"),
        (faulty("closed_qa", pair=pair("According to the text, what does a renewal cost?")), "clean", f"test_{DOCUMENT}"),
        (faulty("closed_qa", pair=pair("What does Paul Orr take for a renewal?")), "clean", f"test_{NAMES}"),
        (faulty("closed_qa", pair=pair("What does a renewal cost after 31 days?")), "clean", f"test_{NUMBERS}"),
        (faulty("closed_qa", pair=pair("What does a renewal cost? Who decides on it?")), "clean", f"test_{ONE}"),
        (faulty("closed_qa", pair="QUESTION 1: What does a renewal cost?"), "pair", "unparsed_missing_field"),
        (faulty("closed_qa", fit="self_contained: yes\nanswered: yes\naccurate: no"), "fits", "test_verdict"),
        (faulty("multi_hop", question="What does Examiner Marta Lind take for what comes after Renewals?"), "clean", "test_lacks"),
        (faulty("multi_hop", question="Why is the fee for what comes after Renewals 90 credits?"), "clean", "test_lacks"),
        (faulty("multi_hop", question="What does the matter cost that is heard on the first Monday?"), "clean", "test_contains"),
        (faulty("multi_hop", fit="clear: yes\nneeds_both: no\nanswered: yes"), "fits", "test_verdict"),
        (faulty("comparison", question="What do Renewals cost in comparison with others?"), "clean", "test_contains"),
        (faulty("comparison", question="How do Renewals and Appeals differ from Transfers of Sam Hill?"), "clean", f"test_{NAMES}"),
        (faulty("comparison", question="Renewals are cheaper than Appeals."), "clean", f"test_{ONE}"),
        (faulty("comparison", fit="clear: yes\nneeds_both: no\nanswered: yes"), "fits", "test_verdict"),
        (faulty("false_premise", question="What do I prepare for a renewal that I want?"), "clean", "test_contains"),
        (faulty("false_premise", question=f"Is it {{named}}, or {', or '.join(TRUE)}?"), "clean", "test_lacks"),
        (faulty("false_premise", question="What follows from the belief that it is {named}?"), "clean", "test_no_labels"),
        (faulty("false_premise", fit="clear: yes\nsupposes: no"), "fits", "test_verdict"),
        (faulty("nonexistent", question="What is Examiner Marta Lind responsible for?"), "clean", "test_contains"),
        (faulty("nonexistent", question="Why does {named} not exist?"), "clean", "test_no_labels"),
        (faulty("nonexistent", question="What does {named} decide within 31 days?"), "clean", f"test_{NUMBERS}"),
        (faulty("backtranslation", rated="Score: 3"), "good", "test_score"),
        (faulty("backtranslation", rated="Score: 4\nScore: 2"), "rated", "unparsed_two_scores"),
        (faulty("backtranslation", question="Tell me why a renewal costs 40 credits and examiner Marta Lind decides on renewals."), "clean", "test_copied"),
        (faulty("rephrase", written="To renew a right, pay 45 credits; then Examiner Marta Lind decides."), "faithful", f"test_{NUMBERS}"),
        (faulty("rephrase", written="To renew a right, pay 40 credits; then Examiner Sam Hill decides."), "faithful", f"test_{NAMES}"),
        (faulty("rephrase", question="How much does the tutorial want for a renewal?"), "clean", "test_no_labels"),
        (faulty("recall", pair=pair("What does it cost?")), "clean", "test_finds_passage"),
        (faulty("recall", pair=pair("What does the handbook say that a renewal costs?")), "clean", f"test_{DOCUMENT}"),
        (faulty("recall", pair=pair("What does a renewal cost?", "90 credits")), "clean", "test_present"),
    ],
    ids=lambda one: one.chain if isinstance(one, Case) else one,
)  # fmt: skip
def test_a_planted_fault_is_lost_at_its_step_with_its_reason(
    case: Case, step: str, reason: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    made = runs(case, monkeypatch, tmp_path)
    assert made.questions.num_rows == 0
    assert made.lost[step] and set(made.lost[step]) == {reason}, made.lost


def with_votes(votes: Iterator[str], monkeypatch: pytest.MonkeyPatch, journals: Path) -> Ran:
    """Return what `recall` makes of the first passage with these verdicts on its only pair."""

    def answer(prompt: str, seed: int) -> str:
        return next(votes) if "by three criteria" in prompt else pair("What does a renewal cost?")

    answered_by(monkeypatch, answer)
    chain = chain_of("recall").model_copy(update={"where": Where(categories=("root",))})
    return ran(chain, RULES, journals)


YES = "self_contained: yes\nanswered: yes\naccurate: yes"
NO = "self_contained: yes\nanswered: yes\naccurate: no"
OTHER = "self_contained: no\nanswered: yes\naccurate: yes"


@pytest.mark.parametrize(
    ("votes", "kept", "reason"),
    [
        ((YES, YES, YES), 1, ""),
        ((YES, NO, YES), 1, ""),
        ((NO, YES, NO), 0, "test_verdict"),
        ((YES, NO, OTHER), 0, "no_majority"),
    ],
)
def test_most_of_the_votes_decide_on_a_pair(
    votes: tuple[str, ...],
    kept: int,
    reason: str,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    made = with_votes(iter(votes), monkeypatch, tmp_path)
    assert len(made.after["vote"]) == 3 and made.questions.num_rows == kept
    assert not reason or reason in made.lost["voted"] + made.lost["fits"]


def test_no_question_of_a_chain_holds_its_answer(tmp_path: Path) -> None:
    for name in ("closed_qa", "multi_hop", "false_premise", "recall"):
        for row in ran(chain_of(name), handbook(), tmp_path).questions.to_pylist():
            answer, text = (" ".join(words(one)) for one in (row["accepted"][0], row["text"]))
            assert f" {answer} " not in f" {text} "


def drawn(name: str, step: str, journals: Path) -> list[Item]:
    """Return the items of a step of a chain over the handbook."""
    return ran(chain_of(name), handbook(), journals).after[step]


def found_nowhere(text: str) -> bool:
    """Return whether a text, and everything that is spelt almost like it, is in no passage."""
    tokens = words(text)
    everything = words(" ".join(f"{r['heading']} . {r['text']}" for r in handbook().to_pylist()))
    runs = set(ngrams(everything, len(tokens)))
    return all(fuzz.ratio(" ".join(run), " ".join(tokens)) < 88 for run in runs) or (
        tuple(tokens) not in runs and tokens[0].isdigit()
    )


def test_made_up_names_and_values_are_in_no_passage_and_no_name_is_like_them(
    tmp_path: Path,
) -> None:
    world = World(handbook())
    made = [one.text("made.name") for one in drawn("nonexistent", "made", tmp_path)]
    changed = drawn("false_premise", "change", tmp_path)
    assert made and changed
    assert all(found_nowhere(one) for one in made)
    for one in changed:
        root = world.root_text(one)
        fact, truth = one.text("change.fact"), one.text("change.truth")
        assert fact in root and truth in fact and found_nowhere(one.text("change.untrue"))
        assert fact.replace(truth, one.text("change.untrue")) == one.text("change.claim")


def test_the_writer_of_a_path_question_sees_a_blank_in_place_of_the_answer(
    tmp_path: Path,
) -> None:
    world = World(handbook())
    step = next(one.step for one in asks(chain_of("multi_hop")) if isinstance(one.step, Ask))
    for item in drawn("multi_hop", "hop", tmp_path):
        prompt, answer = prompt_text(item, step, world), item.text("hop.answer")
        assert "____" in prompt and item.text("hop.fact").replace(answer, "____", 1) in prompt
        assert answer not in prompt


def test_a_closed_book_row_of_recall_hides_the_passages_that_its_teacher_sees(
    tmp_path: Path,
) -> None:
    made = ran(chain_of("recall"), handbook(), tmp_path)
    family = Family(name="recall", share=1, ground="chain", chain="recall", shown="nothing")
    spec = PromptSpec(rows=4, families=(family,), control=0)
    prompts = write(handbook(), made.questions, spec).parts["prompts"].to_pylist()
    texts = {row["passage_id"]: row["text"] for row in handbook().to_pylist()}
    assert len(prompts) == 4
    for row in prompts:
        shown = [texts[one] for one in row["passage_ids"]]
        assert shown and all(text in row["messages"][0]["content"] for text in shown)
        assert row["row_messages"] and row["question"] in row["row_messages"][0]["content"]
        assert not any(text in row["row_messages"][0]["content"] for text in shown)


NAMELESS = passages(
    [
        Text("", "A renewal costs 40 credits. Examiner Marta Lind decides on it.", category="root"),
        Text("Appeals", "An appeal costs 90 credits. Examiner Marta Lind hears it."),
    ]
)


@pytest.mark.parametrize(("name", "step"), [("comparison", "named"), ("multi_hop", "named")])
def test_passages_that_nothing_names_are_left_out_before_anything_is_asked(
    name: str, step: str, tmp_path: Path
) -> None:
    chain = chain_of(name).model_copy(update={"where": Where(categories=("root",))})
    made = ran(chain, NAMELESS, tmp_path)
    assert made.lost[step] and not made.after[step] and made.answers == 0


def test_a_drawn_right_answer_is_no_word_that_only_the_producer_may_use(tmp_path: Path) -> None:
    row = ran(chain_of("nonexistent"), handbook(), tmp_path).questions.to_pylist()[0]
    assert row["accepted"] == ["The passages do not tell."] and row["notes"]
    assert row["accepted"][0] not in row["notes"]
