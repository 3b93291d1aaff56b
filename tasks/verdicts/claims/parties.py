"""Who and what an answer names, where no capital letter tells: words that only other sections have."""

import re
from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from functools import lru_cache
from itertools import pairwise

from tasks.verdicts.case import Case
from tasks.verdicts.claims.answers import Claim
from tasks.verdicts.claims.asked import kind_of
from tasks.verdicts.claims.framing import FRAMING, matter
from tasks.verdicts.claims.sentences import sentences
from tasks.verdicts.claims.support import content, content_of, rests_on, told
from tasks.verdicts.claims.tokens import normed, stem, tokens
from tasks.verdicts.claims.values import values


def stands_elsewhere(claim: Claim, case: Case) -> bool:
    """Return whether another shown section has what the claim says, and the cited ones do not."""
    said = content(claim.text)
    if len(said) < 2 or not claim.cited:
        return False
    own = len(said & content_of(one.whole for one in claim.cited))
    others = [len(said & content(one.whole)) for one in case.passages if one not in claim.cited]
    best = max(others, default=0)
    if best >= 2 and best >= REPEATED * len(said) and own <= best / 2:
        return True
    return _repeats_elsewhere(said, claim, case)


def _repeats_elsewhere(said: frozenset[str], claim: Claim, case: Case) -> bool:
    """Return whether a sentence of another section holds most of the claim, and no cited one does."""
    others = [one for one in case.passages if one not in claim.cited]
    best, own = (
        max((len(said & content(one)) for one in told(passages)), default=0)
        for passages in (others, claim.cited)
    )
    return len(said) >= LEAST_REPEATED and best >= REPEATED * len(said) and own <= best / 2


REPEATED = 0.75
"""Share of a claim's words in a section, or a sentence, that holds what the claim says."""
LEAST_REPEATED = 4
"""Words of content from which a claim can be compared with single sentences."""


_PARTY = re.compile(r"\b(?:of|with|by|to|from|at) (?:the|an?) (\w+ \w+)", re.IGNORECASE)


def _has_foreign_party(claim: Claim, case: Case) -> bool:
    known = _known(claim, case)
    for text in _PARTY.findall(claim.text):
        for pair in _pairs(text):
            if not set(pair) & known and any(pair in _pairs(one.whole) for one in case.passages):
                return True
    return False


def _has_foreign_pair(claim: Claim, case: Case) -> bool:
    """Return whether two words in a row stand so in a section that is not cited, and not in the
    cited ones.
    """
    known = _known(claim, case)
    pairs = frozenset().union(*map(_pairs, _cited_texts(claim, case)))
    who = _asks_who(case.question)
    for one in _pairs(claim.text) - pairs:
        lacking = [word for word in one if word not in known]
        if len(lacking) < (1 if who else 2):
            continue
        if any(one in _pairs(other.whole) for other in case.passages):
            return True
    return False


def _cited_texts(claim: Claim, case: Case) -> tuple[str, ...]:
    """Return the cited sections and the question."""
    return (*(one.whole for one in claim.cited), case.question)


def _known(claim: Claim, case: Case) -> frozenset[str]:
    return content_of(_cited_texts(claim, case))


_WHO = re.compile(r"\bwho(?:m|se)?\b", re.IGNORECASE)


def _asks_who(question: str) -> bool:
    return kind_of(question) == "person" or bool(_WHO.search(question))


@lru_cache(maxsize=4096)
def _pairs(text: str) -> frozenset[tuple[str, str]]:
    """Return the words in a row. Remembered: passages are looked at for every claim."""
    found = tokens(text)
    return frozenset(
        (stem(one.norm), stem(two.norm))
        for one, two in pairwise(found)
        if content(one.surface)
        and content(two.surface)
        and not one.is_last
        and not one.is_number
        and not two.is_number
    )


_DETERMINED = re.compile(
    r"\b(?:the|an?|every|each|any|all|no)\s+([^\W\d_]+)(?=(?:\s+([^\W\d_]+))?)",
    re.IGNORECASE,
)
_PASSIVE_AGENT = re.compile(
    r"\b(?:by|costs|from|(?:falls?|lies|rests?|due|owed|borne|charged|billed|payable|belongs?|left)\s+(?:on|upon|with|from|to|by))\s+"
    r"(?:the|an?|every|each|any|all)\s+([^\W\d_]+)(?:\s+([^\W\d_]+))?",
    re.IGNORECASE,
)
_SUBJECT = re.compile(
    r"(?:^|[,;:]\s*|\band\s+)\W*(?:the|an?|every|each|any|all)\s+([^\W\d_]+)(?:\s+([^\W\d_]+))?"
    r"(?=\s+(?:has to|have to|must|pays?|owes?|bears?|contributes?|covers?|receives?|settles?|decides?|may|shall|can|needs to|is to)\b)",
    re.IGNORECASE,
)


