"""How a pattern reads if a part of it differs from row to row: its fixed words, and some values of
the varying part.
"""

import re
from collections.abc import Iterator, Sequence
from difflib import SequenceMatcher
from typing import NamedTuple

SLOT = "…"
"""Stands for a part that varies."""
SHOWN_VALUES = 3
"""Most values that are shown of a varying part."""
MIN_FIXED = 0.4
"""Share of the tokens that all examples must share to count as one form with slots."""
_TOKEN = re.compile(r"[^\W\d_]+|\d+|_|[^\w\s]")


class Wording(NamedTuple):
    """text: the pattern, with … for every part that varies. values: some values of these parts."""

    text: str
    values: tuple[str, ...]


def wording(pieces: Sequence[str]) -> Wording:
    """Return the common reading of examples from several rows, or the first example if they share
    too little.
    """
    first, others = pieces[0], [piece for piece in pieces[1:] if piece]
    tokens = list(_TOKEN.finditer(first))
    pairings = [_pairing(first, other) for other in others]
    fixed = {place for place in range(len(tokens)) if all(place in one for one in pairings)}
    if len(fixed) == len(tokens) or len(fixed) < MIN_FIXED * len(tokens):
        return Wording(first, ())
    slots = list(_slots(tokens, fixed))
    same = {place: place for place in range(len(tokens))}
    rows = zip((first, *others), (same, *pairings), strict=True)
    values = dict.fromkeys(_value(piece, pairing, slots) for piece, pairing in rows)
    return Wording(_with_slots(first, tokens, slots), tuple(values)[:SHOWN_VALUES])


def _pairing(first: str, other: str) -> dict[int, int]:
    """Return token of the first piece → matching token of the other piece."""
    words = [[token.casefold() for token in _TOKEN.findall(piece)] for piece in (first, other)]
    blocks = SequenceMatcher(None, words[0], words[1], autojunk=False).get_matching_blocks()
    return {one.a + step: one.b + step for one in blocks for step in range(one.size)}


def _slots(tokens: Sequence[re.Match[str]], fixed: set[int]) -> Iterator[tuple[int, int]]:
    """Yield [first, last) of the tokens of every part that varies.

    Two such parts are one if a single token without blanks stands between them: welder/8.
    """
    varying = [place for place in range(len(tokens)) if place not in fixed]
    low = last = varying[0]
    for place in varying[1:]:
        unbroken = tokens[place].start() - tokens[last].end() == _length(tokens[last + 1 : place])
        if place - last > 2 or (place - last == 2 and not unbroken):
            yield low, last + 1
            low = place
        last = place
    yield low, last + 1


def _length(tokens: Sequence[re.Match[str]]) -> int:
    return sum(len(token[0]) for token in tokens)


def _value(piece: str, pairing: dict[int, int], slots: Sequence[tuple[int, int]]) -> str:
    """Return the text in the slots of a piece."""
    tokens = list(_TOKEN.finditer(piece))
    parts = []
    for low, high in slots:
        begins = pairing[low - 1] + 1 if low - 1 in pairing else 0
        ends = pairing.get(high, len(tokens))
        inside = tokens[begins:ends]
        parts.append(piece[inside[0].start() : inside[-1].end()] if inside else "")
    return " + ".join(parts)


def _with_slots(
    first: str, tokens: Sequence[re.Match[str]], slots: Sequence[tuple[int, int]]
) -> str:
    told, end = "", 0
    for low, high in slots:
        told += first[end : tokens[low].start()] + SLOT
        end = tokens[high - 1].end()
    return told + first[end:]
