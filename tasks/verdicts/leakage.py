"""Leakage: producer state in a trace. Canaries prove it; the plan's own vocabulary betrays it."""

import re
from functools import cache

from tasks.verdicts.case import Case, Verdict, verdict

CANARY = re.compile(r"canary-[0-9a-f]{16}")
OPENING = 200
"""Characters of a think block in which a label may stand."""
_LABEL_END = r"\s*(?::|—|–|\||#|\[|\(|-\s|\d)"


def leakage(case: Case, families: frozenset[str]) -> Verdict:
    """Judge whether producer-only values came back; families are all the plan's names, so bleed
    across rows counts too.

    Reasons: canary (this row's own), foreign_canary (another row's: state bled across rows),
    plan_vocabulary.
    """
    found = set(CANARY.findall(case.raw)) - set(CANARY.findall(case.prompt))
    if found:
        return verdict(
            "leakage", "canary" if case.canary in found else "foreign_canary", len(found)
        )
    hits = _vocabulary(case, families)
    return verdict("leakage", "plan_vocabulary" if hits else None, hits)


def _vocabulary(case: Case, families: frozenset[str]) -> int:
    """Count plan values in the trace that the prompt does not hold."""
    raw, prompt = case.raw.lower(), case.prompt.lower()
    hits = int(case.cell.lower() in raw and case.cell.lower() not in prompt)
    opening = case.think[:OPENING].lower()
    # Hardly any trace names a family: one search tells that none is there.
    if _any_coined(families).search(raw):
        hits += sum(
            bool(_coined(one).search(raw)) and not _coined(one).search(prompt) for one in families
        )
    if _any_opener(families).search(opening):
        hits += sum(bool(_opener(one).search(opening)) for one in families)
    return hits


def _coined(family: str) -> re.Pattern[str]:
    """Match a family's name where it stands as a coined word; one that is an ordinary word matches
    nowhere.
    """
    return _any_coined(frozenset({family}))


def _opener(family: str) -> re.Pattern[str]:
    """Match a family's name where it opens the think block as a label."""
    return _any_opener(frozenset({family}))


@cache
def _any_coined(families: frozenset[str]) -> re.Pattern[str]:
    spelt = [_spelling(one) for one in families if not (one.isalpha() and one.islower())]
    return re.compile(rf"(?<!\w)(?:{'|'.join(spelt)})(?!\w)" if spelt else r"(?!)")


@cache
def _any_opener(families: frozenset[str]) -> re.Pattern[str]:
    names = "|".join(re.escape(one.lower()) for one in families)
    return re.compile(rf"^\W*(?:{names}){_LABEL_END}" if families else r"(?!)")


def _spelling(family: str) -> str:
    return r"[\s_\-]?".join(map(re.escape, re.split(r"[\s_\-]+", family.lower())))
