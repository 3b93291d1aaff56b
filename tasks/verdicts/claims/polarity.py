"""Words that negate a statement, limit it, permit or forbid."""

import re
from functools import lru_cache

from tasks.verdicts.claims.tokens import normed

_FORBIDDING = ("forbid", "prohibit", "banned", "barred", "disallow", "unlawful", "illegal")
_PERMITTING = ("permit", "permiss", "allow", "lawful", "legal", "authoris", "authoriz", "suffered")
BOUND = re.compile(
    r"\b(?:not|no) (?:more|less|later|earlier|longer than|fewer|higher|lower|deeper|larger"
    r"|smaller|over|under|before|after|until|only)\b"
    r"|\b(?:not|never) exceed\w*",
    re.IGNORECASE,
)
"""Limits: "no more than 24" is not a denial."""
EXCEPT = re.compile(
    r"\b(?:unless|except|other than|apart from|until|before|without)\b", re.IGNORECASE
)
ONLY = re.compile(r"\b(?:only|if|when|once|after|with)\b", re.IGNORECASE)
NOT_EVEN = re.compile(r"(?<=[,;–—] )not even\b", re.IGNORECASE)
"""Repeats a denial: "nobody, not even the owner" denies once."""
ANSWER_WORD = re.compile(
    r"^\W*(?:yes|no)\b(?:\s*[,.;:!?—–-]\W*|\W*$|\s+(?=(?:it|they|you|he|she|there|this|that"
    r"|we)\b))",
    re.IGNORECASE,
)
"""A leading yes or no; the "no" of "No socket may feed two boats" is a part of its sentence."""
FILLERS = frozenset(
    """a an the of to in on for by with from at as is are was were be been it its this that these
    those there they he she we you i them him his her their our your which who whom what when
    where how why so than then thus must may shall will would can could should has have had do
    does did also any all each per under into about according section passage passages says say
    states therefore hence ever""".split()
)


_DENYING_WORDS = frozenset(
    """no not never none nor neither nothing nobody cannot without otherwise ban bans stop stops
    stopped cease ceases impermissible""".split()
)
DENYING = re.compile(
    rf"\b(?:{'|'.join(sorted(_DENYING_WORDS))})\b|n['’]t\b|\b(?:{'|'.join(_FORBIDDING)})",
    re.IGNORECASE,
)
"""A sign that a sentence may deny something."""


@lru_cache(maxsize=16384)
def may_deny(text: str) -> bool:
    """Return whether a text has a sign that it may deny something."""
    found = normed(text)
    is_plain = text.isascii() and "'" not in text
    # The search costs more than a look at the tokens, which is sure of plain texts.
    if is_plain and _DENYING_WORDS.isdisjoint(found) and not any(map(forbids, found)):
        return False
    return bool(DENYING.search(text))


@lru_cache(maxsize=16384)
def excepts(text: str) -> bool:
    """Return whether a text excepts something: "unless", "without"."""
    return bool(EXCEPT.search(text))


@lru_cache(maxsize=16384)
def limits(text: str) -> bool:
    """Return whether a text limits something: "only", "if"."""
    return bool(ONLY.search(text))


@lru_cache(maxsize=65536)
def forbids(word: str) -> bool:
    """Return whether a word forbids something; a negation turns it into a permission."""
    return word in ("ban", "bans", "impermissible") or word.startswith(_FORBIDDING)


@lru_cache(maxsize=65536)
def permits(word: str) -> bool:
    """Return whether a word permits something; a negation turns it into a prohibition."""
    return word.startswith(_PERMITTING)
