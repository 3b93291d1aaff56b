"""Statements: what a text says of each verb: affirmed or denied, and of whom."""

from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import NamedTuple

from tasks.verdicts.claims.clauses import AUXILIARIES, JOINTS, clauses, is_deontic
from tasks.verdicts.claims.polarity import FILLERS, forbids
from tasks.verdicts.claims.sentences import sentences
from tasks.verdicts.claims.tokens import Token, is_negation, stem

_ENDING = frozenset("stop stops stopped cease ceases".split())
"""Auxiliaries that deny their verb: "stops accepting"."""
_MODALS = frozenset("may must can could shall should cannot".split())
_BEING = frozenset("is are was were be been being".split())
_BETWEEN = frozenset(
    """to a an also even only then now still thus always ever both not never no longer yet already
    all once again otherwise themselves itself""".split()
)
"""Words that may stand between an auxiliary and its verb."""
_RELATIVE = frozenset("who which that whoever whose whom".split())
_DETERMINERS = frozenset("the a an his her its their your our".split())


class Statement(NamedTuple):
    """What a clause says of one verb.

    verb: its stem; "" where a clause permits or forbids what its other words tell. denied: whether
    the clause says that it is not so, or must not be. subject: the stems of what stands before the
    auxiliary. agent: of who does it, as far as the clause tells. slots: the nouns behind the verb,
    each with the word and the preposition before it. modal: whether the clause tells what may or
    must be. sure: whether an auxiliary shows the verb. content: the stems of the clause.
    """

    verb: str
    denied: bool
    subject: frozenset[str]
    agent: frozenset[str]
    slots: tuple[tuple[str, frozenset[str]], ...]
    passive: bool
    modal: bool
    sure: bool
    content: frozenset[str]


@lru_cache(maxsize=8192)
def statements(text: str) -> tuple[Statement, ...]:
    """Return the statements of a text; questions and conditions state nothing.

    >>> [(one.verb, one.denied) for one in statements("A tenant who has not paid shall leave.")]
    [('pay', True), ('leav', False)]
    """
    return tuple(
        statement
        for one in sentences(text)
        if not one.text.endswith("?")
        for statement in _of_sentence(one.text)
    )


def _of_sentence(sentence: str) -> Iterator[Statement]:
    """Yield the statements of a sentence; a clause without a subject goes on with the one
    before.
    """
    subject = frozenset[str]()
    for clause in clauses(sentence):
        for one in _stated(clause):
            said = one if one.subject else one._replace(subject=subject)
            if said.verb and not said.passive and not said.agent:
                said = said._replace(agent=said.subject)
            yield said
            subject = said.subject


def _stated(found: Sequence[Token]) -> Iterator[Statement]:
    if any(one.norm in _HYPOTHETICAL for one in found) or found[0].norm in _COMPARING:
        return
    content = frozenset(
        _stem(one.norm) for one in found if _says_something(one) and not is_deontic(one.norm)
    )
    low, behind = 0, 0
    verbs = list(_verbs(found))
    otherwise = any(one.norm == "otherwise" for one in found)
    if verbs and _leads(found):
        verbs = []  # "not allowed: bicycles that are charged"
    for aux, verb, denied in verbs:
        subject = _subject(found, low, behind, aux)
        if is_deontic(found[verb].norm):
            yield _permission(denied != forbids(found[verb].norm), subject, content)
            return
        modal = any(one.norm in _MODALS for one in found[aux:verb])
        passive = any(one.norm in _BEING for one in found[aux:verb])
        agent = _behind_by(found[verb + 1 :]) if passive else subject
        word = _stem(found[verb].norm)
        denied = denied != otherwise
        slots = _slots(found[verb + 1 :])
        one = Statement(word, denied, subject, agent, slots, passive, modal, True, content)
        yield one
        if passive:
            yield from (one._replace(verb=also) for also in _joined_verbs(found[verb + 1 :]))
        low, behind = verb + 1, aux + 1
    if not behind:
        yield from _without_auxiliary(found, content)


