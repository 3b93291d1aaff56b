"""Whether a statement is turned around: clauses and their negations."""

import re
from functools import lru_cache
from typing import NamedTuple

from tasks.verdicts.claims.tokens import is_negation, normed, stem

_CLAUSE = re.compile(
    r"[;()\n—–]|(?<!\d)[,:]|[,:](?!\d)|\b(?:so that|but|unless|except|although|though|while|whereas|because|if|when|where|and)\b",
    re.IGNORECASE,
)
_AND = re.compile(r"\band\b", re.IGNORECASE)
_APART = re.compile(_CLAUSE.pattern.replace("|and)", ")"), re.IGNORECASE)
FORBIDDEN = frozenset(
    """prohibited prohibits prohibit prohibition forbidden forbids forbid banned bans ban barred
    disallowed unlawful illegal impermissible""".split()
)
"""Words that forbid; a negation turns them into a permission."""
PERMITTED = frozenset("permitted allowed allows allow permissible lawful legal".split())
_PERMITTING = FORBIDDEN | PERMITTED
_PERMITTING_STEMS = frozenset(map(stem, _PERMITTING))
_PERMISSION = "permit"
"""Stands for every word of PERMITTED and FORBIDDEN, which differ in polarity alone."""
DENYING = frozenset(
    map(
        stem,
        """closed closes refuse refused refuses reject rejected excluded excludes exclude barred denied
        denies lack lacks lacking prevent prevents prevented stop stops stopped avoid avoids avoided
        fail fails failed miss misses missing exempt exempted impossible void invalid unable off
        keep keeps kept except exception spare spares""".split(),
    )
)
"""Words that may deny without a negation: "closed to visitors" says that they may not enter."""
_READ_AS = frozenset(map(stem, ("at", "most", "even", _PERMISSION)))
_BOUND = re.compile(
    r"\b(?:not|no) (?:more|less|later|earlier|longer|fewer|higher|lower|deeper|larger|smaller|over|under|before|after|until|only)\b"
    r"|\b(?:not|never) exceed\w*",
    re.IGNORECASE,
)
"""Bounds: "no more than 24" denies nothing."""
EXCEPT = re.compile(
    r"\b(?:unless|except|other than|apart from|until|before|without)\b", re.IGNORECASE
)
ONLY = re.compile(r"\b(?:only|if|when|once|after|with)\b", re.IGNORECASE)
_NOT_EVEN = re.compile(r"\bnot even\b", re.IGNORECASE)
"""Goes along with a denial: "nobody, not even the owner" denies once."""
_WITHOUT = re.compile(r"\bwithout\b", re.IGNORECASE)
REASON = re.compile(r"\b(?:because|since)\b[^,;]*", re.IGNORECASE)
ANSWER_WORD = re.compile(
    r"^\W*(?:yes|no)\b(?:\s*[,.;:!?—–-]\W*|\W*$|\s+(?=(?:it|they|you|he|she|there|this|that|we)\b))",
    re.IGNORECASE,
)
"""A leading yes or no; the "no" of "No socket may feed two boats" is a part of its sentence."""
FILLERS = frozenset(
    """a an the of to in on for by with from at as is are was were be been it its this that these
    those there they he she we you i them his her their our your which who whom what when where how why so than then thus must may shall will would
    can could should has have had do does did also any all each per under into about according
    section passage passages says say states therefore hence ever""".split()
)


class Clause(NamedTuple):
    """A part of a statement. content: stems of its words without fillers and negations."""

    content: frozenset[str]
    negated: bool


@lru_cache(maxsize=4096)
def clauses(statement: str) -> tuple[Clause, ...]:
    """Return the clauses of a statement that say something; a leading yes or no is no part of one.

    >>> [(sorted(one.content), one.negated) for one in clauses("No, faxes are not read.")]
    [(['fax', 'read'], True)]
    """
    plain = _carried_on(ANSWER_WORD.sub("", statement))
    cut = _CLAUSE.split(plain)
    joined = [one for one in _APART.split(plain) if _AND.search(one)]
    whole, parts = list(map(_clause, joined)), list(map(_clause, cut))
    stubs = [
        one
        for one in parts
        if len(one.content) < 3 and any(one.content < other.content for other in whole)
    ]
    return tuple(one for one in (*parts, *whole) if one.content and one not in stubs)


def _carried_on(statement: str) -> str:
    """Return the statement with no colon behind words that forbid: they bear on what follows it."""
    before, colon, behind = statement.partition(":")
    if not colon:
        return statement
    found = normed(before)
    forbids = not FORBIDDEN.isdisjoint(found) or (
        any(map(is_negation, found)) and not PERMITTED.isdisjoint(found)
    )
    plain = not any(map(is_negation, normed(behind)))
    return f"{before} {behind}" if forbids and plain else statement


def whole_clause(statement: str) -> Clause:
    """Return a statement as one clause, so that "burned, never sold" meets "burned and never sold"."""
    return _clause(ANSWER_WORD.sub("", statement))


def _clause(text: str) -> Clause:
    found = [
        one
        for one in normed(_BOUND.sub("at most", _NOT_EVEN.sub("even", text)))
        if one != "without"
    ]
    content = frozenset(stem(one) for one in {*found} - FILLERS if not is_negation(one))
    turned = sum(is_negation(one) or one in FORBIDDEN for one in found) % 2 == 1
    if not _PERMITTING.isdisjoint(found):
        content = content - _PERMITTING_STEMS | {_PERMISSION}
    return Clause(content, turned)


def may_share_two(statement: str, wanted: frozenset[str]) -> bool:
    """Return whether a clause of the statement may share two stems with the wanted ones.

    A cheap look that spares most sentences the cut into clauses. Words for bounds and permissions
    are read as others, so that these count as there.
    """
    stems = {stem(one) for one in normed(statement)} | _READ_AS
    return len(stems & wanted) > 1


def likeness(one: Clause, other: Clause) -> float:
    """Return how much of their content two clauses share: Dice's coefficient, 0 to 1."""
    together = len(one.content) + len(other.content)
    return 2 * len(one.content & other.content) / together if together else 0.0
