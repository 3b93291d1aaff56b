"""A sentence as clauses: cut where a new statement may begin, without its conditions."""

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from tasks.verdicts.claims.polarity import BOUND, NOT_EVEN, forbids, permits
from tasks.verdicts.claims.tokens import Token, Tokens, may_hold

AUXILIARIES = frozenset(
    """may must can could will would shall should might cannot is are was were be been has have had
    hath does do did doth continue continues stop stops stopped cease ceases""".split()
)
"""Words behind which a verb follows."""
JOINTS = frozenset(("and", "or"))
_CONDITIONS = frozenset("if when where unless until except provided lest whenever".split())
_OPENING = _CONDITIONS | frozenset("but although though while whereas because since".split())
_MARKS = re.compile(r"[,;:()\n—–]")
_LEADING = re.compile(r"^\W*otherwise\b", re.IGNORECASE)

Clause = tuple[Token, ...]


class _Piece(NamedTuple):
    """Tokens between two cuts. mark: the mark or the word before them. joint: an "and" or "or"."""

    mark: str
    joint: Clause
    tokens: Clause

    @property
    def has_auxiliary(self) -> bool:
        return any(one.norm in AUXILIARIES for one in self.tokens)

    @property
    def goes_on(self) -> bool:
        """Whether it begins with its auxiliary."""
        return bool(self.tokens) and self.tokens[0].norm in AUXILIARIES


def is_deontic(word: str) -> bool:
    """Return whether a word permits or forbids."""
    return forbids(word) or permits(word)


def clauses(sentence: str) -> Iterator[Clause]:
    """Yield the tokens of each clause of a sentence, without its conditions."""
    plain = _LEADING.sub("", _without_bounds(sentence))
    waiting = list[_Piece]()
    for piece in _unconditional(_joined(_pieces(plain, tuple(Tokens(plain))))):
        if waiting and piece.mark in JOINTS:
            yield from (one.tokens for one in waiting)
            waiting = []
        waiting.append(piece)
        if piece.has_auxiliary:
            yield from _with_parentheses(waiting)
            waiting = []
    yield from (one.tokens for one in waiting)


def _without_bounds(sentence: str) -> str:
    """Return a sentence with "at most" in place of "no more than" and its like."""
    if not may_hold(sentence, "no", "never"):
        return sentence
    return BOUND.sub("at most", NOT_EVEN.sub("even", sentence))


def _pieces(text: str, found: Sequence[Token]) -> Iterator[_Piece]:
    """Yield what stands between marks and conjunctions; a comma before "and" is what cuts there."""
    mark, joint, low, end = "", tuple[Token, ...](), 0, 0
    for place, one in enumerate(found):
        between = _MARKS.search(text, end, one.start)
        opens = one.norm in _OPENING or _is_so_that(found, place)
        if between or opens or one.norm in JOINTS:
            if place > low:
                yield _Piece(mark, joint, tuple(found[low:place]))
            mark = one.norm if opens or not between else between[0]
            joint = (one,) if mark in JOINTS else ()
            low = place + (opens or mark in JOINTS)
        end = one.end
    if low < len(found):
        yield _Piece(mark, joint, tuple(found[low:]))


def _is_so_that(found: Sequence[Token], place: int) -> bool:
    ahead = found[place + 1 : place + 2]
    return found[place].norm == "so" and bool(ahead) and ahead[0].norm == "that"


def _joined(pieces: Iterator[_Piece]) -> Iterator[_Piece]:
    """Yield the pieces, those joined that are parts of one clause.

    "And" joins two clauses where each has an auxiliary, or the second goes on with one. A colon
    may stand between "not allowed" and what is not allowed.
    """
    last: _Piece | None = None
    for piece in pieces:
        if last is None:
            last = piece
        elif _is_one_with(last, piece):
            last = last._replace(tokens=(*last.tokens, *piece.joint, *piece.tokens))
        else:
            yield last
            last = piece
    if last is not None:
        yield last


def _is_one_with(last: _Piece, piece: _Piece) -> bool:
    if piece.mark in JOINTS:
        return not piece.goes_on and not (last.has_auxiliary and piece.has_auxiliary)
    if piece.mark != ":" or any(one.is_negation for one in piece.tokens):
        return False
    return any(is_deontic(one.norm) for one in last.tokens)


def _unconditional(pieces: Iterator[_Piece]) -> Iterator[_Piece]:
    condition = False
    for piece in pieces:
        condition = piece.mark in _CONDITIONS or (condition and piece.mark in JOINTS)
        if not condition:
            yield piece


def _with_parentheses(waiting: Sequence[_Piece]) -> Iterator[Clause]:
    """Yield the clauses; one that begins with its auxiliary goes on from those before it.

    "Leaving early, however, is not allowed."
    """
    if len(waiting) > 1 and waiting[-1].goes_on:
        yield tuple(one for piece in waiting for one in piece.tokens)
    else:
        yield from (one.tokens for one in waiting)
