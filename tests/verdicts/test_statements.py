"""What sentences state of their verbs, and what follows for answers nobody wrote rules for."""

import pytest

from tasks.verdicts.case import Case, Passage
from tasks.verdicts.claims.contradiction import turns_around
from tasks.verdicts.claims.statements import statements
from tasks.verdicts.gates import VerdictSpec, judge_case
from tests.support.builders import case

QUARRY = Passage(
    "K 3",
    "Blasting is announced by the shift leader, not by the drivers. A large charge may be fired "
    "at noon, but a small charge must be drilled by hand. Lamps are not lent. The crusher stops "
    "taking stone above 40 tonnes. Visitors who have not signed shall wait outside. A helmet from "
    "the gate office is worn. The pit was opened on 2 May 1931 and has been worked by night since "
    "9 June 1956.",
    "Blasting",
)
FERRY = Passage(
    "K 7",
    "The cook boils the water. Carts are carried for 3 francs. The deck hand coils the ropes "
    "before the second bell.",
    "Ferry",
)


def asked(question: str, answer: str, think: str) -> Case:
    lines = "\n".join(f"[{one.section}] {one.whole}" for one in (QUARRY, FERRY))
    prompt = f"Answer from the passages alone.\n\n{lines}\n\nQuestion: {question}"
    return case(
        passages=(QUARRY, FERRY), prompt=prompt, question=question, answer=answer, think=think
    )


def states(one: Case) -> dict[str, tuple[str, str]]:
    return {v.gate: (v.state, v.reason) for v in judge_case(one, VerdictSpec(), frozenset())}


def faults(one: Case) -> set[str]:
    return {reason for state, reason in states(one).values() if state == "failed"}


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("A guest who has not paid shall leave.", [("pay", True), ("leav", False)]),
        ("No raft may land here.", [("land", True)]),
        ("The mill stops taking grain.", [("tak", True)]),
        ("Smoking, however, is not allowed.", [("", True)]),
        ("It is forbidden for a raft to land.", [("", True)]),
        ("If the raft leaks, it must be towed.", [("tow", False)]),
        ("May a raft land?", []),
        ("A torn sail no longer counts.", [("sail", False)]),
        ("The bags are weighed or counted.", [("weigh", False), ("count", False)]),
    ],
)
def test_a_statement_is_a_verb_affirmed_or_denied(text: str, told: list[tuple[str, bool]]) -> None:
    assert [(one.verb, one.denied) for one in statements(text)] == told


@pytest.mark.parametrize(
    ("answer", "source", "turned"),
    [
        ("Rafts may land at the weir.", "No raft may land at the weir.", True),
        ("Rafts may be towed to the weir.", "No raft may land at the weir.", False),
        ("The rule keeps rafts under 5 metres.", "No raft may exceed 5 metres.", False),
        ("A raft may be lit at night.", "Rafts are forbidden.", True),
        ("The warden may enter the mill.", "Guests may not enter the mill.", False),
        ("Guests may move the bed. Removing it is banned.", "Guests may move it, not remove it.", False),
        ("It may be opened with a key.", "It may not be opened without a key.", False),
    ],
)  # fmt: skip
def test_only_statements_of_one_verb_and_subject_contradict_each_other(
    answer: str, source: str, turned: bool
) -> None:
    assert turns_around(answer, source) == turned


LAMPS = "Are lamps lent?"
LENT = "K 3 has a sentence on lamps: they are not lent to anybody. So no."
WHO = "Who announces the blasting?"
LEADER = "Announcing is a matter of K 3. The shift leader is the one who does it there."
WAIT = "What happens to visitors who have not signed?"
NIGHT = "K 3 has two dates, and the later one is that of the night: 9 June 1956."
LARGE = "A large charge is fired at noon, says K 3; a small one is drilled. So the large one."
LOAD = "K 3 names a load, and it is 40 tonnes for the crusher."
ROPES = "K 7 has it: ropes before the second bell."
CARTS = "Carts are carried for 3 francs, as K 7 says."
COILED = "The ropes are coiled before the bell by the deck hand [K 7]."
LOADS = "Above what load does the crusher take no stone?"
TAKEN = "K 3 speaks of lamps, and it settles the matter."
OUTSIDE = "Visitors without a signature are named in K 3, and they have to wait outside."


