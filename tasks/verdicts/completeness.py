"""Completeness: the answer is whole: a sentence, a list, a formula or a value."""

import re
from collections.abc import Sequence

from tasks.verdicts.case import Case, Verdict, not_checked, shown, verdict
from tasks.verdicts.citations import CitationSpec
from tasks.verdicts.claims.addressed import is_a_place
from tasks.verdicts.claims.answers import LIST_MARK, without_marks
from tasks.verdicts.claims.asked import kind_of
from tasks.verdicts.claims.broken import (
    lacks_its_act,
    lacks_its_object,
    lacks_its_predicate,
    lacks_its_verb,
)
from tasks.verdicts.claims.polarity import FILLERS
from tasks.verdicts.claims.sources import Source
from tasks.verdicts.claims.support import content
from tasks.verdicts.claims.tokens import normed, stem, tokens
from tasks.verdicts.claims.values import Value, values
from tasks.verdicts.relevance import RelevanceSpec

_ENDS = re.compile(r"[.!?…:;][\"'”’»)\]*_`]*$")
_NOT_PROSE = re.compile(
    r"(?:```|\$\$|\\\]|\\\)|\|)$|^\s*(?:[-*•+]|\d{1,3}[.)])\s+\S.*$|\\boxed\{.*\}\W*$"
)


def completeness(case: Case, spec: RelevanceSpec, citing: CitationSpec) -> Verdict:
    """Judge whether the answer is whole; the score is its number of words.

    Reason: incomplete_answer. A value alone is whole ("40 credits"), and so are lists and formulas.
    """
    if case.accepted:
        return not_checked("completeness", "known_answer")
    if not spec.sentences:
        return not_checked("completeness", "switched_off")
    answer = without_marks(case.answer, citing)
    if is_a_place(case):
        return verdict("completeness", None, len(normed(answer)))
    broken = (
        _hangs(answer, case)
        or _ends_on_a_bare_number(answer, case)
        or not _is_whole(answer, case)
        or lacks_its_verb(answer, case)
        or lacks_its_object(answer, case)
        or lacks_its_predicate(answer, case)
        or lacks_its_act(answer, case)
        or _lacks_its_verb(answer, case)
    )
    if not broken:
        return verdict("completeness", None, len(normed(answer)))
    seen = f"the answer is no whole sentence: {shown(case.answer)}"
    return verdict("completeness", "incomplete_answer", len(normed(answer)), seen)


_REFERRING = {(word,) for word in "according pursuant subject refer refers referred due".split()}
"""Words whose "to" has the citation as its object: "according to [Section 7]"."""
_HANGING = frozenset(
    (
        "only for after before within at up to until least most than on with by in from under "
        "above below over of"
    ).split()
)


_YEAR = re.compile(r"1[5-9]\d\d|20\d\d")


def _ends_on_a_bare_number(answer: str, case: Case) -> bool:
    """Return whether the unit of the last number broke off: the passages have it, and neither the
    question nor an earlier number names it.
    """
    found = [one for one in values(answer) if one.kind == "number"]
    if not found or tokens(answer)[-1].end != found[-1].end or found[-1].units:
        return False
    if _YEAR.fullmatch(found[-1].text):
        return False
    told = {unit for one in found for unit in one.units}
    shown = [
        one
        for passage in case.passages
        for one in values(passage.whole)
        if one.text == found[-1].text
    ]
    asked = content(case.question)
    return bool(shown) and all(one.units and not (asked | told) & {*one.units} for one in shown)


_NO_ACT = re.compile(
    r"\b(?:may|must|shall|can|could|would|should|will)(?:\s?not)?(?:\s(?:\w+ly|also|otherwise"
    r"|then))?\W*$"
)


def _lacks_its_verb(answer: str, case: Case) -> bool:
    """Return whether the answer ends with "may not" or "could", and the question names no act.

    "Who may open it?" and "May he open it?" do.
    """
    return kind_of(case.question) not in ("yes_no", "person") and bool(_NO_ACT.search(answer))


