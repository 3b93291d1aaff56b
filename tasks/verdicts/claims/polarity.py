"""Whether a statement is turned around: clauses and their negations."""

import re
from functools import lru_cache
from typing import NamedTuple

from tasks.verdicts.claims.tokens import NEGATIONS, stem, tokens

_CLAUSE = re.compile(
    r"[;()\n—–]|(?<!\d)[,:]|[,:](?!\d)|\b(?:but|unless|except|although|though|while|whereas|because|if|when|where|and)\b",
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
_PERMISSION = "permit"
"""Stands for every word of PERMITTED and FORBIDDEN, which differ in polarity alone."""
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
    found = tokens(before)
    forbids = any(one.norm in FORBIDDEN for one in found) or (
        any(one.is_negation for one in found) and any(one.norm in PERMITTED for one in found)
    )
    plain = not any(one.is_negation for one in tokens(behind))
    return f"{before} {behind}" if colon and forbids and plain else statement


def whole_clause(statement: str) -> Clause:
    """Return a statement as one clause, so that "burned, never sold" meets "burned and never sold"."""
    return _clause(ANSWER_WORD.sub("", statement))


def _clause(text: str) -> Clause:
    found = [
        one
        for one in tokens(_BOUND.sub("at most", _NOT_EVEN.sub("even", text)))
        if one.norm != "without"
    ]
    content = frozenset(
        stem(token.norm)
        for token in found
        if token.norm not in FILLERS | NEGATIONS and not token.is_negation
    )
    turned = sum(token.is_negation or token.norm in FORBIDDEN for token in found) % 2 == 1
    if any(token.norm in FORBIDDEN | PERMITTED for token in found):
        content = content - set(map(stem, FORBIDDEN | PERMITTED)) | {_PERMISSION}
    return Clause(content, turned)


def likeness(one: Clause, other: Clause) -> float:
    """Return how much of their content two clauses share: Dice's coefficient, 0 to 1."""
    together = len(one.content) + len(other.content)
    return 2 * len(one.content & other.content) / together if together else 0.0
