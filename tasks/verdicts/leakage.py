"""Leakage: producer state in a trace. Canaries prove it; the plan's own vocabulary betrays it."""

import re
from functools import cache

from tasks.verdicts.case import Case, Verdict, verdict

CANARY = re.compile(r"canary-[0-9a-f]{16}")
_LABEL_END = r"\s*(?::|—|–|\||#|\[|\(|-\s|\d)"


def leakage(case: Case, families: frozenset[str]) -> Verdict:
    """Judge whether producer-only values came back; families are all the plan's names, so bleed across rows counts too.

    Reasons: canary (this row's own), foreign_canary (another row's: state bled across rows), plan_vocabulary.
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
    for family in families:
        hits += bool(_coined(family).search(raw)) and not _coined(family).search(prompt)
        hits += bool(_opener(family).search(case.think[:200].lower()))
    return hits


@cache
def _coined(family: str) -> re.Pattern[str]:
    """Match a family's name where it stands as a coined word; one that is an ordinary word matches nowhere."""
    if family.isalpha() and family.islower():
        return re.compile(r"(?!)")
    spelling = r"[\s_\-]?".join(map(re.escape, re.split(r"[\s_\-]+", family.lower())))
    return re.compile(rf"(?<!\w){spelling}(?!\w)")


@cache
def _opener(family: str) -> re.Pattern[str]:
    """Match a family's name where it opens the think block as a label."""
    return re.compile(rf"^\W*{re.escape(family.lower())}{_LABEL_END}")
