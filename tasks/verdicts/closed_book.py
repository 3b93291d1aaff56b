"""Closed book: a row that hides its passages may not speak of them."""

import re
from functools import lru_cache

from tasks.ngrams import words
from tasks.verdicts.case import Case, Verdict, not_checked, shown, verdict

NOUNS = (
    "passage passages text excerpt excerpts extract document documents paragraph paragraphs "
    "context snippet snippets source article section sections handbook manual guide line lines "
    "page chapter clause table"
).split()
"""What a passage can be called. A noun counts only where it points at something that is shown."""
_POINTS = r"(?:the|this|that|these|those|each|both|first|second|given|provided|same|other|my|our)"
_ANY = "|".join(NOUNS)
_POINTING = re.compile(
    rf"\b{_POINTS}\s+(?:\w+\s+)?(?P<noun>{_ANY})(?![\w-])"
    rf"|\b(?P<placed>{_ANY})\s+(?:above|below|provided|given|shown)\b",
    re.IGNORECASE,
)
_LABEL = re.compile(r"\[\s*([^\[\]\n]{1,40}?)\s*\]")
_NUMBERED = re.compile(
    r"\b(?:section|sec\.|article|clause|chapter|paragraph|line|page|table|§)\s*"
    r"\[?(\d(?:[\w.]*\w)?)",
    re.I,
)


def closed_book(case: Case) -> Verdict:
    """Judge whether a closed-book trace speaks of passages that its row hides; the score is the
    number of such places.

    Reason: speaks_of_hidden_passage. A label, a number of a section or a word for a document is
    allowed if the question has it too.
    """
    if not case.closed_book:
        return not_checked("closed_book", "shows_its_passages")
    found = [*_labels(case), *_pointed_at(case)]
    if not found:
        return verdict("closed_book", None, 0)
    seen = f"the row hides its passages, but the trace says {shown(found[0])}"
    return verdict("closed_book", "speaks_of_hidden_passage", len(found), seen)


def _labels(case: Case) -> list[str]:
    """Return the labels of shown passages, and numbered sections, that the question lacks."""
    own = {" ".join(words(one.section)) for one in case.passages}
    asked = f" {' '.join(words(case.question))} "
    text = f"{case.think}\n{case.answer}"
    bracketed = [
        found[0]
        for found in _LABEL.finditer(text)
        if (label := " ".join(words(found[1]))) in own and f" {label} " not in asked
    ]
    numbered = [
        found[0]
        for found in _NUMBERED.finditer(text)
        if f" {' '.join(words(found[1]))} " not in asked
    ]
    return bracketed + numbered


def _pointed_at(case: Case) -> list[str]:
    """Return the places that point at a passage by a word that the question does not have."""
    asked = _stems(case.question)
    return [
        found[0]
        for found in _POINTING.finditer(f"{case.think}\n{case.answer}")
        if _stem(found["noun"] or found["placed"]) not in asked
    ]


@lru_cache(4096)
def _stems(text: str) -> frozenset[str]:
    return frozenset(map(_stem, words(text)))


def _stem(word: str) -> str:
    return word.lower().removesuffix("s")
