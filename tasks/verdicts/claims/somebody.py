"""Whether an answer to "who" names somebody."""

import re
from collections.abc import Sequence

from tasks.verdicts.case import Case
from tasks.verdicts.claims.answers import sections_named
from tasks.verdicts.claims.asked import main_clause
from tasks.verdicts.claims.framing import matter
from tasks.verdicts.claims.parties import parties
from tasks.verdicts.claims.support import content
from tasks.verdicts.claims.tokens import normed, tokens
from tasks.verdicts.claims.values import MONTHS, WEEKDAYS, Value, name_words

_ROLE = re.compile(
    r"\b(?:the|an?|its|their|his|her) (?:\w+ ){0,2}(?:examiner|officer|clerk|office|board|court"
    r"|judge"
    r"|applicant|owner|tenant|landlord|manager|director|operator|owners?|committee|council"
    r"|holder)\b",
    re.IGNORECASE,
)
_AGENT_WANTED = re.compile(
    r"^(?:by whom\b|who (?!is\b|are\b|was\b|were\b|may be\b|must be\b|can be\b|has\b|have\b))",
    re.IGNORECASE,
)
_PASSIVE = re.compile(
    r"\b(\w+)\s+(?:is|are|was|were|be|been)\s+(?:\w+ly\s)?\w+(?:ed|en|pt|ld|nt|de|ne|wn)\b(.*)$",
    re.I,
)
_PRONOUNS = frozenset("it they this these that those".split())


def tells_somebody(answer: str, found: Sequence[Value], case: Case) -> bool:
    """Return whether the answer names somebody, in capitals or with a word of its own."""
    if _lacks_its_agent(answer, case):
        return False
    if not found and not matter(answer) - content(case.question):
        return False
    names = _names_of(case) if found else frozenset()
    if _names_someone(answer, found) or not names.isdisjoint(normed(answer)):
        return True
    if _names_a_party(answer, case):
        return True
    bare = not any(one.units for one in found)
    return not names and (bare or _adds_a_word(answer, case, found))


def _names_a_party(answer: str, case: Case) -> bool:
    """Return whether the answer has a party of the cited sections, one that is not asked about."""
    shown = {one for passage in sections_named(case) for one in parties(passage.text)}
    asked = content(case.question)
    return any(not {*one} & asked for one in shown & parties(answer))


def _names_someone(answer: str, found: Sequence[Value]) -> bool:
    if any(one.kind == "name" for one in found) or _ROLE.search(answer):
        return True
    first = tokens(answer)[:2]
    return len(first) == 2 and all(one.is_capitalised for one in first)


def _names_of(case: Case) -> frozenset[str]:
    """Return the words that the cited sections write as names."""
    found = (name for one in sections_named(case) for name in name_words(one.text))
    return frozenset(found) - MONTHS - WEEKDAYS


def _lacks_its_agent(answer: str, case: Case) -> bool:
    """Return whether an answer to "who tests it?" tells that it is tested, and not by whom."""
    found = _PASSIVE.search(answer)
    if not found or not _AGENT_WANTED.search(main_clause(case.question)):
        return False
    before = found[1].casefold()
    about = before in _PRONOUNS or content(answer[: found.end(1)]) <= content(case.question)
    return about and not re.search(r"\b(?:by|to|with|from|for) \w", found[2], re.IGNORECASE)


def _adds_a_word(answer: str, case: Case, found: Sequence[Value]) -> bool:
    """Return whether the answer has a word that is neither in the question nor counted."""
    units = {unit for one in found for unit in one.units} | {one.text for one in found}
    return bool(content(answer) - content(case.question) - units)
