"""Who and what an answer names, where no capital letter tells: words that only other sections have."""

import re
from itertools import pairwise

from tasks.verdicts.case import Case
from tasks.verdicts.claims.answers import Claim
from tasks.verdicts.claims.asked import kind_of
from tasks.verdicts.claims.framing import FRAMING, matter
from tasks.verdicts.claims.support import content, rests_on
from tasks.verdicts.claims.tokens import stem, tokens
from tasks.verdicts.claims.values import values


def stands_elsewhere(claim: Claim, case: Case) -> bool:
    """Return whether another shown section has what the claim says, and the cited ones do not."""
    said = content(claim.text)
    if len(said) < 2 or not claim.cited:
        return False
    own = len(said & frozenset().union(*(content(one.whole) for one in claim.cited)))
    others = [len(said & content(one.whole)) for one in case.passages if one not in claim.cited]
    best = max(others, default=0)
    return best >= 2 and best >= 0.75 * len(said) and own <= best / 2


_PARTY = re.compile(r"\b(?:of|with|by|to|from|at) (?:the|an?) (\w+ \w+)", re.IGNORECASE)


def _has_foreign_party(claim: Claim, case: Case) -> bool:
    known = content("\n".join((*(one.whole for one in claim.cited), case.question)))
    for text in _PARTY.findall(claim.text):
        for pair in _pairs(text):
            if not set(pair) & known and any(pair in _pairs(one.whole) for one in case.passages):
                return True
    return False


def _has_foreign_pair(claim: Claim, case: Case) -> bool:
    """Return whether two words in a row stand so in a section that is not cited, and not in the
    cited ones.
    """
    cited = "\n".join((*(one.whole for one in claim.cited), case.question))
    known, pairs = content(cited), _pairs(cited)
    who = kind_of(case.question) == "person" or re.search(r"\bwho(?:m|se)?\b", case.question, re.I)
    for one in _pairs(claim.text) - pairs:
        lacking = [word for word in one if word not in known]
        if len(lacking) < (1 if who else 2):
            continue
        if any(one in _pairs(other.whole) for other in case.passages):
            return True
    return False


def _pairs(text: str) -> set[tuple[str, str]]:
    found = tokens(text)
    return {
        (stem(one.norm), stem(two.norm))
        for one, two in pairwise(found)
        if content(one.surface)
        and content(two.surface)
        and not one.is_last
        and not one.is_number
        and not two.is_number
    }


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


def _things(text: str, form: re.Pattern[str] = _DETERMINED) -> set[tuple[str, ...]]:
    """Return what stands behind articles: the stems of one or two words that are no frame of an
    answer.
    """
    found = set()
    for first, second in form.findall(text):
        words = [stem(one.casefold()) for one in (first, second) if content(one)]
        if content(first) and words[0] not in FRAMING:
            found.add(tuple(one for one in words if one not in FRAMING))
    return found


def gives_another_party(claim: Claim, case: Case) -> bool:
    """Return whether who does or bears something stands in another shown section, and not in the
    cited ones.

    A cited sentence that leaves it open who acts ("the charge is 40 credits") may be told with a
    party.
    """
    if not any(acting(one) for one in rests_on(claim.text, claim.cited)):
        return False
    known = content("\n".join((*(one.whole for one in claim.cited), case.question)))
    foreign = {one[0] for one in acting(claim.text) if not set(one) & known}
    others = [one for one in case.passages if one not in claim.cited]
    shown = {one[0] for other in others for one in _things(other.whole)}
    return bool(foreign & shown)


def acting(text: str) -> set[tuple[str, ...]]:
    """Return the parties that a text lets do or bear something, as stems."""
    return _things(text, _PASSIVE_AGENT) | _things(text, _SUBJECT)


def names_another(claim: Claim, case: Case) -> bool:
    """Return whether the answer to "who" has a word that only sections have that are not cited."""
    if _has_foreign_party(claim, case):
        return True
    if kind_of(case.question) != "person" and not re.search(
        r"\bwho(?:m|se)?\b", case.question, re.I
    ):
        return False
    if any(one.kind == "name" for one in values(claim.text)):
        return False  # a name in capitals is looked up by itself
    if _has_foreign_pair(claim, case):
        return True
    cited = frozenset().union(*(content(one.whole) for one in claim.cited)) | content(case.question)
    others = frozenset().union(*(content(one.whole) for one in case.passages))
    return bool((matter(claim.text) & others) - cited)
