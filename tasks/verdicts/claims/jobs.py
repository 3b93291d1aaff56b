"""Whose job it is: an answer to "who" names the party of the clause that the question is about."""

import re

from tasks.verdicts.case import Case
from tasks.verdicts.claims.answers import Claim
from tasks.verdicts.claims.asked import kinds_of, main_clause, topic
from tasks.verdicts.claims.framing import FRAMING
from tasks.verdicts.claims.support import content, told
from tasks.verdicts.claims.tokens import stem

_PART = re.compile(
    r"[;:]\s+|,?\s+(?:and|but|while|whereas)\s+(?=(?:the|an?|only|every|each)\s)"
    r"|,\s+(?=(?:the|an?|only)\s)",
    re.IGNORECASE,
)
"""Where a clause with a party of its own may begin."""
_PRONOUN = re.compile(r"\b(?:it|them|they|this|these|he|she)\b", re.IGNORECASE)
_PARTY = re.compile(r"\b(?:the|an?)\s+(\w+)(?:\s+(\w+))?", re.IGNORECASE)
LEAST_WORDS = 3
"""Words of content in a clause; fewer are an item of a list."""


def gives_the_job_to_another(claim: Claim, case: Case) -> bool:
    """Return whether the first party of an answer to "who" has its place in another clause.

    The clause of the cited sections that shares most with the question does not hold the party, and
    every clause of the shown sections that does shares less. Words of the cited headings are shared
    by all clauses of their sections, and tell none apart.
    """
    headings = frozenset().union(*(content(one.heading) for one in claim.cited))
    asked = topic(main_clause(case.question)) - headings - FRAMING
    party = next(iter(_parties(claim.text, case.question)), "")
    if "person" not in kinds_of(case.question) or not party or not claim.cited:
        return False
    told_of = [part for sentence in told(claim.cited) for part in parts(sentence)]
    own = list(map(content, told_of))
    shown = [content(part) for sentence in told(case.passages) for part in parts(sentence)]
    best = max((len(asked & one) for one in own), default=0)
    fitting = [content(one) for one in told_of if len(asked & content(one)) == best]
    if not any(_parties(one, case.question) for one in told_of if content(one) in fitting):
        return False
    homes = [one for one in shown if party in one]
    if best == 0 or not homes or any(party in one for one in fitting):
        return False
    return max(len(asked & one) for one in homes) < best


def parts(sentence: str) -> list[str]:
    """Return the parts of a sentence that have a party of their own.

    >>> parts("The chemist measures the salt, and the curator signs the log.")
    ['The chemist measures the salt', 'the curator signs the log.']
    >>> parts("The chair, the cashier and the clerk sign.")
    ['The chair, the cashier and the clerk sign.']
    """
    found, low = list[str](), 0
    for cut in _PART.finditer(sentence):
        behind = sentence[cut.end() :]
        if _PRONOUN.search(behind):
            continue
        if min(len(content(sentence[low : cut.start()])), len(content(behind))) >= LEAST_WORDS:
            found.append(sentence[low : cut.start()])
            low = cut.end()
    return [*found, sentence[low:]]


def _parties(answer: str, question: str) -> list[str]:
    """Return the stems of the first words behind articles that the question does not hold."""
    known = content(question) | FRAMING
    behind = [stem(found[1].casefold()) for found in _PARTY.finditer(answer) if content(found[1])]
    return [one for one in behind if one not in known]
