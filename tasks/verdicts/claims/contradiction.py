"""Answers that contradict a statement of a section, or what their question takes for granted."""

from collections.abc import Iterable, Iterator, Sequence
from collections.abc import Set as AbstractSet

from tasks.verdicts.case import Case
from tasks.verdicts.claims.answers import Claim
from tasks.verdicts.claims.asked import kind_of, main_clause, topic
from tasks.verdicts.claims.families import akin, kin
from tasks.verdicts.claims.polarity import excepts, limits, may_deny
from tasks.verdicts.claims.sentences import Sentence, sentences
from tasks.verdicts.claims.stance import contradicts_the_section
from tasks.verdicts.claims.statements import Statement, statements
from tasks.verdicts.claims.support import content, content_of
from tasks.verdicts.claims.tokens import is_negation, normed

ALIGNED = 0.5
"""Share of the shorter clause, its verb left out, that another has which speaks of the same."""


def contradicts(case: Case, stretches: Sequence[Claim]) -> str | None:
    """Return the fault of an answer that contradicts a statement of its section, or its question;
    None without one.
    """
    for claim in stretches:
        told = "\n".join(one.text for one in claim.cited)
        heads = content_of(one.heading for one in claim.cited)
        if turns_around(claim.text, told, heads):
            return "contradicted_passage"
        if contradicts_the_section(case.answer, claim.cited, case):
            return "contradicted_passage"
        if _denies_the_question(statements(claim.text), case.question):
            return "contradicted_passage"
    return None


def turns_around(answer: str, source: str, heads: AbstractSet[str] = frozenset()) -> bool:
    """Return whether a statement of the answer says the opposite of one of the source, and none of
    the source says the same.

    heads: words that all statements of the source share, so that they tell none apart.
    """
    said = statements(answer)
    denies = any(one.denied for one in said)
    if not said or not (denies or may_deny(source)):
        return False
    words = content(answer)
    told = [
        one
        for sentence in _opposing(sentences(source), denies=denies)
        if akin(words, content(sentence.text)) and not _are_open(sentence.text, answer)
        for one in statements(sentence.text)
    ]
    turned = [one for one in said if _is_turned(one, told, heads)]
    # Sentences that deny nothing were left out so far; one of them may say the same.
    whole = statements(source) if turned and not denies else told
    return any(_is_turned(one, whole, heads) for one in turned)


def _opposing(found: Sequence[Sentence], *, denies: bool) -> Iterator[Sentence]:
    """Yield the sentences that may say the opposite of an answer: where it denies nothing, those
    that deny something. This quick look leaves out most sentences.
    """
    return (one for one in found if denies or may_deny(one.text))


def _are_open(sentence: str, answer: str) -> bool:
    """Return whether one text excepts what the other limits: "not without a permit", "only with
    one".
    """
    return (limits(answer) and excepts(sentence)) or (excepts(answer) and limits(sentence))


def _is_turned(one: Statement, known: Sequence[Statement], heads: AbstractSet[str]) -> bool:
    aligned = [(_aligned(one, other, heads), other) for other in known]
    same = max((degree for degree, other in aligned if other.denied == one.denied), default=0)
    return any(
        degree > same and other.denied != one.denied and (one.sure or other.sure)
        for degree, other in aligned
    )


def _aligned(one: Statement, other: Statement, heads: AbstractSet[str]) -> int:
    """Return how many words two statements share that speak of the same; 0 where it is not sure.

    Both have a verb of one family, no different subjects, and half of the shorter clause. What is
    permitted or forbidden as a whole must stand in the other clause, word for word.
    """
    if not (one.verb and other.verb):
        return _as_a_whole(one, other) or _as_a_whole(other, one)
    if not kin(one.verb, other.verb) or _have_other_subjects(one, other):
        return 0
    ours, theirs = one.content - {one.verb}, other.content - {other.verb}
    if ours - heads and theirs - heads:
        ours, theirs = ours - heads, theirs - heads
    shared = len(akin(ours, theirs))
    return shared if shared >= max(1, ALIGNED * min(len(ours), len(theirs))) else 0


def _as_a_whole(one: Statement, other: Statement) -> int:
    """Return the words of what one statement permits or forbids, if the other has all of them."""
    act = one.content | one.subject
    if one.verb or not act or not other.modal:
        return 0
    return len(act) if len(akin(act, other.content | other.subject)) == len(act) else 0


def _have_other_subjects(one: Statement, other: Statement) -> bool:
    if one.agent and other.agent and not akin(one.agent, other.agent):
        return True
    if one.passive != other.passive or not (one.subject and other.subject):
        return False
    return not akin(one.subject, other.subject)


def _denies_the_question(said: Iterable[Statement], question: str) -> bool:
    """Return whether a statement denies what a question takes for granted: "why are faxes refused?"
    says that they are.
    """
    if kind_of(question) in ("yes_no", "any"):
        return False
    asked = main_clause(question)
    taken = topic(asked)
    negated = any(map(is_negation, normed(asked)))
    return any(one.content and one.content <= taken and one.denied != negated for one in said)
