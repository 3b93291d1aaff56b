"""Sentences that break off: what their passage goes on with is missing."""

import re

from tasks.verdicts.case import Case
from tasks.verdicts.claims.asked import kind_of
from tasks.verdicts.claims.polarity import FILLERS
from tasks.verdicts.claims.sources import Source
from tasks.verdicts.claims.support import content
from tasks.verdicts.claims.tokens import normed, stem, tokens

_RELATIVE = re.compile(r"\b(?:who|which|that|whoever)\b", re.IGNORECASE)
_DETERMINERS = frozenset("a an the his her its their no every each".split())
_ADJUNCTS = frozenset("and or but if when unless because since so only".split())


def lacks_its_verb(answer: str, case: Case) -> bool:
    """Return whether the answer is a subject with its relative clause, which a passage goes on
    from.
    """
    spelt = normed(answer)
    if not spelt or not _RELATIVE.search(answer):
        return False
    return any(
        one[: len(spelt)] == spelt and _is_a_verb(one[len(spelt) : len(spelt) + 1])
        for sentences in _sentences(case)
        for one in sentences
    )


_FORBIDS = re.compile(
    r"\b(?:forbidden|prohibited|not allowed|not permitted|banned|unlawful|illegal)\s+(?:for|to)\s+"
    r"(?:(?:the|an?|any|all|every|each)\s+)?(?P<whom>[^.,;:]+?)\W*$",
    re.IGNORECASE,
)


def lacks_its_act(answer: str, case: Case) -> bool:
    """Return whether the answer says for whom something is forbidden, and not what.

    A question with yes or no names the act itself, and so does the subject of the sentence.
    """
    found = _FORBIDS.search(answer)
    if not found or kind_of(case.question) == "yes_no":
        return False
    before = content(answer[: found.start()])
    return not before and not re.search(r"\b(?:to|from)\s+\w", found["whom"])


_OPENS = re.compile(
    r"\b(?:that|because|since)\b\s*|:\s+|\bas a (?:result|consequence),?\s+", re.IGNORECASE
)
_AUXILIARIES = frozenset(
    "is are was were may must can could will would shall should has have had does do".split()
)


def lacks_its_predicate(answer: str, case: Case) -> bool:
    """Return whether the last clause of the answer begins as one of a passage, and stops before its
    verb or object.

    "The reason is that drivers": the passage goes on with "could mistake them for signals".
    """
    opened = [one.end() for one in _OPENS.finditer(answer)]
    tail = normed(answer[opened[-1] :]) if opened else ()
    if not tail:
        return bool(opened)
    whole = any(one.pauses_after(tail) for one in _sources(case))
    found = (one for sentences in _sentences(case) for one in sentences)
    return not whole and any(_goes_on(tail, one) for one in found)


def _goes_on(tail: tuple[str, ...], sentence: tuple[str, ...]) -> bool:
    """Return whether a clause of the sentence begins with these words and has a verb or an object
    next.
    """
    starts = [0, *(at + 1 for at, word in enumerate(sentence) if word in ("because", "since"))]
    for start in starts:
        ahead = sentence[start + len(tail) : start + len(tail) + 1]
        if sentence[start : start + len(tail)] == tail and ahead:
            return _is_a_verb(ahead) or ahead[0] in _AUXILIARIES | _DETERMINERS
    return False


def lacks_its_object(answer: str, case: Case) -> bool:
    """Return whether the answer adds one verb to its question, and no passage has it without an
    object.

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
    return [one.sentences for one in _sources(case)]


def _sources(case: Case) -> list[Source]:
    return [Source.of(one.section, one.heading, one.text) for one in case.passages]
