"""What kind of answer a question asks for, as far as its English words tell."""

import re
from functools import lru_cache
from typing import Literal

from tasks.verdicts.claims.polarity import FILLERS
from tasks.verdicts.claims.tokens import normed, stem

Kind = Literal[
    "amount", "period", "number", "person", "section", "yes_no", "reason", "prohibition", "any"
]

_ROLES = (
    "examiner|judge|officer|clerk|person|office|body|authority|department|author|inventor|party"
)
_PLACES = "section|rule|article|paragraph|clause|chapter|provision"
_LEAD = re.compile(
    r"^(?:(?:for|within|in|after|before|until|till|by|up|at|from|to|above|below|on|of|with"
    r"|since|over|during|about|around) )+(?=(?:how|what|which|whom?|when)\b)",
    re.IGNORECASE,
)
"""Prepositions before a question word: "for how long", "up to when"."""
_DEGREES = "high|large|big|heavy|old|far|fast|warm|hot|cold|deep|wide|tall|thick|strong|loud"
_MEASURED = (
    "temperature|pressure|age|size|length|width|height|depth|weight|distance|speed|sum|amount"
    "|humidity|interval|load|maximum|minimum|limit|percentage|rate"
)
_FORMS: tuple[tuple[Kind, str], ...] = (
    ("period", r"^how (?:long|soon|often|quickly|frequently|much time)\b|^when\b|^what time\b"),
    ("period", r"^what (?:is|was) the (?:\w+ ){0,2}(?:deadline|period|time limit|duration)\b"),
    ("period", r"^(?:what|which) (?:date|day|time limit|deadline)s?\b"),
    (
        "prohibition",
        r"^what (?:is|are|was|were) (?:\w+ )?(?:forbidden|prohibited|banned|not (?:allowed"
        r"|permitted))\b",
    ),
    ("prohibition", r"^what (?:may|must) (?:\w+ ){0,4}not\b"),
    ("amount", r"^how (?:much|expensive)\b|^what (?:does|do|did) .*\bcosts?\b"),
    ("amount", r"^what (?:is|are|was|were) the (?:\w+ ){0,2}(?:fees?|costs?|price|charge)\b"),
    ("number", rf"^how (?:{_DEGREES})\b"),
    ("number", rf"^(?:what|which) (?:\w+ )?(?:(?:the|an?) )?(?:\w+ ){{0,2}}(?:{_MEASURED})\b"),
    ("number", r"^how many\b|^what (?:percentage|number|share)\b"),
    ("person", rf"^who(?:m|se)?\b|^(?:which|what) (?:\w+ )?(?:{_ROLES})s?\b"),
    ("section", rf"^(?:under |in )?(?:which|what) (?:{_PLACES})s?\b"),
    (
        "section",
        r"^where (?:is|are|can|do|does)\b.*\b(?:rules?|found|find|stated|set out|read|dealt with"
        r"|governed|regulated"
        r"|covered|laid down|written|treated|addressed|mentioned)\b",
    ),
    ("reason", r"^why\b|^for what reason\b|^what is the reason\b"),
    ("yes_no", r"^(?:is|are|was|were|do|does|did|can|could|may|must|should|shall)\b"),
    ("yes_no", r"^(?:will|would|has|have|had)\b"),
)
_COMPILED = tuple((kind, re.compile(form, re.IGNORECASE)) for kind, form in _FORMS)
_ALTERNATIVE = re.compile(r"\bor\b", re.IGNORECASE)
_ASKING = frozenset(
    map(
        stem,
        """asks ask question tell explain describe give name list state need know please following
        answer mean means require requires say manual document rules rule apply applies""".split(),
    )
)


@lru_cache(maxsize=4096)
def kind_of(question: str) -> Kind:
    """Return the kind of answer that a question asks for; "any" where its words do not tell.

    >>> kind_of("How long is the period?"), kind_of("Is it allowed or rejected?")
    ('period', 'any')
    """
    asked = _LEAD.sub("", main_clause(question))
    for kind, form in _COMPILED:
        if form.search(asked):
            return "any" if kind == "yes_no" and _ALTERNATIVE.search(asked) else kind
    return "any"


@lru_cache(maxsize=4096)
def kinds_of(question: str) -> tuple[Kind, ...]:
    """Return the kind of answer that each part of a question asks for.

    >>> kinds_of("Who keeps the list, and for how long?")
    ('person', 'period')
    """
    first, *others = _AND_ASKS.split(main_clause(question))
    return (kind_of(first), *map(kind_of, others))


_AND_ASKS = re.compile(
    r",? and (?=(?:\w+ )?(?:to )?(?:who|whom|when|how (?:much|many|long|often)|what)\b)",
    re.IGNORECASE,
)


def is_measured(question: str) -> bool:
    """Return whether a question asks for a measure, which has a unit: a weight, a height."""
    return bool(_MEASURE.search(_LEAD.sub("", main_clause(question))))


_MEASURE = re.compile(
    rf"^how (?:{_DEGREES})\b"
    rf"|^(?:what|which) (?:\w+ )?(?:(?:the|an?) )?(?:\w+ ){{0,2}}(?:{_MEASURED})\b",
    re.IGNORECASE,
)


@lru_cache(maxsize=4096)
def main_clause(question: str) -> str:
    """Return the part of a question that asks: its last sentence with a question mark, from its
    question word on.
    """
    asking = [part for part in re.split(r"(?<=[.!?:])\s+|\n", question.strip()) if "?" in part]
    asked = (asking or [question.strip()])[-1].strip()
    lead = re.match(r"^(?:and|so|then|now|q|question)\b[\s:,]*", asked, re.IGNORECASE)
    return asked[lead.end() :] if lead else asked


@lru_cache(maxsize=4096)
def topic(question: str) -> frozenset[str]:
    """Return the stems of the words that say what a question is about."""
    return frozenset(
        stem(one) for one in normed(question) if one not in FILLERS and stem(one) not in _ASKING
    )
