"""True answers in plain words pass, and their falsified copies do not."""

import pyarrow as pa
import pytest

from tasks.corpus.trust import weak_spots
from tasks.verdicts.case import Case, Passage
from tasks.verdicts.faults import planted
from tasks.verdicts.gates import VerdictSpec, judge_case
from tests.builders import case

TUBS = Passage(
    "3",
    "No tub may hold two salts. The dyer pays £3,120 for this. The dye master decides in these "
    "matters. An unmarked tub is emptied. A vat must not be moved without a second pair of hands.",
    "Tubs",
)
LOOMS = Passage(
    "4",
    "The weaver pays £80 for this. Decisions here rest with the loom warden. A "
    "loom that squeaks is oiled.",
    "Looms",
)
LINES = "\n".join(f"[{one.section}] {one.whole}" for one in (TUBS, LOOMS))
BANNED = "What is forbidden under the rule on tubs?"
COST = "How much has to be paid for tubs?"
BAN = "Section 3 is on tubs. There I read that no tub may hold two salts. That settles it."
MOVED = "Section 3 is on tubs. A vat must not be moved without a second pair of hands."
PAID = "Section 3 is on tubs. It tells me that the dyer pays £3,120."


def asked(question: str, answer: str, think: str) -> Case:
    prompt = f"Answer from the passages alone.\n\n{LINES}\n\nQuestion: {question}"
    return case(
        passages=(TUBS, LOOMS), prompt=prompt, question=question, answer=answer, think=think
    )


def faults(one: Case) -> set[str]:
    return {found.fault for found in judge_case(one, VerdictSpec(), frozenset())} - {""}


@pytest.mark.parametrize(
    ("question", "answer", "think"),
    [
        (COST, "According to [3], £3,120 must be paid by the dyer.", f"{PAID} So this is what I answer, with [3] as the source."),
        (COST, "The dyer has to pay £3,120 [3].", PAID),
        (COST, "The charge comes to £3,120, and it falls on the dyer [3].", PAID),
        (BANNED, "It is forbidden for any tub to hold two salts [3].", BAN),
        (BANNED, "No tub may hold two salts [3].", BAN),
        (BANNED, "It is not allowed for a vat to be moved without a second pair of hands [3].", MOVED),
        ("Which section governs tubs?", "Tubs is governed by section [3].", "I look for tubs: Section 3 is headed Tubs, and the other one is not."),
        ("Which section governs tubs?", "[3].", "I look for tubs: Section 3 is headed Tubs, and the other one is not."),
        ("May a tub hold two salts?", "They may not [3].", BAN),
        ("Who decides on tubs?", "The decision lies with the dye master [3].", "Section 3 is on tubs. The dye master decides."),
        ("Who decides on looms?", "The decision lies with the loom warden [4].", "Section 4 is on looms. Decisions here rest with the loom warden."),
        (BANNED, "No tub may hold two salts [3].", "The rule is [3], tubs. No tub may hold two salts. Nothing else bears on it."),
    ],
)  # fmt: skip
def test_a_true_answer_in_plain_words_passes(question: str, answer: str, think: str) -> None:
    assert faults(asked(question, answer, think)) == set()


@pytest.mark.parametrize(
    ("question", "answer", "think", "fault"),
    [
        (BANNED, "Any tub may hold two salts [3].", BAN, "contradicted_passage"),
        (BANNED, "Any tub may hold two salts [3].", BAN, "contradicted_think"),
        (BANNED, "It is forbidden for any tub [3].", BAN, "incomplete_answer"),
        (BANNED, "£3,120 is due from the dyer [3].", BAN, "irrelevant_answer"),
        (COST, "The charge comes to £3,120, and it falls on the weaver [3].", PAID, "misattributed"),
        (COST, "The dyer pays £3,120 [3]. It says: “Every payment is made in cash” [3].", PAID, "misquoted"),
        (COST, "The dyer pays £3,120 [3]. It says: ‘Every payment is made in cash’ [3].", PAID, "misquoted"),
        (COST, "£3,120 must be paid by the chandler [3].", "The dyer pays £3,120. It must be paid by the dyer.", "contradicted_think"),
        ("What happens to an unmarked tub?", "An unmarked tub [3].", "An unmarked tub is emptied.", "irrelevant_answer"),
        ("What happens to an unmarked tub?", "The consequence is that an unmarked tub [3].", "An unmarked tub is emptied.", "incomplete_answer"),
    ],
)  # fmt: skip
def test_a_falsified_answer_does_not(question: str, answer: str, think: str, fault: str) -> None:
    assert fault in faults(asked(question, answer, think))


def test_a_verdict_tells_a_person_what_offended() -> None:
    row = asked(COST, "The dyer pays £3,120 [3]. It says: “All is paid in cash” [3].", PAID)
    failed = [one for one in judge_case(row, VerdictSpec(), frozenset()) if one.failed]
    assert "All is paid in cash" in failed[0].told
    assert "seen" not in failed[0].columns()


def test_a_paraphrase_without_numbers_has_no_quotation_to_alter() -> None:
    row = asked(
        BANNED,
        "It may not be done [3].",
        "There, a vat must not be moved without a second pair of hands.",
    )
    assert planted(row, [], "altered_quote", seed=0) is None


def test_a_kind_of_which_less_than_half_is_found_is_named() -> None:
    checks = pa.table(
        {"family": ["a", "b", "a"], "fault": ["other_name", "other_name", "copied_line"], "planted": [10, 10, 10], "found": [3, 6, 5]}
    )  # fmt: skip
    assert "other name (9 of 20)" in weak_spots(checks)
    assert "copied line" not in weak_spots(checks)
