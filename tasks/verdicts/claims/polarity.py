"""Whether a statement is turned around: clauses and their negations."""

import re
from functools import lru_cache
from typing import NamedTuple

from tasks.verdicts.claims.tokens import NEGATIONS, stem, tokens

_CLAUSE = re.compile(
    r"[,;:()\n—–]|\b(?:but|unless|except|although|though|while|whereas|because|if|when|where|and)\b",
    re.IGNORECASE,
)
_ANSWER_WORD = re.compile(r"^\W*(?:yes|no)\b\W*", re.IGNORECASE)
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
    cut = _CLAUSE.split(_ANSWER_WORD.sub("", statement))
    return tuple(one for one in map(_clause, cut) if one.content)


def _clause(text: str) -> Clause:
    found = tokens(text)
    content = frozenset(
        stem(token.norm)
        for token in found
        if token.norm not in FILLERS | NEGATIONS and not token.is_negation
    )
    return Clause(content, sum(token.is_negation for token in found) % 2 == 1)


def likeness(one: Clause, other: Clause) -> float:
    """Return how much of their content two clauses share: Dice's coefficient, 0 to 1."""
    together = len(one.content) + len(other.content)
    return 2 * len(one.content & other.content) / together if together else 0.0
