"""Numbers of a section that compete: the question says which of them is meant."""

import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise

from tasks.verdicts.case import Passage
from tasks.verdicts.claims.answers import Claim
from tasks.verdicts.claims.sentences import sentences
from tasks.verdicts.claims.support import content
from tasks.verdicts.claims.tokens import stem
from tasks.verdicts.claims.values import TIME, Value, values


def answers_another_question(claim: Claim, asked: str) -> bool:
    """Return whether the claim's one number belongs to a sentence that fits the question worse than
    another one's.

    Numbers of one unit compete: where a section gives two fees, the question says which is meant.
    """
    given = [one for one in values(claim.text) if _counts(one)]
    taken = {one.text for one in values(asked)}
    given = [one for one in given if one.text not in taken] or given
    if len({one.text for one in given}) != 1:
        return False
    wanted, rivals = content(asked) - TIME - {stem("date")}, list(_rivals(given[0], claim.cited))
    own = [fit for fit, same in _fits(rivals, given[0], wanted) if same]
    others = [fit for fit, same in _fits(rivals, given[0], wanted) if not same]
    return bool(own and others) and max(others) > max(own)


def _rivals(value: Value, cited: Iterable[Passage]) -> Iterator[tuple[str, Value]]:
    """Yield (clause or sentence, number) for every number of the cited sections with the value's
    unit.
    """
    for passage in cited:
        for sentence in sentences(passage.text):
            alike = [one for one in values(sentence.text) if _counts(one) and compete(one, value)]
            for one in alike:
                yield _around(sentence.text, one, alike) if len(alike) > 1 else sentence.text, one


def _counts(one: Value) -> bool:
    """Return whether a value counts something; a year only completes its day."""
    return one.kind == "number" and bool(one.units) and not one.dated[:1].isdigit()


def compete(one: Value, other: Value) -> bool:
    """Return whether two numbers count the same: both times, both money, or of one unit.

    A number without a unit may count anything; equal numbers of two units compete too.
    """
    if not (one.units and other.units) or one.text == other.text:
        return True
    if one.dated and other.dated:
        return one.dated[:1].isdigit() == other.dated[:1].isdigit()
    if one.is_time and other.is_time:
        return (one.units == ("clock",)) == (other.units == ("clock",))
    return bool(set(one.units) & set(other.units)) or (one.is_money and other.is_money)


_PARTS = re.compile(r"[,;:]|\b(?:and|but|or)\b")


def _around(sentence: str, value: Value, alike: Sequence[Value]) -> str:
    """Return the part of a sentence, between commas and conjunctions, in which a number stands."""
    cuts = [
        0,
        *(
            found.end()
            for found in _PARTS.finditer(sentence)
            if not _in_number(sentence, found.start())
        ),
        len(sentence),
    ]
    low, high = next((low, high) for low, high in pairwise(cuts) if low <= value.start < high)
    shared = sentence[: min(one.start for one in alike)]
    return f"{shared}\0{sentence[low:high]}"


def _in_number(text: str, place: int) -> bool:
    return text[place - 1 : place].isdigit() and text[place + 1 : place + 2].isdigit()


def _fits(
    rivals: Sequence[tuple[str, Value]], value: Value, wanted: frozenset[str]
) -> Iterator[tuple[tuple[int, int], bool]]:
    """Yield (fit, whether the number is the value's).

    fit: words of the question that the sentence shares, and those that the number's own part of
    it shares.
    """
    for text, one in rivals:
        own = text.rsplit("\0", 1)[-1]
        yield (_shared(wanted, text), _shared(wanted, own)), one.text == value.text


def _shared(wanted: frozenset[str], text: str) -> int:
    return len(wanted & content(text))
