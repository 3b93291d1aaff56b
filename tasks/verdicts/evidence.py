"""Grounding: what the answer claims stands in the passages it cites."""

import re
from collections.abc import Iterable
from functools import lru_cache

from pydantic import Field

from tasks.ngrams import words
from tasks.spec import Spec
from tasks.verdicts.case import Case, Verdict, not_checked, verdict
from tasks.verdicts.citations import CitationSpec, cited_passages, without_citations
from tasks.verdicts.claims.answers import LIST_MARK
from tasks.verdicts.claims.framing import FRAMING
from tasks.verdicts.claims.tokens import stem

_NUMBER = re.compile(r"\d[\d,.]*")
STOP_WORDS = frozenset(
    """a an the and or but if of to in on for by with from at as is are was were be been it its
    this that these those there which who whom what when where how why not no so than then thus
    must may shall will would can could should has have had do does did also any all each per
    under within into about according passage passages section answer question says say states
    therefore hence yes cannot they he she we you i them him her us itself himself themselves
    either neither both after before until over again only because otherwise might someone
    somebody anyone anybody everyone everybody nobody nothing anything something if while during
    between against out up down off through without more most such same other another own else
    even still already yet just one once twice too very here now""".split()
)
"""Words of grammar: a passage need not hold them."""


MISSING_WORDS = 3
"""Content words that an answer may have of its own before the share decides: "It comes to …"."""


FOREIGN = 0.25
"""Share under which an answer speaks of something else. Above it the words that are missing may say
the same in another way, unless other shown passages hold two of them.
"""


class EvidenceSpec(Spec):
    """How much of an answer must be found in the passages."""

    overlap: float = Field(0.6, ge=0, le=1)
    """Share of the answer's content words that must stand in the cited passages or the question."""
    numbers: bool = True
    """Every number of the answer must stand there too."""
    abstentions: tuple[str, ...] = ("the passages do not say",)
    """Answers that say nothing was found; rejected as abstained where the plan knows an answer to
    be there.
    """
    open: tuple[str, ...] = ()
    """Families whose answers are proposals, like a claim that is drafted: their words and numbers
    need not stand in the passages, and neither grounding nor attribution is checked."""


def grounding(case: Case, spec: EvidenceSpec, citing: CitationSpec) -> Verdict:
    """Judge an answer given from passages; the score is the share of its content words that were
    found.
    """
    if not case.passages:
        return not_checked("grounding", "no_passages")
    claim = LIST_MARK.sub("", without_citations(case.answer, citing))
    if is_abstention(claim, spec) and case.answer_type != "untold":
        return verdict("grounding", "abstained", 0)
    sections = " ".join(passage.section for passage in case.passages)
    evidence = (*cited_passages(case, citing), sections, case.question)
    missing, share = _found(claim, evidence)
    if case.family in spec.open:
        return not_checked("grounding", "open_family")
    strange = sorted(_numbers(claim).difference(*map(_numbers, evidence)))
    if spec.numbers and strange:
        seen = f"not in what is cited: {', '.join(strange)}"
        return verdict("grounding", "ungrounded_number", share, seen)
    if share >= spec.overlap or len(missing) < MISSING_WORDS:
        return verdict("grounding", None, share)
    elsewhere = {*missing}.intersection(_known(one.whole for one in case.passages))
    if share >= FOREIGN and len(elsewhere) < 2:
        return not_checked("grounding", "words_of_its_own")
    seen = f"words that nothing cited holds: {', '.join(missing)}"
    return verdict("grounding", "ungrounded_answer", share, seen)


def is_abstention(answer: str, spec: EvidenceSpec) -> bool:
    """Return whether an answer says that nothing was found."""
    return any(phrase in answer.lower() for phrase in spec.abstentions)


def _found(claim: str, evidence: Iterable[str]) -> tuple[list[str], float]:
    """Return the content words of a claim that the evidence lacks, as stems, and the share it
    holds.
    """
    known = _known(evidence)
    spoken = [stem(word) for word in words(claim) if word not in STOP_WORDS]
    content = [one for one in spoken if one in known or one not in FRAMING]
    missing = [word for word in content if word not in known]
    return missing, 1 - len(missing) / len(content) if content else 0.0


def _known(texts: Iterable[str]) -> frozenset[str]:
    """Return the stems of the words of several texts."""
    return frozenset().union(*map(_stems, texts))


@lru_cache(maxsize=8192)
def _stems(text: str) -> frozenset[str]:
    return frozenset(map(stem, words(text)))


@lru_cache(maxsize=8192)
def _numbers(text: str) -> frozenset[str]:
    found = (match.rstrip(".,") for match in _NUMBER.findall(text))
    return frozenset(one.replace(",", "") for one in found)
