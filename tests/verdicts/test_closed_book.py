"""A row that hides its passages may not speak of them."""

import pytest

from tasks.verdicts.case import Case, Passage
from tasks.verdicts.citations import CitationSpec, citations
from tasks.verdicts.closed_book import closed_book
from tests.support.builders import case

PASSAGES = (
    Passage("Section 214", "A renewal costs 40 credits and is due in March.", "Renewals"),
    Passage("Annex B", "Appeals cost 90 credits.", "Appeals"),
)


def row(think: str, answer: str = "A renewal costs 40 credits.", **changes: object) -> Case:
    usual = {"passages": PASSAGES, "closed_book": True, "question": "What does a renewal cost?"}
    return case(think=think, answer=answer, **usual | changes)


BAD = (
    "The passage says that a renewal costs 40 credits.",
    "According to this text the price is 40 credits.",
    "Section 214 sets the price at 40 credits.",
    "I look at [Annex B] first, then at renewals: 40 credits.",
    "The second paragraph gives 40 credits.",
    "The provided excerpt is about renewals, so it is 40 credits.",
    "Given the context, the price is 40 credits.",
    "As the documents above state, it is 40 credits.",
    "This article fixes the price of a renewal.",
    "From the given source I take 40 credits.",
    "The handbook says 40 credits.",
)
GOOD = (
    "A renewal is an ordinary request. Its price is 40 credits, due in March.",
    "I remember that renewals are due in March and cost 40 credits.",
    "The office charges 40 credits for a renewal, less than for an appeal.",
    "In this context-free sum, 40 is the price.",
    "Passage of time does not change the price: 40 credits.",
    "Lines are long in March, but the price stays at 40 credits.",
)


@pytest.mark.parametrize("think", BAD)
def test_a_closed_book_trace_that_speaks_of_its_passage_fails(think: str) -> None:
    verdict = closed_book(row(think))
    assert verdict.reason == "speaks_of_hidden_passage" and verdict.failed
    assert closed_book(row(think, closed_book=False)).state == "not_checked"


@pytest.mark.parametrize("think", GOOD)
def test_a_closed_book_trace_that_answers_from_memory_passes(think: str) -> None:
    assert closed_book(row(think)).state == "passed"


def test_what_the_question_carries_may_be_named() -> None:
    asked = "What price does Section 214 of the handbook set for a renewal?"
    think = "Section 214 of the handbook is about renewals, and its price is 40 credits."
    assert closed_book(row(think, question=asked)).state == "passed"
    ended = "Renewals: Section 214. So it is Section 214. [Section 214] The price is 40 credits."
    assert closed_book(row(ended, question=asked)).state == "passed"
    assert closed_book(row("[Annex B] says otherwise.", question=asked)).failed


def test_a_closed_book_answer_needs_no_citation() -> None:
    spec = CitationSpec()
    assert citations(row("It costs 40 credits."), spec).state == "passed"
    assert citations(row("It costs 40 credits.", closed_book=False), spec).failed
