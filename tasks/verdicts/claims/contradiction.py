"""Statements of a section, or what a question takes for granted, turned around by an answer."""

import re
from collections.abc import Sequence

from tasks.verdicts.case import Case, Passage
from tasks.verdicts.claims.answers import Claim
from tasks.verdicts.claims.asked import kind_of, main_clause, topic
from tasks.verdicts.claims.polarity import (
    DENYING,
    EXCEPT,
    ONLY,
    REASON,
    Clause,
    clauses,
    likeness,
    whole_clause,
)
from tasks.verdicts.claims.sentences import sentences
from tasks.verdicts.claims.support import content
from tasks.verdicts.claims.tokens import stem, tokens

SAME_STATEMENT = 0.75
"""Likeness of two clauses from which one says the same as the other, or its opposite."""


def contradicts(case: Case, stretches: Sequence[Claim]) -> str | None:
    """Return the fault of an answer with a clause that turns one of its section, or its question,
    around.
    """
    taken = _presupposed(case.question)
    for claim in stretches:
        known = [
            clause
            for passage in claim.cited
            for sentence in sentences(passage.text)
            if not (EXCEPT.search(sentence.text) and ONLY.search(claim.text))
            if not (ONLY.search(sentence.text) and EXCEPT.search(claim.text))
            for clause in (*clauses(sentence.text), *_joined(sentence.text))
        ]
        for sentence in sentences(claim.text):
            said = clauses(REASON.sub("", sentence.text))
            if _swaps_company(sentence.text, claim.cited):
                return "contradicted_passage"
            heads = frozenset().union(
                *(content(one.heading) for one in claim.cited), content(case.question)
            )
            if any(turned(one, known, heads) or _denies(one, taken) for one in said):
                return "contradicted_passage"
    return None


def _joined(sentence: str) -> tuple[Clause, ...]:
    """Return a sentence of two parts that share their subject as one clause."""
    return (whole_clause(sentence),) if _GOES_ON.search(sentence) else ()


_GOES_ON = re.compile(r",\s+(?:not|never)\b", re.IGNORECASE)
_COMPANY = re.compile(r"\b(with|without)\s+(?:(?:an?|the|any|full)\s+)*(\w+)", re.IGNORECASE)


def _swaps_company(said: str, cited: Sequence[Passage]) -> bool:
    """Return whether the sentence says "with" where the section says "without", or the other way
    round.
    """
    if clauses(said) and any(one.negated for one in clauses(said)):
        return False
    ours = {stem(noun.lower()): word.lower() for word, noun in _COMPANY.findall(said)}
    for passage in cited:
        for sentence in sentences(passage.text):
            if len(content(said) & content(sentence.text)) < 2 or any(
                one.negated for one in clauses(sentence.text)
            ):
                continue
            for word, noun in _COMPANY.findall(sentence.text):
                if ours.get(stem(noun.lower()), word.lower()) != word.lower():
                    return True
    return False


def turned(clause: Clause, known: Sequence[Clause], heads: frozenset[str] = frozenset()) -> bool:
    """Return whether the known clause that is most like this one says the opposite, and none says
    the same.
    """
    if len(clause.content) < 2 or any(_says_the_same(clause, one) for one in known):
        return False
    alike = [
        (
            max(
                likeness(clause, one),
                likeness(Clause(clause.content - (heads - one.content), clause.negated), one),
            )
            if len(clause.content & one.content) > 1
            else 0.0,
            one.negated == clause.negated,
        )
        for one in known
    ]
    closest = max((degree for degree, _ in alike), default=0.0)
    agrees = any(same for degree, same in alike if degree >= max(closest, SAME_STATEMENT))
    return closest >= SAME_STATEMENT and not agrees


def _says_the_same(clause: Clause, known: Clause) -> bool:
    """Return whether the clause holds all of a known one, or denies it in another word."""
    if clause.negated == known.negated:
        return len(known.content) > 1 and known.content <= clause.content
    denying = (clause.content ^ known.content) & DENYING
    return bool(denying) and len(clause.content & known.content) > 1


def _presupposed(question: str) -> Clause | None:
    """Return what a question takes for granted: "why are faxes refused?" says that they are."""
    if kind_of(question) in ("yes_no", "any"):
        return None
    negated = any(one.is_negation for one in tokens(main_clause(question)))
    return Clause(topic(main_clause(question)), negated)


def _denies(clause: Clause, taken: Clause | None) -> bool:
    return taken is not None and clause.content <= taken.content and clause.negated != taken.negated
