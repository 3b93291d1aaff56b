"""Yes or no: what an answer, a think block and a section say to a question that asks for it."""

import re
from collections.abc import Iterable

from tasks.verdicts.case import Case, Passage
from tasks.verdicts.claims.asked import kind_of, main_clause
from tasks.verdicts.claims.families import akin, kin
from tasks.verdicts.claims.framing import FRAMING
from tasks.verdicts.claims.polarity import forbids
from tasks.verdicts.claims.sentences import sentences
from tasks.verdicts.claims.statements import Statement, statements
from tasks.verdicts.claims.support import content
from tasks.verdicts.claims.tokens import is_negation, normed, stem

_LEADING = re.compile(r"^\W*(yes|no)\b(?=\s*(?:[,.;:!?—–-]|$))", re.IGNORECASE)
_CONCLUDED = re.compile(
    r"(?:^|\b(?:so|hence|thus|therefore|then|is|answer|conclusion|:))\W*(yes"
    r"|no)\b(?=\s*(?:[,.;:—–-]|$))",
    re.IGNORECASE,
)
"""A sentence that says no more than yes or no, or concludes with it."""
_OPEN = re.compile(
    r"\b(?:only|unless|except|if|until|before|without|when|provided|but|however|although)\b",
    re.IGNORECASE,
)
"""Words of a sentence that answers with yes and no at once."""
_ELLIPTIC = re.compile(
    r"^\W*(?:(?:so|hence|thus|therefore|then)\b,?\s*)?(?!what|how|which|who|as\b)(?:\w+\s){1,3}"
    r"(?:may|must|can|could|should|does|do|is|are)(\s?not|n.t)?\W*$",
    re.IGNORECASE,
)
"""A sentence that leaves its verb to the question: "So he may not."."""
_DRAWN = re.compile(r"^\W*(?:so|hence|thus|therefore)\b", re.IGNORECASE)
COVERED = 0.75
"""Share of the question's words in a statement that answers it."""


def contradicts_the_thought(think: str, answer: str, case: Case) -> bool:
    """Return whether think block and answer say yes and no to the same question."""
    if not _asks(case.question):
        return False
    given, thought = _answered(answer, case), _thought(think, case)
    return given is not None and thought is not None and given != thought


def contradicts_the_section(answer: str, cited: Iterable[Passage], case: Case) -> bool:
    """Return whether the answer says yes where the cited sections say no, or the other way
    round.
    """
    if not _asks(case.question) or _OPEN.search(answer):
        return False
    given = _answered(answer, case)
    told = {
        one.denied
        for passage in cited
        for sentence in sentences(passage.text)
        if not _OPEN.search(sentence.text)
        for one in statements(sentence.text)
        if _covers(one, case)
    }
    return given is not None and len(told) == 1 and given == told.pop()


def _asks(question: str) -> bool:
    """Return whether the question asks for yes or no, and asks it straight: "is it forbidden" is
    left to people.
    """
    asked = main_clause(question)
    turned = any(is_negation(one) or forbids(one) for one in normed(asked))
    return kind_of(question) == "yes_no" and not turned


def _answered(answer: str, case: Case) -> bool | None:
    """Return whether the answer says yes; None where it is not sure."""
    if found := _LEADING.match(answer):
        return found[1].lower() == "yes"
    first = sentences(answer)[:1]
    if not first or _OPEN.search(first[0].text):
        return None
    told = {one.denied for one in statements(first[0].text) if _speaks_of_it(one, case)}
    return not told.pop() if len(told) == 1 else None


def _thought(think: str, case: Case) -> bool | None:
    """Return whether the think block says yes in the last sentence that says so at all."""
    for one in reversed(sentences(think)):
        if found := _CONCLUDED.search(one.text):
            return found[1].lower() == "yes"
        if one.text.endswith("?") or _OPEN.search(one.text):
            continue
        if found := _ELLIPTIC.search(one.text):
            return not found[1]
        drawn = bool(_DRAWN.match(one.text))
        told = {
            each.denied
            for each in statements(one.text)
            if _speaks_of_it(each, case) or (drawn and _shares_most(each, case))
        }
        if told:
            return not told.pop() if len(told) == 1 else None
    return None


def _speaks_of_it(one: Statement, case: Case) -> bool:
    """Return whether a statement permits, forbids or tells what the question asks.

    It has the question's verb, or it permits or forbids nothing but the question's own words.
    """
    asked = content(main_clause(case.question))
    if one.verb:
        shares = not one.subject or bool(akin(one.content - {one.verb}, asked))
        return one.sure and shares and any(kin(one.verb, word) for word in asked)
    own = one.content | one.subject
    return len(akin(own, asked)) == len(own)


def _shares_most(one: Statement, case: Case) -> bool:
    """Return whether half of the question's words, and two at least, stand in a statement."""
    asked = content(main_clause(case.question)) - FRAMING
    shared = len(akin(asked, one.content | one.subject))
    return one.sure and shared > 1 and 2 * shared >= len(asked)


def _covers(one: Statement, case: Case) -> bool:
    asked = content(main_clause(case.question)) - FRAMING - _labels(case)
    said = one.content | one.subject
    if not (one.sure or one.denied):
        return False
    has_verb = not one.verb or any(kin(one.verb, word) for word in asked)
    return has_verb and len(asked) > 1 and len(akin(asked, said)) >= COVERED * len(asked)


def _labels(case: Case) -> frozenset[str]:
    return frozenset(stem(one) for each in case.passages for one in normed(each.section))