def _subject(found: Sequence[Token], low: int, behind: int, aux: int) -> frozenset[str]:
    """Return what stands before an auxiliary: the noun before a "who", the words after a "that"."""
    if aux and found[aux - 1].norm in _RELATIVE:
        return _noun(found[behind : aux - 1])
    if low:
        return frozenset()  # "who has not paid by May shall leave": the subject stands before
    that = [place for place in range(aux) if found[place].norm in _RELATIVE]
    return _noun(found[that[-1] + 1 if that else 0 : aux])


def _noun(found: Sequence[Token]) -> frozenset[str]:
    """Return the stems of the subject among these words; a pronoun in the end is all of it.

    Behind "after a warning" the subject begins with the next article.
    """
    if found and found[-1].norm in _PRONOUNS - {"nobody", "nothing"}:
        return frozenset()
    if found and found[0].norm in _PREPOSITIONS:
        starts = [at for at, one in enumerate(found) if one.norm in _DETERMINERS]
        found = found[starts[-1] :] if starts else found
    return _stems(found)


def _leads(found: Sequence[Token]) -> bool:
    """Return whether a clause begins with "allowed" or "not allowed"."""
    first = [one.norm for one in found[:2]]
    return is_deontic(first[0]) or (is_negation(first[0]) and is_deontic(first[-1]))


def _joined_verbs(found: Sequence[Token]) -> Iterator[str]:
    """Yield the participles that an auxiliary has besides its first: "wiped or shredded"."""
    for at, one in enumerate(found[:-1]):
        ahead = found[at + 1]
        if one.norm in JOINTS and ahead.norm.endswith("ed") and _says_something(ahead):
            yield _stem(ahead.norm)


def _permission(denied: bool, subject: frozenset[str], content: frozenset[str]) -> Statement:
    return Statement("", denied, subject, frozenset(), (), False, True, True, content)


def _without_auxiliary(found: Sequence[Token], content: frozenset[str]) -> Iterator[Statement]:
    """Yield what a clause without an auxiliary says.

    "Not" and "never" deny the next word, "no", "nobody" and a negation in front all that follow.
    """
    deontic = [
        one
        for place, one in enumerate(found)
        if is_deontic(one.norm)
        and not _DETERMINERS & {each.norm for each in found[max(0, place - 2) : place]}
    ]
    if deontic:
        negated = sum(one.is_negation for one in found) % 2 == 1
        yield _permission(negated != forbids(deontic[0].norm), frozenset(), content)
        return
    found = [one for one in found if not (one.norm in _ADVERBS or one.norm.endswith(_ADVERBIAL))]
    verb = _verb_of(found)
    if verb is None:
        return
    before = [place for place in range(verb) if found[place].is_negation]
    single = [place for place in before if place and _is_single(found, place)]
    denied = bool(before) and (before != single or before[-1] in (verb - 1, verb - 2))
    subject, word = _noun(found[:verb]), _stem(found[verb].norm)
    agent, slots = subject or _behind_by(found[verb + 1 :]), _slots(found[verb + 1 :])
    yield Statement(word, denied, subject, agent, slots, False, False, False, content)


def _verb_of(found: Sequence[Token]) -> int | None:
    """Return the place of the word that is most likely the verb: behind a "never", or the last of
    the first words in a row, of which the others are its subject.
    """
    run = 0
    for place, one in enumerate(found):
        if not _says_something(one):
            run = int(one.norm in _PRONOUNS)
            continue
        run += 1
        before = found[place - 1].norm if place else ""
        denied = before in ("not", "never") or _is_phasal(found, place - 2)
        ends = place + 1 == len(found) or not _says_something(found[place + 1])
        if denied or before in _PERSONS or (run > 1 and ends):
            return place
    return None


_ADVERBS = frozenset("then also still now even always thus already only often".split())
_ADVERBIAL = tuple("ntly ally tely usly vely edly arly erly rtly kly thly ably ibly".split())
"""Endings of adverbs; "apply" is none."""
_PERSONS = frozenset("it they he she you we i".split())
_PRONOUNS = frozenset(
    """it they he she you we i this that these those who which whoever anyone someone somebody
    everyone everybody nobody nothing""".split()
)


def _is_single(found: Sequence[Token], place: int) -> bool:
    """Return whether a negation denies the next word alone."""
    return found[place].norm in ("not", "never") or _is_phasal(found, place)


