"""Who and what an answer names, where no capital letter tells: words that only other sections
have.
"""

import re
from collections.abc import Sequence
from functools import lru_cache

from tasks.verdicts.case import Case, Passage
from tasks.verdicts.claims.answers import Claim
from tasks.verdicts.claims.asked import kind_of, main_clause, topic
from tasks.verdicts.claims.framing import FRAMING, matter
from tasks.verdicts.claims.support import content, content_of, rests_on
from tasks.verdicts.claims.tokens import normed, stem
from tasks.verdicts.claims.values import values


def stands_elsewhere(claim: Claim, case: Case) -> bool:
    """Return whether another shown section has what claim and question say, and the cited ones do
    not.
    """
    said = matter(claim.text)
    if not claim.cited or len(said) < 2:
        return False
    others = [one for one in case.passages if one not in claim.cited]
    shown = content_of(one.whole for one in case.passages)
    spoken = (said | topic(main_clause(case.question))) & shown
    return any(_holds_instead(words, claim, others) for words in (said, spoken))


def _holds_instead(said: frozenset[str], claim: Claim, others: Sequence[Passage]) -> bool:
    own = len(said & content_of(one.whole for one in claim.cited))
    best = max((len(said & content(one.whole)) for one in others), default=0)
    return best >= 2 and best >= REPEATED * len(said) and own <= best / 2


REPEATED = 0.75
"""Share of a claim's words in a section, or a sentence, that holds what the claim says."""


def _known(claim: Claim, case: Case) -> frozenset[str]:
    """Return the words of the cited sections and of the question."""
    return content_of((*(one.whole for one in claim.cited), case.question))


_DETERMINED = re.compile(
    r"\b(?:the|an?|every|each|any|all|no)\s+([^\W\d_]+)(?=(?:\s+([^\W\d_]+))?)",
    re.IGNORECASE,
)
_PASSIVE_AGENT = re.compile(
    r"\b(?:by|costs|from|(?:falls?|lies|rests?|due|owed|borne|charged|billed|payable|belongs?"
    r"|left)\s+(?:on|upon|with|from|to|by))\s+"
    r"(?:the|an?|every|each|any|all)\s+([^\W\d_]+)(?:\s+([^\W\d_]+))?",
    re.IGNORECASE,
)
_SUBJECT = re.compile(
    r"(?:^|[,;:]\s*|\band\s+)\W*(?:the|an?|every|each|any|all)\s+([^\W\d_]+)(?:\s+([^\W\d_]+))?"
    r"(?=\s+(?:has to|have to|must|pays?|owes?|bears?|contributes?|covers?|receives?|settles?"
    r"|decides?|may|shall|can|needs to|is to)\b)",
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


_PLURAL = re.compile(
    r"(?:^|[.!?;:,]\s+)\W*(?:[^\W\d_]+\s+)?([^\W\d_]+s)(?:\s+([^\W\d_]+))?"
    r"(?=\s+(?:may|must|shall|can|pay|owe|have|are)\b)",
    re.IGNORECASE,
)


def parties(text: str) -> frozenset[tuple[str, ...]]:
    """Return what stands behind articles, and plurals that act without one."""
    return _things(text) | _things(text, _PLURAL)


def acting(text: str) -> frozenset[tuple[str, ...]]:
    """Return the parties that a text lets do or bear something, as stems."""
    return _things(text, _PASSIVE_AGENT) | _things(text, _SUBJECT)


def names_another(claim: Claim, case: Case) -> bool:
    """Return whether the claim has a party that only sections have that are not cited.

    An answer to "who" has none of which the first word is strange; of others both words are, and
    stand together elsewhere.
    """
    known = _known(claim, case)
    others = [one for one in case.passages if one not in claim.cited]
    strange = [
        one for one in parties(claim.text) if not known & {*one[: 1 + (not _asks_who(case))]}
    ]
    if _asks_who(case) and not any(one.kind == "name" for one in values(claim.text)):
        shown = content_of(one.whole for one in case.passages)
        return any(one[0] in shown for one in strange)
    return any(len(one) > 1 and one in parties(other.whole) for one in strange for other in others)


def _asks_who(case: Case) -> bool:
    return kind_of(case.question) == "person" or bool(_WHO.search(case.question))


_WHO = re.compile(r"\bwho(?:m|se)?\b", re.IGNORECASE)
