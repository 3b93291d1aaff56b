"""Which sentences of the passages an answer rests on, and which ones a question asks about."""

from collections.abc import Iterable
from functools import lru_cache

from tasks.verdicts.case import Passage
from tasks.verdicts.claims.polarity import FILLERS
from tasks.verdicts.claims.sentences import sentences
from tasks.verdicts.claims.tokens import stem, tokens


@lru_cache(maxsize=8192)
def content(text: str) -> frozenset[str]:
    """Return the stems of a text's words without fillers."""
    return frozenset(
        stem(one.norm.removesuffix("'s")) for one in tokens(text) if one.norm not in FILLERS
    )


def told(passages: Iterable[Passage]) -> list[str]:
    """Return the sentences of the passages; one that leans on its predecessor comes with it."""
    found = []
    for passage in passages:
        before = ""
        for one in sentences(passage.text):
            lean = _leans(one.text)
            found.append(f"{before} {one.text}" if lean and before else one.text)
            before = one.text
    return found


def _leans(text: str) -> bool:
    first = tokens(text)[:2]
    return bool(first) and first[0].norm in {
        "it",
        "they",
        "this",
        "these",
        "that",
        "those",
        "he",
        "she",
        "otherwise",
        "later",
        "after",
        "then",
        "such",
        "here",
        "there",
        "every",
    }


def rests_on(answer: str, passages: Iterable[Passage]) -> list[str]:
    """Return the sentences that share most with the answer; none when none shares anything."""
    said = content(answer)
    scored = [(len(said & content(one)), one) for one in told(passages)]
    best = max((score for score, _ in scored), default=0)
    return [one for score, one in scored if score == best] if best else []
