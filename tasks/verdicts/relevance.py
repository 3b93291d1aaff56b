"""Relevance: the answer addresses what is asked, in whole sentences."""

import re
from collections.abc import Sequence

from tasks.spec import Spec
from tasks.verdicts.case import Case, Verdict, not_checked, verdict
from tasks.verdicts.citations import CitationSpec, without_citations
from tasks.verdicts.claims.answers import LIST_MARK
from tasks.verdicts.claims.asked import Kind, kind_of, main_clause, topic
from tasks.verdicts.claims.polarity import FILLERS, clauses
from tasks.verdicts.claims.sentences import sentences
from tasks.verdicts.claims.sources import Source
from tasks.verdicts.claims.tokens import norms, stem, tokens
from tasks.verdicts.claims.values import MONTHS, Value, values

_FREE = re.compile(r"\b(?:free|nothing|none|no (?:fee|charge|cost)|without (?:fee|charge))\b", re.I)
_TIME_WORDS = re.compile(
    r"\b(?:immediately|promptly|forthwith|daily|weekly|monthly|yearly|annually|never|always|once"
    r"|any time|upon|after|before|until|when|while|as soon as|o'clock|today|tomorrow|no deadline)\b",
    re.IGNORECASE,
)
_REASON_WORDS = re.compile(
    r"\b(?:because|since|so that|in order|due to|owing to|as|otherwise|therefore|thus|reason"
    r"|given that|to (?:avoid|prevent|protect|ensure|keep|make|allow|give|help|reduce))\b",
    re.IGNORECASE,
)
_YES_NO = re.compile(r"\W*(?:yes|no)\b", re.IGNORECASE)
_BOUND = re.compile(
    r"\b(?:not|no) (?:more|less|later|earlier|longer|fewer|exceed\w*|over|under|before|after|until"
    r"|only|beyond)\b",
    re.IGNORECASE,
)
_ROLE = re.compile(
    r"\b(?:the|an?|its|their|his|her) (?:\w+ ){0,2}(?:examiner|officer|clerk|office|board|court|judge"
    r"|applicant|owner|tenant|landlord|manager|director|operator|owners?|committee|council|holder)\b",
    re.IGNORECASE,
)
_PLACE = re.compile(
    r"\b(?:sections?|rules?|chapters?|articles?|paragraphs?|parts?|manual|found|set out|governed"
    r"|stated|described|laid down)\b|§",
    re.IGNORECASE,
)
_ENDS = re.compile(r"[.!?…:;][\"'”’»)\]*_`]*$")
_NOT_PROSE = re.compile(
    r"(?:```|\$\$|\\\]|\\\)|\|)$|^\s*(?:[-*•+]|\d{1,3}[.)])\s+\S.*$|\\boxed\{.*\}\W*$"
)
COPIED = 8
"""Tokens of a passage's line that make an answer a copy of it, where the answer has nothing else."""
FRAGMENT = 4
"""Tokens of a passage that make a fragment, where the answer has nothing else."""


class RelevanceSpec(Spec):
    """Whether answers are held to their question."""

    kinds: bool = True
    """Reject answers of another kind than the question asks for: no amount for "how much"."""
    sentences: bool = True
    """Reject answers that break off: without a full stop, or a fragment of a passage."""


def relevance(case: Case, spec: RelevanceSpec, citing: CitationSpec) -> Verdict:
    """Judge whether the answer addresses its question; the score is the share of its topic found.

    Reason: irrelevant_answer. Where an answer is known, correctness says more; nothing is checked.
    """
    if case.accepted:
        return not_checked("relevance", "known_answer")
    if not spec.kinds:
        return not_checked("relevance", "switched_off")
    answer = _bare(case.answer, citing)
    wanted = topic(main_clause(case.question))
    found = wanted & _words_around(answer, case, citing)
    share = len(found) / len(wanted) if wanted else 1.0
    wrong = (
        _is_copied_line(case, answer)
        or (bool(case.passages) and bool(wanted) and not found)
        or not _is_of_kind(answer, kind_of(case.question), case)
    )
    return verdict("relevance", "irrelevant_answer" if wrong else None, share)