@lru_cache(maxsize=8192)
def _things(text: str, form: re.Pattern[str] = _DETERMINED) -> frozenset[tuple[str, ...]]:
    """Return what stands behind articles: the stems of one or two words that are no frame of an
    answer.
    """
    found = set()
    for first, second in form.findall(text):
        words = [stem(normed(one)[0]) for one in (first, second) if content(one)]
        if content(first) and words[0] not in FRAMING:
            found.add(tuple(one for one in words if one not in FRAMING))
    return frozenset(found)


def gives_another_party(claim: Claim, case: Case) -> bool:
    """Return whether who does or bears something stands in another shown section, and not in the
    cited ones.

    A cited sentence that leaves it open who acts ("the charge is 40 credits") may be told with a
    party.
    """
    acts = acting(claim.text)
    if not acts or not any(acting(one) for one in rests_on(claim.text, claim.cited)):
        return False
    known = _known(claim, case)
    foreign = {one[0] for one in acts if not set(one) & known}
    others = [one for one in case.passages if one not in claim.cited]
    shown = {one[0] for other in others for one in _things(other.whole)}
    return bool(foreign & shown)


def swaps_a_party(claim: Claim, case: Case) -> bool:
    """Return whether the claim has another party in the place of its sentence's own.

    It rests on that sentence for most of what it says, lacks a party of the sentence, and has one
    that neither the sentence nor the question names.
    """
    shown = {word for one in case.passages for pair in parties(one.whole) for word in pair}
    return any(
        _swaps(sentence.text, rests_on(sentence.text, claim.cited), content(case.question), shown)
        for sentence in sentences(claim.text)
    )


def _swaps(
    said: str, resting: Sequence[str], asked: frozenset[str], shown: AbstractSet[str]
) -> bool:
    if not resting or len(matter(said)) < LEAST_SAID:
        return False
    return all(_is_swapped(said, one, asked, shown) for one in resting)


def _is_swapped(said: str, sentence: str, asked: frozenset[str], shown: AbstractSet[str]) -> bool:
    own = content(sentence) | asked
    strange = [one for one in parties(said) if not own & set(one)]
    lost = [one for one in _bearing(sentence) if not set(one) & content(said)]
    rest = matter(said) - {word for one in strange for word in one}
    if not (strange and lost and rest):
        return False
    alike = len(rest & own) / len(rest)
    known = all(set(one) & shown for one in strange)
    return alike >= (SAME_SENTENCE if known else 1) and (known or len(rest) >= LEAST_SAID)


LEAST_SAID = 3
"""Words of content from which a claim can be compared with a sentence."""
SAME_SENTENCE = 0.6
"""Share of a claim's other words that stand in the sentence it is compared with."""
_PLURAL = re.compile(
    r"(?:^|[.!?;:,]\s+)\W*(?:[^\W\d_]+\s+)?([^\W\d_]+s)(?:\s+([^\W\d_]+))?"
    r"(?=\s+(?:may|must|shall|can|pay|owe|have|are)\b)",
    re.IGNORECASE,
)


def parties(text: str) -> frozenset[tuple[str, ...]]:
    """Return what stands behind articles, and plurals that act without one."""
    return _things(text) | _things(text, _PLURAL)


def _bearing(text: str) -> frozenset[tuple[str, ...]]:
    """Return who acts, and whom or what something reaches."""
    return acting(text) | _things(text, _PLURAL) | _things(text, _REACHED)


_REACHED = re.compile(
    r"\b(?:by|to|from|with|of|reach(?:es)?|ask|tell|inform|notify)\s+(?:the|an?)\s+([^\W\d_]+)"
    r"(?:\s+([^\W\d_]+))?",
    re.IGNORECASE,
)


def acting(text: str) -> frozenset[tuple[str, ...]]:
    """Return the parties that a text lets do or bear something, as stems."""
    return _things(text, _PASSIVE_AGENT) | _things(text, _SUBJECT)


def names_another(claim: Claim, case: Case) -> bool:
    """Return whether the answer to "who" has a word that only sections have that are not cited."""
    if _has_foreign_party(claim, case):
        return True
    if not _asks_who(case.question):
        return False
    if any(one.kind == "name" for one in values(claim.text)):
        return False  # a name in capitals is looked up by itself
    if _has_foreign_pair(claim, case):
        return True
    others = content_of(one.whole for one in case.passages)
    return bool((matter(claim.text) & others) - _known(claim, case))
