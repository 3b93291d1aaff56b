"""Who does it: an answer lets the same party act, or be acted on, as the section it cites."""

import re
from collections.abc import Iterator, Sequence
from collections.abc import Set as AbstractSet
from typing import NamedTuple

from tasks.verdicts.case import Case
from tasks.verdicts.claims.answers import Claim
from tasks.verdicts.claims.asked import kind_of, main_clause
from tasks.verdicts.claims.families import akin, kin
from tasks.verdicts.claims.framing import FRAMING
from tasks.verdicts.claims.sentences import sentences
from tasks.verdicts.claims.statements import Statement, statements
from tasks.verdicts.claims.support import content, content_of
from tasks.verdicts.claims.values import values


def lets_another_act(claim: Claim, case: Case) -> bool:
    """Return whether a statement of the claim has another party than the cited one with its verb.

    Every cited statement with that verb has a party that the claim lacks. The claim's own stands
    elsewhere in what is shown, or the think block has the cited one and not the claim's.
    """
    spoken = statements(claim.text)
    told = _told(claim, {one.verb for one in spoken})
    known = content_of(one.whole for one in case.passages)
    for said in spoken:
        alike = [one for one in told if _tell_the_same(said, one.statement)]
        swaps = [_swapped(said, one, claim.text, case.question) for one in alike]
        if swaps and all(new and _is_evident(new, lost, known, case) for new, lost in swaps):
            return True
    return False


class _Told(NamedTuple):
    """A statement of a cited section, and the sentence that it stands in."""

    statement: Statement
    sentence: str


def _told(claim: Claim, verbs: AbstractSet[str]) -> list[_Told]:
    """Return what the cited sections say with one of these verbs.

    Where some of their sentences have a number of the claim, it is told by these.
    """
    found = [
        one.text
        for each in claim.cited
        for one in sentences(each.text)
        if akin(verbs, content(one.text))
    ]
    numbers = _numbers(claim.text)
    counting = [one for one in found if numbers & _numbers(one)] if numbers else []
    return [_Told(each, one) for one in counting or found for each in statements(one)]


def _numbers(text: str) -> frozenset[str]:
    return frozenset(one.text for one in values(text) if one.kind == "number")


def _left_over(sentence: str) -> frozenset[str]:
    """Return the words of a sentence that stand in no clause with an auxiliary: "…, an urn for 15
    years".
    """
    sure = (one.content for one in statements(sentence) if one.sure)
    return content(sentence) - frozenset().union(*sure)


def _tell_the_same(said: Statement, one: Statement) -> bool:
    """Return whether two statements have one verb, and are both affirmed or denied."""
    return said.denied == one.denied and bool(said.verb) and kin(said.verb, one.verb)


def _swapped(
    said: Statement, told: _Told, text: str, question: str
) -> tuple[frozenset[str], frozenset[str]]:
    """Return the party's words that only the claim has, and those that it lacks; both or none.

    Of two parties that share a word, one word of each must differ, or several of both.
    """
    around = told.statement.content | _left_over(told.sentence)
    for ours, theirs in _parties(said, told.statement):
        new, lost = ours - akin(ours, theirs) - FRAMING, theirs - akin(theirs, ours) - FRAMING
        shares = bool(akin(ours, theirs))
        new = new if shares else new - akin(new, content(question))
        if not new or not lost or akin(lost, content(text)) or akin(new, around):
            continue
        if not shares or len(new) == len(lost) == 1 or min(len(new), len(lost)) > 1:
            return new, lost
    return frozenset(), frozenset()


def _parties(said: Statement, one: Statement) -> Iterator[tuple[frozenset[str], frozenset[str]]]:
    """Yield the parties in the same place: the doers; of one voice the subjects and, where these
    do not differ, the nouns behind the verb.

    Where no auxiliary shows the verb, the statements must share something besides.
    """
    sure = said.sure or one.sure or bool(akin(_besides(said), _besides(one)))
    if said.agent and one.agent and sure:
        yield said.agent, one.agent
    if said.passive != one.passive:
        return
    if said.subject and one.subject and sure:
        yield said.subject, one.subject
    if not (said.subject and one.subject) or akin(said.subject, one.subject):
        due = dict(one.slots)
        yield from ((noun, due[words]) for words, noun in said.slots if words in due)


def _besides(one: Statement) -> frozenset[str]:
    return one.content - one.subject - one.agent - {one.verb}


def _is_evident(
    new: frozenset[str], lost: frozenset[str], known: frozenset[str], case: Case
) -> bool:
    thought = content(case.think)
    told = bool(akin(lost, thought)) and not akin(new, thought)
    return told or bool(akin(new, known))


def names_another_doer(claim: Claim, case: Case) -> bool:
    """Return whether the answer to "who" lacks the party that the cited sections name for the
    question's verb, and names one that they show elsewhere.
    """
    verb = _verb_asked(case.question)
    if not verb:
        return False
    told = [one for each in claim.cited for one in statements(each.text) if not one.denied]
    doing = [one for one in told if kin(one.verb, verb)]
    if not doing:
        return False
    return _names_none_of(doing, claim, case) or _tells_of_another_verb(verb, told, claim)


def _names_none_of(doing: Sequence[Statement], claim: Claim, case: Case) -> bool:
    """Return whether the claim names a party, and none of those that do what is asked."""
    asked, said = content(main_clause(case.question)), content(claim.text)
    shared = [(len(akin(one.content - one.agent, asked)), one.agent) for one in doing if one.agent]
    best = max((degree for degree, _ in shared), default=0)
    due = frozenset().union(*(agent for degree, agent in shared if degree == best))
    if best < 2 or not due or akin(due, said):
        return False
    return bool(akin(said - asked - FRAMING, content_of(one.whole for one in case.passages)))


def _tells_of_another_verb(verb: str, told: Sequence[Statement], claim: Claim) -> bool:
    """Return whether all that the claim says is what the sections say of another verb."""
    said = statements(claim.text)
    if not said or any(kin(one.verb, verb) or not one.verb for one in said):
        return False
    return all(
        any(
            kin(one.verb, other.verb) and len(akin(one.content, other.content)) > 2
            for other in told
        )
        for one in said
    )


_WHO = re.compile(r"^(?:who|(?:which|what) \w+)\b(?!\s+(?:is|are|was|were)\b)", re.IGNORECASE)


def _verb_asked(question: str) -> str:
    """Return the verb of a question for its subject: "who pays?"; "" for other questions."""
    asked = main_clause(question)
    who = _WHO.match(asked)
    if not who or kind_of(question) != "person":
        return ""
    found = statements(f"They{asked[who.end() :].rstrip('?')}.")
    return found[0].verb if found else ""
