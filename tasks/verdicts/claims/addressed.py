"""Whether an answer holds what its question asks for."""

import re
from collections.abc import Callable, Mapping, Sequence

from tasks.verdicts.case import Case
from tasks.verdicts.claims.answers import sections_named
from tasks.verdicts.claims.asked import Kind, kind_of, main_clause, topic
from tasks.verdicts.claims.framing import matter
from tasks.verdicts.claims.polarity import ANSWER_WORD, forbids, permits
from tasks.verdicts.claims.quantities import is_free, tells_a_number, tells_a_time, tells_an_amount
from tasks.verdicts.claims.sentences import sentences
from tasks.verdicts.claims.somebody import tells_somebody
from tasks.verdicts.claims.statements import statements
from tasks.verdicts.claims.support import content, rests_on
from tasks.verdicts.claims.tokens import is_negation, normed, stem, stems
from tasks.verdicts.claims.values import Value, values

_REASON_WORDS = re.compile(
    r"\b(?:because|since|so that|in order|due to|owing to|as|purpose|aim|ground|serves?"
    r"|prevents?|avoids?|protects?|for fear|otherwise|therefore|thus|reason"
    r"|given that|to (?:avoid|prevent|protect|ensure|keep|make|allow|give|help|reduce))\b",
    re.IGNORECASE,
)
_BOUND = re.compile(
    r"\b(?:not|no) (?:more|less|later|earlier|longer|fewer|exceed\w*|over|under|before|after|until"
    r"|only|beyond)\b",
    re.IGNORECASE,
)
_PLACE = re.compile(
    r"\b(?:sections?|rules?|chapters?|articles?|paragraphs?|parts?|manual|found|set out|governed"
    r"|stated|described|laid down)\b|§",
    re.IGNORECASE,
)
_IN_ITS_SENTENCE = re.compile(
    r"^\W*\[|\b(?:sections?|rules?|articles?|paragraphs?|clauses?|chapters?|provisions?|parts?"
    r"|in|by|under|is|are|see"
    r"|at|from|within|of)\s+\[",
    re.IGNORECASE,
)
_SHORT_ANSWER = re.compile(
    r"\W*(?:yes|no)\b|\W*(?:they|it|he|she|you|one|that|this)\s+(?:may|must|can|is|are|does|do"
    r"|should|shall|will)"
    r"(?:\s?not)?\s*(?:\W*$|[,;.:—–])",
    re.IGNORECASE,
)
"""An answer that leaves the act to its question: "No.", "They may not."."""
_CASE_WORDS = frozenset(
    map(stem, "consequence result case applies happens follows rule that".split())
)
LEAST_ACT = 0.4
"""Share of the words of a prohibition that an answer repeats."""


def is_of_kind(answer: str, kind: Kind, case: Case) -> bool:
    """Return whether an answer holds what its question asks for.

    A value that the answer denies ("it is not 40 credits") is no answer.
    """
    if kind == "any":
        return _cites_in_its_sentence(case) or not _only_repeats(answer, case.question)
    if kind in _VALUED and _only_denies(answer):
        return is_free(answer)
    if kind in ("person", "section") and ANSWER_WORD.match(answer):
        return False
    if kind == "person" and _says_who_not(answer):
        return False
    if kind == "section" and _cites_in_its_sentence(case):
        return True
    if kind != "yes_no" and _adds_nothing(answer, case):
        return False
    return _TELLS[kind](answer, _new_values(answer, case.question), case)


_VALUED = frozenset(("amount", "number", "period", "person", "section"))
"""Kinds that a value answers."""


def _adds_nothing(answer: str, case: Case) -> bool:
    """Return whether an answer has no word of its own."""
    said = content(answer)
    return not case.accepted and bool(said) and said <= content(case.question) | {"onl"}


def _new_values(answer: str, question: str) -> list[Value]:
    """Return the values of an answer that its question does not have; a name may be in both."""
    taken = {(one.text, one.units[:1]) for one in values(question)}
    return [
        one
        for one in values(answer)
        if (one.text, one.units[:1]) not in taken or one.kind == "name"
    ]


def leaves_it_to(question: str, answer: str) -> bool:
    """Return whether an answer to a yes-or-no question leaves its words to the question."""
    return kind_of(question) == "yes_no" and bool(_SHORT_ANSWER.match(answer))


def is_a_place(case: Case) -> bool:
    """Return whether the question asks for a section, and the answer ends with its citation."""
    ends = case.answer.rstrip(" .*_").endswith("]")
    return ends and kind_of(case.question) == "section" and _cites_in_its_sentence(case)


def _cites_in_its_sentence(case: Case) -> bool:
    """Return whether a citation of a shown section is itself the answer: "It stands in [14].",
    "[14]".
    """
    return bool(sections_named(case)) and bool(_IN_ITS_SENTENCE.search(case.answer))


