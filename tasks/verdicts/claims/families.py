"""Words of one family: "forfeit" and "forfeiture", "suffice" and "sufficient"."""

from collections.abc import Iterable

SAME_FAMILY = 5
"""Letters at the beginning that words of one family share."""


def kin(one: str, other: str) -> bool:
    """Return whether two stems are of one family."""
    return one == other or (len(one) >= SAME_FAMILY and one[:SAME_FAMILY] == other[:SAME_FAMILY])


def akin(words: Iterable[str], others: Iterable[str]) -> frozenset[str]:
    """Return those of the words that are of a family with one of the others."""
    known = {form for one in others for form in (one, one[:SAME_FAMILY])}
    return frozenset(
        one
        for one in words
        if one in known or (len(one) >= SAME_FAMILY and one[:SAME_FAMILY] in known)
    )
