"""Which sentences of the passages an answer rests on, and which ones a question asks about."""

from collections.abc import Iterable
from functools import lru_cache

from tasks.verdicts.case import Passage
from tasks.verdicts.claims.polarity import FILLERS
from tasks.verdicts.claims.sentences import sentences
from tasks.verdicts.claims.tokens import normed, stem


@lru_cache(maxsize=8192)
def content(text: str) -> frozenset[str]:
    """Return the stems of a text's words without fillers."""
    return frozenset(map(_stem, {*normed(text)} - FILLERS))


@lru_cache(maxsize=65536)
def _stem(word: str) -> str:
    return stem(word.removesuffix("'s"))


def content_of(texts: Iterable[str]) -> frozenset[str]:
    """Return the stems of the words of several texts without fillers."""
    return frozenset().union(*map(content, texts))


def told(passages: Iterable[Passage]) -> list[str]:
    """Return the sentences of the passages; one that leans on its predecessor comes with it."""
    return [one for passage in passages for one in _told(passage.text)]


@lru_cache(maxsize=4096)
def _told(text: str) -> tuple[str, ...]:
    """Return the sentences of one passage. Remembered: several gates read it, for many rows."""
    found, before = [], ""
    for one in sentences(text):
        found.append(f"{before} {one.text}" if before and _leans(one.text) else one.text)
        before = one.text
    return tuple(found)


_LEANING = frozenset(
    """it they this these that those he she otherwise later after then such here there
    every""".split()
)
"""First words of a sentence that leans on the one before it."""


def _leans(text: str) -> bool:
    return any(one in _LEANING for one in normed(text)[:1])


def rests_on(answer: str, passages: Iterable[Passage]) -> list[str]:
    """Return the sentences that share most with the answer; none when none shares anything."""
    said = content(answer)
    scored = [(len(said & content(one)), one) for one in told(passages)]
    best = max((score for score, _ in scored), default=0)
    return [one for score, one in scored if score == best] if best else []