def completeness(case: Case, spec: RelevanceSpec, citing: CitationSpec) -> Verdict:
    """Judge whether the answer is whole; the score is its number of words.

    Reason: incomplete_answer. A value alone is whole ("40 credits"), and so are lists and formulas.
    """
    if case.accepted:
        return not_checked("completeness", "known_answer")
    if not spec.sentences:
        return not_checked("completeness", "switched_off")
    answer = _bare(case.answer, citing)
    broken = not _is_whole(answer, case) or _is_fragment(answer, case)
    return verdict("completeness", "incomplete_answer" if broken else None, len(tokens(answer)))


def _bare(answer: str, citing: CitationSpec) -> str:
    """Return the answer without citations, and without blanks before the stop that follows one."""
    return re.sub(r"[ \t]+(?=[.,;:!?])", "", without_citations(answer, citing)).strip()


def _words_around(answer: str, case: Case, citing: CitationSpec) -> frozenset[str]:
    """Return the stems of an answer and of the headings that it cites: "40 credits [Section 7]" rests on both."""
    cited = {one for one in case.passages if one.section in case.answer}
    text = "\n".join((answer, *(one.heading or one.text for one in cited)))
    return frozenset(stem(one.norm) for one in tokens(text))


def _is_copied_line(case: Case, answer: str) -> bool:
    """Return whether the answer is a passage's line as the prompt shows it, or several of its sentences and nothing else."""
    spelt = norms(tokens(answer))
    labelled = norms(tokens(case.answer))
    for one in case.passages:
        line = Source.of(one.section, one.heading, one.text)
        shown = (*line.label_norms, *line.norms)
        least = max(1, min(COPIED, len(shown)))
        if len(labelled) >= least and labelled == shown[: len(labelled)]:
            return True
        if len(spelt) >= COPIED and line.holds(spelt) and len(sentences(answer)) > 1:
            return True
    return False


def _is_of_kind(answer: str, kind: Kind, case: Case) -> bool:
    """Return whether an answer holds what its question asks for.

    A value that the answer denies ("it is not 40 credits") is no answer.
    """
    if kind in ("amount", "number", "period", "person", "section") and _only_denies(answer):
        return bool(_FREE.search(answer))
    if kind in ("person", "section") and _YES_NO.match(answer):
        return False
    found = values(answer)
    counted = [one for one in found if one.kind == "number"]
    match kind:
        case "amount":
            return any(_is_amount(one) for one in counted) or bool(_FREE.search(answer))
        case "number":
            return bool(counted) or bool(
                _FREE.search(answer) or re.search(r"\b(?:one|no)\b", answer)
            )
        case "period":
            return _tells_time(answer, found)
        case "person":
            return _names_someone(answer, found) or not any(one.units for one in found)
        case "section":
            return _names_a_place(answer, case) or not any(
                one.units or one.kind == "name" for one in found
            )
        case "reason":
            return bool(_REASON_WORDS.search(answer)) or not found
        case "yes_no":
            return bool(_YES_NO.match(answer)) or _takes_up(answer, case)
        case "any":
            return True


def _only_denies(answer: str) -> bool:
    """Return whether every clause with a value is negated; "no later than" denies nothing."""
    plain = _BOUND.sub("", answer)
    valued = [sentence for sentence in sentences(plain) if values(sentence.text)]
    told = [one for sentence in valued for one in clauses(sentence.text)]
    return bool(told) and all(one.negated for one in told)


def _takes_up(answer: str, case: Case) -> bool:
    """Return whether the answer uses a word of the question that is more than its topic's heading."""
    headings = {stem(one.norm) for passage in case.passages for one in tokens(passage.heading)}
    predicate = topic(main_clause(case.question)) - headings
    return not predicate or bool(predicate & {stem(one.norm) for one in tokens(answer)})


