"""True answers in plain words pass, and their falsified copies do not."""

from dataclasses import replace

import pyarrow as pa
import pytest

from tasks.corpus.trust import weak_spots
from tasks.verdicts.case import Case, Passage
from tasks.verdicts.claims.values import MONTHS
from tasks.verdicts.faults import planted
from tasks.verdicts.gates import VerdictSpec, judge_case
from tests.support.builders import case

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
        (COST, "£3,120 must be paid by the chandler [3].", "The dyer pays £3,120. It must be paid by the dyer.", "misattributed"),
        ("What happens to an unmarked tub?", "An unmarked tub [3].", "An unmarked tub is emptied.", "irrelevant_answer"),
        ("What happens to an unmarked tub?", "The consequence is that an unmarked tub [3].", "An unmarked tub is emptied.", "incomplete_answer"),
    ],
)  # fmt: skip
def test_a_falsified_answer_does_not(question: str, answer: str, think: str, fault: str) -> None:
    assert fault in faults(asked(question, answer, think))


PIER = Passage(
    "8",
    "The dock committee decides upon a request within 6 weeks. Crews may not sleep on the pier. "
    "The pier closes on 4 October. Nets must reach the net maker 9 days before the season. "
    "The warden destroys lost nets every May.",
    "The pier",
)
BEACH = Passage(
    "9",
    "The harbour warden opens the beach. Dogs may not run on the beach. A tent costs 12 euros.",
    "The beach",
)


def at_the_pier(question: str, answer: str, think: str) -> Case:
    lines = "\n".join(f"[{one.section}] {one.whole}" for one in (PIER, BEACH))
    prompt = f"Answer from the passages alone.\n\n{lines}\n\nQuestion: {question}"
    return case(
        passages=(PIER, BEACH), prompt=prompt, question=question, answer=answer, think=think
    )


SLEEP = "May crews sleep on the pier?"
NO = "Section 8 forbids it to crews, and names no exception. So no."


@pytest.mark.parametrize(
    ("question", "answer", "think"),
    [
        (SLEEP, "No. Under [8] the pier is closed to crews who want to sleep.", NO),
        (
            SLEEP,
            "They may not; nobody else is spoken of in [8], and so they cannot do it either.",
            NO,
        ),
        (
            "How soon is a request decided, and by whom?",
            "Within 6 weeks the dock committee has to decide [8].",
            "The dock committee decides within 6 weeks. Both parts are told there.",
        ),
        (
            "Who destroys lost nets?",
            "Lost nets are destroyed by the warden [8].",
            "Section 8 leaves that to the warden. So the warden.",
        ),
    ],
)
def test_a_true_answer_in_words_of_its_own_passes(question: str, answer: str, think: str) -> None:
    assert faults(at_the_pier(question, answer, think)) == set()


@pytest.mark.parametrize(
    ("question", "answer", "think", "fault"),
    [
        (SLEEP, "They may sleep there [8].", NO, "contradicted_think"),
        (
            "Within what time is a request decided?",
            "The harbour warden decides upon a request within 6 weeks [8].",
            "It is decided within 6 weeks, as section 8 says.",
            "misattributed",
        ),
        (
            "On which date does the pier close?",
            "It closes on 4 October [8].",
            "Section 8 gives 4 November as the day on which it closes.",
            "contradicted_think",
        ),
        (
            "Which date stands in the rule on the pier?",
            "One has 6 weeks [8].",
            "Section 8 is on the pier, and gives a date. I cite it.",
            "irrelevant_answer",
        ),
        (
            "What does the rule on the beach fix?",
            "A tent costs 12 euros [9].",
            "Section 9 has it: Dogs may not run on the beach. I cite it.",
            "contradicted_think",
        ),
        (
            SLEEP,
            "No, crews may not sleep there [9].",
            "Section 8 forbids crews to sleep on the pier. That is plain.",
            "contradicted_think",
        ),
    ],
)
def test_an_answer_that_leaves_its_sentence_or_its_think_block_does_not_pass(
    question: str, answer: str, think: str, fault: str
) -> None:
    assert fault in faults(at_the_pier(question, answer, think))


def test_another_name_in_the_think_block_is_found_though_it_concludes_nothing() -> None:
    held = replace(PIER, text="The Dock Master decides in these matters.")
    row = replace(
        at_the_pier("Who decides on the pier?", "The Dock Master decides on this [8].", ""),
        passages=(held, BEACH),
        prompt=f"[8] {held.whole}\n[9] {BEACH.whole}",
        think="Section 8 is on the pier, and there it says that the Dock Warden decides.",
    )
    assert "contradicted_think" in faults(row)


def test_a_short_sentence_of_a_copied_line_is_compared_word_by_word() -> None:
    held = replace(PIER, text="It closes on 4 October. Examiner Reyes decides.")
    copied = "[8] The pier. It closes on 4 October. Examiner Reyes decides. So it is 4 October."
    row = replace(
        at_the_pier("On which date does the pier close?", "It closes on 4 October [8].", copied),
        passages=(held, BEACH),
        prompt=f"[8] {held.whole}\n[9] {BEACH.whole}",
    )
    assert faults(row) == set()
    assert "misquoted" in faults(replace(row, think=copied.replace("decides", "sleeps")))


def test_a_month_is_planted_where_a_month_stood() -> None:
    think = "It is told there that the pier closes on 4 October."
    row = at_the_pier("On which date does the pier close?", "It closes on 4 October [8].", think)
    spoilt = [planted(row, [row], "contradicted_think", seed=seed) for seed in range(20)]
    ends = {one.think.rsplit(" ", 1)[1].rstrip(".") for one in spoilt if one}
    assert ends - {"October"} <= {one.title() for one in MONTHS}


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