@pytest.mark.parametrize(
    ("question", "answer", "think"),
    [
        (LAMPS, "They are not lent, as is stated in [K 3].", LENT),
        (LAMPS, "[K 3] does not permit it: lamps stay where they are.", LENT),
        (WHO, "That is done by the shift leader under [K 3].", LEADER),
        (WHO, "[K 3] leaves it to the shift leader.", LEADER),
        (WAIT, "Outside is where they must stay according to [K 3].", OUTSIDE),
        (WAIT, 'The book says in [K 3]: "Visitors who have not signed shall wait outside".', OUTSIDE),
        (LOADS, "The two figures are one: 40 tonnes [K 3].", LOAD),
        (LOADS, "40 tonnes are laid down by [K 3].", LOAD),
        ("Since when has the pit been worked by night?", "It has been since 9 June 1956 [K 3].", NIGHT),
        ("What may be fired at noon?", "There are two kinds, and at noon it is a large charge [K 3].", LARGE),
        ("Above what load does the crusher take no stone?", "40 tonnes instead of any other figure, says [K 3].", LOAD),
    ],
)  # fmt: skip
def test_a_true_answer_in_words_of_its_own_passes(question: str, answer: str, think: str) -> None:
    assert faults(asked(question, answer, think)) == set()


@pytest.mark.parametrize(
    ("question", "answer", "think", "fault"),
    [
        (LAMPS, "Yes, [K 3] lets anybody borrow one.", LENT, "contradicted_think"),
        (LAMPS, "Yes, lamps are lent [K 3].", LENT, "contradicted_passage"),
        (LAMPS, "Yes, that is so [K 3].", TAKEN, "contradicted_passage"),
        (WHO, "The drivers announce it [K 3].", LEADER, "misattributed"),
        (WHO, "Blasting is announced by the cook [K 3].", LEADER, "misattributed"),
        (WAIT, "Visitors who have not signed shall not wait outside [K 3].", OUTSIDE, "contradicted_passage"),
        ("Which charge is fired at noon?", "A small charge may be fired at noon [K 3].", LARGE, "misattributed"),
        ("When was the pit opened?", "It was opened on 2 May 1956 [K 3].", "K 3 has the date of the opening.", "misattributed"),
        ("When was the pit opened?", "The pit was opened on 9 June 1956 [K 3].", "K 3 has the date of the opening.", "misattributed"),
        ("What helmet is worn?", "A helmet from the ferry cook is worn [K 3].", "A helmet from the gate office, as K 3 has it.", "misattributed"),
        ("Before which bell are ropes coiled?", "They are coiled before the first bell [K 7].", ROPES, "misattributed"),
        (WAIT, "Because they could otherwise [K 3].", OUTSIDE, "incomplete_answer"),
        ("How many francs does a cart cost?", COILED, CARTS, "contradicted_think"),
        (LAMPS, "No lamp is lent under [K 7].", "Lamps are in K 3, which says that they are not lent.", "misattributed"),
    ],
)  # fmt: skip
def test_a_false_answer_in_words_of_its_own_fails(
    question: str, answer: str, think: str, fault: str
) -> None:
    assert fault in faults(asked(question, answer, think))


def test_words_of_its_own_are_not_checked_and_those_of_another_section_fail() -> None:
    own = asked(WAIT, "Folk lacking autographs linger outdoors until later [K 3].", OUTSIDE)
    other = asked(WAIT, "Carts carried, ropes coiled, water boiled outside [K 3].", OUTSIDE)
    assert states(own)["grounding"][0] != "passed"
    assert states(other)["grounding"] == ("failed", "ungrounded_answer")


def test_a_report_may_choose_words_of_its_own_and_take_none_from_elsewhere() -> None:
    report = "K 3 says that visitors who have not signed shall stay outside. That is all."
    assert "misquoted" not in faults(asked(WAIT, "They wait outside [K 3].", report))
    taken = report.replace("stay outside", "wait ropes")
    assert "misquoted" in faults(asked(WAIT, "They wait outside [K 3].", taken))