def _only_repeats(answer: str, question: str) -> bool:
    """Return whether an answer has no word that its question lacks, and the question offers no
    choice.
    """
    if re.search(r"\bor\b", question, re.IGNORECASE) or ANSWER_WORD.match(answer):
        return False
    said = content(answer)
    denies = _denials(answer) > _denials(question)
    return bool(said) and not denies and said <= content(question) | _CASE_WORDS


def _denials(text: str) -> int:
    return sum(is_negation(one) or forbids(one) for one in normed(text))


def _only_denies(answer: str) -> bool:
    """Return whether every sentence with a value denies it; "no later than" denies nothing."""
    plain = ANSWER_WORD.sub("", _BOUND.sub("", answer))
    valued = [(one.text, found[0].start) for one in sentences(plain) if (found := values(one.text))]
    return bool(valued) and all(_denies_it(text, place) for text, place in valued)


def _denies_it(sentence: str, place: int) -> bool:
    """Return whether a sentence denies the value at this place: "is not 40", "40 must not be paid".

    A condition or a relative clause may deny something else.
    """
    before = normed(sentence[:place])
    if not _SUBORDINATE.isdisjoint(before[1:]):
        return False
    if any(is_negation(one) and one != "without" for one in before[-3:]):
        return True
    told = statements(sentence)
    return bool(told) and len(before) < SUBJECT and all(one.denied and one.sure for one in told)


SUBJECT = 3
"""Words before a value that is the subject of its sentence."""
_SUBORDINATE = frozenset("if when where unless who which that whoever".split())


def _says_who_not(answer: str) -> bool:
    """Return whether the answer is one statement, and says of somebody that it is not them."""
    told = statements(answer)
    names = any(one.subject and not one.subject & {"nobody", "nothing"} for one in told)
    single = len(sentences(answer)) == 1 and not re.search(r"\bbut\b|;", answer)
    by_no = "no" in normed(answer)
    return single and names and not by_no and all(one.denied for one in told)


def _is_denied(before: str) -> bool:
    """Return whether the words before a value deny it, and no condition or relative clause does."""
    found = normed(before)
    denied = any(is_negation(one) and one != "without" for one in found)
    return denied and _SUBORDINATE.isdisjoint(found[1:])


_SUBORDINATE = frozenset("if when where unless who which that whoever".split())


def _tells_a_place(answer: str, found: Sequence[Value], case: Case) -> bool:
    return _names_a_place(answer, case) or _names_its_topic(answer, case)


def _names_a_place(answer: str, case: Case) -> bool:
    """Return whether the answer says where something stands."""
    spelt = f" {' '.join(normed(answer))} "
    labels = (" ".join(normed(one.section)) for one in case.passages)
    named = any(f" {label} " in spelt for label in labels if label)
    return named or bool(_PLACE.search(answer)) or not spelt.strip()


def _names_its_topic(answer: str, case: Case) -> bool:
    """Return whether the answer has no more than the words of headings and of its question."""
    headings = frozenset().union(*(content(one.heading) for one in case.passages))
    return matter(answer) <= headings | content(case.question)


def _forbids(answer: str, found: Sequence[Value], case: Case) -> bool:
    """Return whether the answer, or the sentence that it rests on, forbids or limits something."""
    texts = (answer, *rests_on(answer, sections_named(case)))
    if any(not _tells_the_act(answer, text) for text in texts[1:2]):
        return False
    return any(
        is_negation(one) or forbids(one) or one in _LIMITS for text in texts for one in normed(text)
    )


_LIMITS = frozenset("only without unless except".split())


def _tells_the_act(answer: str, forbidding: str) -> bool:
    """Return whether an answer has more of the sentence that forbids than whom it forbids
    something.
    """
    act = matter(forbidding)
    return len(matter(answer) & act) >= LEAST_ACT * len(act)


def _reasons(answer: str, found: Sequence[Value], case: Case) -> bool:
    return bool(_REASON_WORDS.search(answer)) or not found


def _decides(answer: str, found: Sequence[Value], case: Case) -> bool:
    if _SHORT_ANSWER.match(answer) or _takes_up(answer, case):
        return True
    return any(forbids(one) or permits(one) for one in normed(answer))


def _takes_up(answer: str, case: Case) -> bool:
    """Return whether the answer uses a word of the question that is more than its topic's
    heading.
    """
    headings = frozenset[str]().union(*(stems(one.heading) for one in case.passages))
    predicate = topic(main_clause(case.question)) - headings
    return not predicate or not predicate.isdisjoint(stems(answer))


_TELLS: Mapping[Kind, Callable[[str, Sequence[Value], Case], bool]] = {
    "amount": tells_an_amount,
    "number": tells_a_number,
    "period": tells_a_time,
    "person": tells_somebody,
    "section": _tells_a_place,
    "prohibition": _forbids,
    "reason": _reasons,
    "yes_no": _decides,
}
"""Of each kind, from (answer, its values that the question lacks, case) to whether it is one."""
