"""Sentences that break off: what their passage goes on with is missing."""

import re

from tasks.verdicts.case import Case
from tasks.verdicts.claims.asked import kind_of
from tasks.verdicts.claims.polarity import FILLERS
from tasks.verdicts.claims.sources import Source
from tasks.verdicts.claims.support import content
from tasks.verdicts.claims.tokens import norms, stem, tokens

_RELATIVE = re.compile(r"\b(?:who|which|that|whoever)\b", re.IGNORECASE)
_DETERMINERS = frozenset("a an the his her its their no every each".split())
_ADJUNCTS = frozenset("and or but if when unless because since so only".split())


def lacks_its_verb(answer: str, case: Case) -> bool:
    """Return whether the answer is a subject with its relative clause, which a passage goes on from."""
    spelt = norms(tokens(answer))
    if not spelt or not _RELATIVE.search(answer):
        return False
    return any(
        one[: len(spelt)] == spelt and _is_a_verb(one[len(spelt) : len(spelt) + 1])
        for sentences in _sentences(case)
        for one in sentences
    )


def lacks_its_object(answer: str, case: Case) -> bool:
    """Return whether the answer adds one verb to its question, and no passage has it without an object.

    "Who pays the fee?" may be answered without an object, and so may what is asked with yes or no.
    """
    found = tokens(answer)
    if not found or kind_of(case.question) in ("person", "yes_no"):
        return False
    last = stem(found[-1].norm)
    if content(answer) - content(case.question) != {last}:
        return False
    behind = [
        one[place + 1 : place + 2]
        for sentences in _sentences(case)
        for one in sentences
        for place, word in enumerate(one)
        if stem(word) == last
    ]
    return bool(behind) and all(
        one and (one[0] in _DETERMINERS or one[0][:1].isdigit()) for one in behind
    )


def _is_a_verb(ahead: tuple[str, ...]) -> bool:
    """Return whether a sentence goes on with more than an adjunct."""
    return bool(ahead) and ahead[0] not in FILLERS | _ADJUNCTS and not ahead[0][:1].isdigit()


def _sentences(case: Case) -> list[list[tuple[str, ...]]]:
    return [Source.of(one.section, one.heading, one.text).sentences for one in case.passages]