def _is_phasal(found: Sequence[Token], place: int) -> bool:
    """Return whether a "no" belongs to "no longer"."""
    ahead = found[place + 1 : place + 2] if place >= 0 else ()
    return bool(ahead) and found[place].norm == "no" and ahead[0].norm == "longer"


_PREPOSITIONS = frozenset("of in on for by with from at under within upon after before".split())
_COMPARING = frozenset("more less fewer".split())
"""First words of a clause about what exceeds a bound."""
_HYPOTHETICAL = frozenset("else lest".split())
"""Words of a clause that tells what all others do, or what is feared."""
_GRAMMAR = frozenset(
    """and or only longer both alone either also then even however most at one such yes but before
    after according person people anyone whoever someone somebody everyone everybody
    anybody""".split()
)


_NO_CONTENT = FILLERS | _GRAMMAR | _PREPOSITIONS


def _verbs(found: Sequence[Token]) -> Iterator[tuple[int, int, bool]]:
    """Yield the places of an auxiliary and of its verb, and whether it is denied.

    "Not" denies the verb behind it; "no", "nobody" and "neither" deny the next auxiliary's.
    """
    place, pending = 0, False
    while place < len(found):
        one = found[place]
        if one.norm in AUXILIARIES or one.norm.endswith("n't") or _need_not(found, place):
            verb, denied = _verb_behind(found, place)
            if verb is not None:
                yield place, verb, denied != pending
                place, pending = verb, False
        elif one.is_negation and one.norm not in ("nor", "without"):
            pending = True
        elif one.norm in _RELATIVE:
            pending = False
        place += 1


def _need_not(found: Sequence[Token], place: int) -> bool:
    ahead = found[place + 1 : place + 2]
    return found[place].norm == "need" and bool(ahead) and ahead[0].norm == "not"


_SKIPPED = _BETWEEN | AUXILIARIES


def _verb_behind(found: Sequence[Token], aux: int) -> tuple[int | None, bool]:
    denied = False
    for place in range(aux, len(found)):
        one = found[place]
        if is_negation(one.norm) or one.norm in _ENDING:
            denied = True
        elif place > aux and not (one.norm in _SKIPPED or one.norm.endswith(_ADVERBIAL)):
            return (place, denied) if _says_something(one) else (None, denied)
    return None, denied


def _behind_by(found: Sequence[Token]) -> frozenset[str]:
    """Return the noun phrase behind the first "by"."""
    by = next((at for at, one in enumerate(found) if one.norm == "by"), None)
    return phrase(found[by + 1 :]) if by is not None else frozenset()


def _slots(found: Sequence[Token]) -> tuple[tuple[str, frozenset[str]], ...]:
    """Return the nouns behind a verb, each with the word and the preposition before it.

    found: the tokens behind the verb. The noun that follows at once has "" before it.
    """
    slots = [("", phrase(found))]
    for at, one in enumerate(found):
        if one.norm in _GOVERNING:
            before = _stem(found[at - 1].norm) if at else ""
            slots.append((f"{before} {one.norm}", phrase(found[at + 1 :])))
    return tuple((words, noun) for words, noun in slots if noun)


_GOVERNING = frozenset("to from with of".split())


def phrase(found: Sequence[Token]) -> frozenset[str]:
    """Return the stems of the noun phrase that begins with the first token."""
    words = list[str]()
    for one in found:
        if _says_something(one):
            words.append(_stem(one.norm))
        elif words or one.norm not in _DETERMINERS:
            break
        if one.is_last:
            break
    return frozenset(words)


def _stems(found: Sequence[Token]) -> frozenset[str]:
    """Return the stems of a phrase; "nobody" and "nothing" are phrases of their own."""
    words = frozenset(_stem(one.norm) for one in found if _says_something(one))
    return words or frozenset(one.norm for one in found if one.norm in ("nobody", "nothing"))


def _says_something(one: Token) -> bool:
    return not (one.norm in _NO_CONTENT or one.is_negation or one.is_number)


def _stem(word: str) -> str:
    return stem(word.removesuffix("'s").removesuffix("'"))
