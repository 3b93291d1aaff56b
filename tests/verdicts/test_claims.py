"""What an answer asserts is taken apart and held against the sections it cites."""

from dataclasses import replace

import pytest

from tasks.verdicts.case import Case, Passage
from tasks.verdicts.gates import VerdictSpec, judge_case
from tests.support.builders import case

LATE = Passage(
    "Section 214",
    "The fee is 40 credits. A reply is due in 3 weeks. Examiner Vale decides. Faxes are not read.",
    "Late fees",
)
OATHS = Passage(
    "Section 300",
    "The fee is 70 credits. A reply is due in 5 weeks. Examiner Marsh decides.",
    "Oaths",
)
LINES = "\n".join(f"[{one.section}] {one.whole}" for one in (LATE, OATHS))
THINK = "The question asks about late fees, and Section 214 is on them, so I read it."
COPY = "I need it. [Section 214] Late fees. "


def asked(question: str, answer: str, think: str = THINK) -> Case:
    """Return a row that shows two sections."""
    prompt = f"Answer from the passages alone.\n\n{LINES}\n\nQuestion: {question}"
    return case(
        passages=(LATE, OATHS), prompt=prompt, question=question, answer=answer, think=think
    )


def faults(one: Case) -> set[str]:
    """Return every fault that a gate finds."""
    return {found.fault for found in judge_case(one, VerdictSpec(), frozenset())} - {""}


def states(one: Case) -> dict[str, str]:
    return {found.gate: found.state for found in judge_case(one, VerdictSpec(), frozenset())}


FEE = "What is the fee for late fees?"
GOOD = "The fee for late fees is 40 credits. [Section 214]"


@pytest.mark.parametrize(
    ("question", "answer"),
    [
        (FEE, GOOD),
        (FEE, "40 credits [Section 214]"),
        (FEE, "According to [Section 214], late fees cost 40 credits."),
        ("How long is the reply period for late fees?", "A reply is due in 3 weeks. [Section 214]"),
        ("How long is the reply period for late fees?", "Three weeks. [Section 214]"),
        ("Who decides on late fees?", "Examiner Vale decides on late fees. [Section 214]"),
        ("Which section governs late fees?", "Section 214 governs late fees. [Section 214]"),
        ("Are faxes about late fees read?", "No, faxes are not read. [Section 214]"),
    ],
)
def test_a_right_answer_passes_every_gate(question: str, answer: str) -> None:
    assert faults(asked(question, answer)) == set()


@pytest.mark.parametrize(
    ("question", "answer", "fault"),
    [
        (FEE, "The fee for late fees is 70 credits. [Section 214]", "ungrounded_number"),
        (FEE, "The fee for late fees is 40 weeks. [Section 214]", "misattributed"),
        (FEE, "The fee for late fees is 70 credits. [Section 300]", "misattributed"),
        ("Who decides on late fees?", "Examiner Marsh decides. [Section 214]", "misattributed"),
        ("Which section governs late fees?", "Section 300 governs it. [Section 300]", "misattributed"),
        ("Are faxes read for late fees?", "Yes, faxes are read. [Section 214]", "contradicted_passage"),
        (FEE, "Examiner Vale decides on late fees. [Section 214]", "irrelevant_answer"),
        (FEE, "The fee for late fees is not 40 credits. [Section 214]", "irrelevant_answer"),
        ("Who decides on late fees?", "The fee is 40 credits. [Section 214]", "irrelevant_answer"),
        (FEE, f"[Section 214] {LATE.whole}", "irrelevant_answer"),
        (FEE, "The fee for late [Section 214]", "incomplete_answer"),
        ("What is due for late fees?", "A reply is due in the [Section 214]", "incomplete_answer"),
    ],
)  # fmt: skip
def test_a_wrong_answer_is_rejected_for_its_reason(question: str, answer: str, fault: str) -> None:
    assert fault in faults(asked(question, answer))


@pytest.mark.parametrize(
    "think",
    [
        f"{COPY}The fee is 40 credits. A reply is due in 3 weeks. So the answer is 40 credits.",
        'Section 214 says: "The fee is 40 credits." That settles it.',
        "Section 214 states that the fee is 40 credits, which is what I need here.",
        'It says "the fee is 40 credits … Faxes are not read" and nothing else of use.',
        'Some would call such a sum "a token of good will", but the section is clear.',
        "Section 214 does not say that the fee is 70 credits; Section 300 does. It is 40 credits.",
    ],
)
def test_a_true_quotation_passes(think: str) -> None:
    assert faults(asked(FEE, GOOD, think)) == set()


@pytest.mark.parametrize(
    "think",
    [
        f"{COPY}The fee is 41 credits. A reply is due in 3 weeks. So the answer is 40 credits.",
        f"{COPY}The fee is 40 credits. A reply is due in 5 weeks. So the answer is 40 credits.",
        f"{COPY}The fee is 40 credits. Forms are free of charge. So the answer is 40 credits.",
        "I need it. [Section 214] Oaths. The fee is 40 credits. So the answer is 40 credits.",
        'Section 214 says: "The fee is 40 euros." The unit aside, that settles it.',
        'Section 214 says: "The charge is 40 credits." That settles it.',
        "Section 214 states that the fee is 70 credits, but I know better: 40 credits.",
        "It is plain: the fee is 40 credits. A reply is due in 3 weeks. Examiner Marsh decides. "
        "Faxes are not read.",
    ],
)
def test_an_altered_quotation_is_misquoted(think: str) -> None:
    assert "misquoted" in faults(asked(FEE, GOOD, think))


@pytest.mark.parametrize(
    "think",
    [
        "I read Section 214, and so the answer is 41 credits.",
        "I read Section 214 twice. So it is 41 credits and no more than that.",
        "I read Section 214 twice.\nConclusion: 41 credits, as the section has it.",
    ],
)
def test_an_answer_that_its_think_block_contradicts_is_rejected(think: str) -> None:
    assert "contradicted_think" in faults(asked(FEE, GOOD, think))


def test_a_gate_without_anything_to_check_says_so() -> None:
    bare = replace(case(), passages=(), answer="It is warm today, as far as I know.")
    found = states(bare)
    assert {gate for gate, state in found.items() if state == "not_checked"} >= {
        "citations", "grounding", "attribution", "correctness",
    }  # fmt: skip
    assert states(case(accepted=("x",)))["relevance"] == "not_checked"


def test_structure_is_not_checked_where_only_a_server_saw_the_raw_text() -> None:
    assert states(case(parsed=True))["structure"] == "not_checked"
    assert states(case(parsed=True, think="Short."))["structure"] == "failed"