def _is_amount(value: Value) -> bool:
    return not value.is_time


def _tells_time(answer: str, found: Sequence[Value]) -> bool:
    dated = any(one.norm in MONTHS - {"may"} for one in tokens(answer))
    clock = any(one.is_time or (one.kind == "label" and one.units == ("day",)) for one in found)
    year = any(one.kind == "number" and not one.units and len(one.text) == 4 for one in found)
    return dated or clock or year or bool(_TIME_WORDS.search(answer))


def _names_someone(answer: str, found: Sequence[Value]) -> bool:
    if any(one.kind == "name" for one in found) or _ROLE.search(answer):
        return True
    first = tokens(answer)[:2]
    return len(first) == 2 and all(one.is_capitalised for one in first)


def _names_a_place(answer: str, case: Case) -> bool:
    """Return whether the answer says where something stands."""
    spelt = f" {' '.join(norms(tokens(answer)))} "
    labels = (" ".join(norms(tokens(one.section))) for one in case.passages)
    named = any(f" {label} " in spelt for label in labels if label)
    return named or bool(_PLACE.search(answer)) or not spelt.strip()


def _is_whole(answer: str, case: Case) -> bool:
    """Return whether an answer ends as a sentence, a list, a formula or a value."""
    last = next((line.strip() for line in reversed(answer.splitlines()) if line.strip()), "")
    if not last:
        return bool(case.answer.strip())
    if _ENDS.search(last):
        return not _breaks_off(last)
    return bool(_NOT_PROSE.search(last)) or is_a_value(answer, case)


def _breaks_off(last: str) -> bool:
    """Return whether the word before the final stop cannot end a sentence."""
    words = tokens(last)
    return (
        bool(words) and words[-1].norm in _OPEN_ENDED and last.rstrip("\"'”’*_`)]")[-1:] in ".:;…"
    )


_OPEN_ENDED = frozenset(
    """a an the of and or but nor with by from is are was were be been if than because although
    while whose which who that's must shall may should would could will can into onto per via
    between among during""".split()
)
"""Words that want another behind them."""


def is_a_value(answer: str, case: Case) -> bool:
    """Return whether the answer is nothing but a value: "40 credits", "Examiner Vale".

    A number whose unit broke off is none, and neither is a label that only repeats the citation.
    """
    found = values(f"is {LIST_MARK.sub('', answer)}")
    words = [one for one in tokens(answer) if one.norm not in FILLERS]
    units = {unit for one in found for unit in one.units}
    named = {one.text for one in found} | units
    if not found or any(one.norm not in named and stem(one.norm) not in named for one in words):
        return False
    return not any(one.kind == "label" for one in found) and not _lacks_its_unit(found, case)


def _lacks_its_unit(found: Sequence[Value], case: Case) -> bool:
    bare = {one.text for one in found if one.kind == "number" and not one.units}
    shown = (one for passage in case.passages for one in values(passage.whole))
    return any(one.text in bare and one.units for one in shown)


def _is_fragment(answer: str, case: Case) -> bool:
    """Return whether the answer is a stretch cut out of a passage's sentence, and no sentence or value itself."""
    spelt = norms(tokens(answer))
    is_sentence = answer[:1].isupper() and bool(_ENDS.search(answer))
    if len(spelt) < FRAGMENT or is_sentence or is_a_value(answer, case):
        return False
    for one in case.passages:
        line = Source.of(one.section, one.heading, one.text)
        if line.holds(spelt) and not _ends_with_one(spelt, line):
            return True
    return False


def _ends_with_one(spelt: tuple[str, ...], line: Source) -> bool:
    """Return whether the stretch ends where a sentence of the line ends."""
    return any(
        one[-reach:] == spelt[-reach:]
        for one in line.sentences
        if (reach := min(len(one), len(spelt)))
    )