def _hangs(answer: str, case: Case) -> bool:
    """Return whether the answer ends with a preposition, and its passage has more behind it."""
    spelt = normed(answer)
    if not spelt or spelt[-1] not in _HANGING:
        return False
    if spelt[-1] in ("least", "most") and any(one[:1].isdigit() for one in spelt[-5:-2]):
        return False
    if spelt[-1] in ("least", "most", "than", "within", "until", "during", "upon"):
        return True
    if spelt[-1] in ("to", "at") and not _ends_so(spelt, case) and spelt[-2:-1] not in _REFERRING:
        return True
    return any(
        one[place : place + 2] == spelt[-2:] and place + 2 < len(one)
        for passage in case.passages
        for one in Source.of(passage.section, passage.heading, passage.text).sentences
        for place in range(len(one))
    )


def _ends_so(spelt: tuple[str, ...], case: Case) -> bool:
    """Return whether a clause of the passages or the question ends with the same two words."""
    shown = [case.question, *(one.whole for one in case.passages)]
    found = [_PAUSE.split(text) for text in shown]
    return any(normed(part)[-2:] == spelt[-2:] for parts in found for part in parts)


_PAUSE = re.compile(r"[.,;:!?]\s|[.?!]$")


def _is_whole(answer: str, case: Case) -> bool:
    """Return whether an answer ends as a sentence, a list, a formula or a value."""
    last = next((line.strip() for line in reversed(answer.splitlines()) if line.strip()), "")
    if not last:
        return bool(case.answer.strip())
    if _ENDS.search(last):
        return _ends_on_its_citation(case) or not _breaks_off(last)
    return bool(_NOT_PROSE.search(last)) or is_a_value(answer, case)


_GOVERNED = re.compile(r"\b(?:by|under|in|from|with|of|per)\s+\[[^\]]+\]\W*$", re.IGNORECASE)


def _ends_on_its_citation(case: Case) -> bool:
    """Return whether the citation is the noun that the last preposition governs."""
    return bool(_GOVERNED.search(case.answer))


def _breaks_off(last: str) -> bool:
    """Return whether the word before the final stop cannot end a sentence."""
    words = tokens(last)
    if len(words) > 1 and words[-1].surface == "May" and words[-2].is_number:
        return False
    if _AS_IT_IS.search(last):
        return False
    return (
        bool(words) and words[-1].norm in _OPEN_ENDED and last.rstrip("\"'”’*_`)]")[-1:] in ".:;…"
    )


_AS_IT_IS = re.compile(
    r"\b(?:as|where|what|who|how|than|whatever|wherever)\s(?:it|they|he|she|you|we|this"
    r"|that)\s(?:is|are|was|were)\W*$",
    re.IGNORECASE,
)
"""A clause that ends with its verb: "they stay where they are"."""
_OPEN_ENDED = frozenset(
    """a an the of and or but nor with by from is are was were be been if than because although
    while whose which who that's must shall may should would could will can into onto per via
    between among during""".split()
)
"""Words that need another word behind them."""


def is_a_value(answer: str, case: Case) -> bool:
    """Return whether the answer is nothing but a value: "40 credits", "Examiner Vale".

    A number without the unit that its passage has is not a value. A label that only repeats the
    citation is not one either.
    """
    found = values(f"is {LIST_MARK.sub('', answer)}")
    words = [one for one in normed(answer) if one not in FILLERS]
    units = {unit for one in found for unit in one.units}
    named = {one.text for one in found} | units
    if not found or any(one not in named and stem(one) not in named for one in words):
        return False
    return not any(one.kind == "label" for one in found) and not _lacks_its_unit(found, case)


def _lacks_its_unit(found: Sequence[Value], case: Case) -> bool:
    bare = {one.text for one in found if one.kind == "number" and not one.units}
    shown = (one for passage in case.passages for one in values(passage.whole))
    return any(one.text in bare and one.units for one in shown)
