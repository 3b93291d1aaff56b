"""Whether a free answer holds a known right answer, or says that nothing is told."""

import re

from tasks.ngrams import words

_DENIALS = frozenset("not never nor cannot isn wasn aren weren doesn don didn hasn won".split())
_REACH = 4
"""Words before a phrase among which a denial denies it."""
_CLAUSE = re.compile(r"[.,;:!?()\n]|\bbut\b", re.IGNORECASE)
_TELL = (
    r"(?:say|tell|mention|state|name|list|give|refer|include|provide|specify|cover|address"
    r"|describe|contain|know|appear|exist|speak|show|define)"
)
_TOLD = (
    r"(?:said|told|mentioned|stated|named|listed|given|referred|included|provided|specified"
    r"|covered|addressed|described|contained|known|shown|found|defined|answered)"
)
_UNTOLD = re.compile(
    rf"\b(?:do|does|did)(?: not|n['’]t) (?:\w+ ){{0,2}}?{_TELL}\b"
    rf"|\b(?:is|are|was|were|be)(?: not|n['’]t) (?:\w+ ){{0,2}}?{_TOLD}\b"
    rf"|\b(?:cannot|can not|can['’]t|could not|couldn['’]t) be (?:\w+ )?{_TOLD}\b"
    rf"|\bnot {_TOLD}\b"
    r"|\bno (?:\w+ ){0,2}?(?:mention|information|passage|section|record|details?|reference"
    r"|statement|rule|entry|such)\b"
    r"|\b(?:none of|nothing in|nowhere in|neither of) the\b"
    rf"|\bnothing is {_TOLD}\b|\bsilent (?:on|about)\b",
    re.IGNORECASE,
)


def holds_phrase(answer: str, phrase: str) -> bool:
    """Return whether the words of a phrase stand in a row in an answer, and are never denied.

    >>> holds_phrase("A renewal costs 40 credits, not 50.", "40 credits")
    True
    >>> holds_phrase("A renewal does not cost 40 credits.", "40 credits")
    False
    """
    own = words(phrase)
    if not own:
        return False
    sought = r"(?<!\w)(?<!\d[.,])" + r"[\W_]+".join(map(re.escape, own)) + r"(?!\w|[.,]\d)"
    found = list(re.finditer(sought, answer, re.IGNORECASE))
    return bool(found) and not any(_is_denied(answer[: one.start()]) for one in found)


def _is_denied(before: str) -> bool:
    """Return whether the end of a text denies what follows it."""
    clause = _CLAUSE.split(before)[-1]
    return not _DENIALS.isdisjoint(words(clause)[-_REACH:])


def says_untold(answer: str) -> bool:
    """Return whether an answer says that its sources do not tell.

    >>> says_untold("The passages do not mention Examiner Ada Vale.")
    True
    >>> says_untold("Examiner Ada Vale takes 30 days.")
    False
    """
    return bool(_UNTOLD.search(" ".join(answer.split())))
