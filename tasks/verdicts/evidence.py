"""Grounding: what the answer claims stands in the passages it cites."""

import re

from pydantic import Field

from tasks.ngrams import words
from tasks.spec import Spec
from tasks.verdicts.case import Case, Verdict, verdict
from tasks.verdicts.citations import CitationSpec, cited_passages, without_citations

_NUMBER = re.compile(r"\d[\d,.]*")
_LIST_MARK = re.compile(r"(?m)^\W*\d{1,2}[.)](?=[ \t]+\w)")
"""The number of an item in a list, which claims nothing."""
STOP_WORDS = frozenset(
    """a an the and or but if of to in on for by with from at as is are was were be been it its this that these those there which who whom
    what when where how why not no so than then thus must may shall will would can could should has have had do does did also any all
    each per under within into about according passage passages section answer question says say states therefore hence""".split()
)


class EvidenceSpec(Spec):
    """How much of an answer must be found in the passages."""

    overlap: float = Field(0.6, ge=0, le=1)
    """Share of the answer's content words that must stand in the cited passages or the question."""
    numbers: bool = True
    """Every number of the answer must stand there too."""
    abstentions: tuple[str, ...] = ("the passages do not say",)
    """Answers that say nothing was found; rejected as abstained where the plan knows an answer to be there."""
    open: tuple[str, ...] = ()
    """Families whose answers are proposals, like a claim that is drafted: their words and numbers need not stand in the passages."""


def grounding(case: Case, spec: EvidenceSpec, citing: CitationSpec) -> Verdict:
    """Judge an answer given from passages; the score is the share of its content words that were found."""
    if not case.passages:
        return verdict("grounding", None, 0)
    claim = _LIST_MARK.sub("", without_citations(case.answer, citing))
    if any(phrase in claim.lower() for phrase in spec.abstentions):
        return verdict("grounding", "abstained", 0)
    sections = " ".join(passage.section for passage in case.passages)
    evidence = "\n".join((*cited_passages(case, citing), sections))
    share = _found_share(claim, f"{evidence}\n{_last_line(case.prompt)}")
    if case.family in spec.open:
        return verdict("grounding", None, share)
    if spec.numbers and _numbers(claim) - _numbers(evidence):
        return verdict("grounding", "ungrounded_number", share)
    return verdict("grounding", "ungrounded_answer" if share < spec.overlap else None, share)


def _last_line(prompt: str) -> str:
    return prompt.rstrip().rsplit("\n", 1)[-1]


def _found_share(claim: str, evidence: str) -> float:
    content = [word for word in words(claim) if word not in STOP_WORDS]
    known = set(words(evidence))
    return sum(word in known for word in content) / len(content) if content else 0.0


def _numbers(text: str) -> set[str]:
    return {match.rstrip(".,").replace(",", "") for match in _NUMBER.findall(text)}
