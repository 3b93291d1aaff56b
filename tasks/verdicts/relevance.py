"""Relevance: the answer addresses what is asked."""

from tasks.spec import Spec
from tasks.verdicts.case import Case, Verdict, not_checked, shown, verdict
from tasks.verdicts.citations import CitationSpec
from tasks.verdicts.claims.addressed import is_of_kind, leaves_it_to
from tasks.verdicts.claims.answers import sections_named, without_marks
from tasks.verdicts.claims.asked import kinds_of, main_clause, topic
from tasks.verdicts.claims.framing import FRAMING
from tasks.verdicts.claims.sentences import sentences
from tasks.verdicts.claims.sources import Source
from tasks.verdicts.claims.support import content, rests_on, told
from tasks.verdicts.claims.tokens import normed, stems
from tasks.verdicts.claims.values import values

COPIED = 8
"""Tokens of a passage's line that make an answer a copy of it, where the answer has nothing else.
"""


class RelevanceSpec(Spec):
    """Whether answers are held to their question."""

    kinds: bool = True
    """Reject answers of another kind than the question asks for: no amount for "how much"."""
    sentences: bool = True
    """Reject answers that break off: without a full stop, or a fragment of a passage."""


def relevance(case: Case, spec: RelevanceSpec, citing: CitationSpec) -> Verdict:
    """Judge whether the answer addresses its question; the score is the share of its topic found.

    Reason: irrelevant_answer. Rows with a known answer are not checked, because
    correctness says more about them.
    """
    if case.accepted:
        return not_checked("relevance", "known_answer")
    if not spec.kinds:
        return not_checked("relevance", "switched_off")
    answer = without_marks(case.answer, citing)
    wanted = topic(main_clause(case.question))
    found = wanted & _words_around(answer, case, citing)
    share = len(found) / len(wanted) if wanted else 1.0
    wrong = (
        _is_another_matter(case, answer)
        or _is_copied_line(case, answer)
        or (bool(case.passages) and len(wanted - FRAMING) > 1 and not found)
        or any(not is_of_kind(answer, kind, case) for kind in kinds_of(case.question))
        or _gives_one_of_two(answer, case)
    )
    if not wrong:
        return verdict("relevance", None, share)
    seen = f"asked {shown(case.question)}, answered {shown(case.answer)}"
    return verdict("relevance", "irrelevant_answer", share, seen)


def _words_around(answer: str, case: Case, citing: CitationSpec) -> frozenset[str]:
    """Return the stems of an answer and of the headings that it cites: "40 credits [Section 7]"
    rests on both.
    """
    cited = sections_named(case)
    answer = "\n".join((answer, *_resting(answer, case)))
    text = "\n".join((answer, *(one.heading or one.text for one in cited)))
    return frozenset(stems(text))


def _resting(answer: str, case: Case) -> list[str]:
    """Return the cited sentences that the sentences of an answer rest on; of "yes" and "no",
    all.
    """
    cited = sections_named(case)
    if leaves_it_to(case.question, answer):
        return told(cited)
    return [each for one in sentences(answer) for each in rests_on(one.text, cited)]


def _is_another_matter(case: Case, answer: str) -> bool:
    """Return whether the answer rests on a sentence that shares far less with the question than
    another one does.
    """
    cited = sections_named(case)
    wanted = topic(main_clause(case.question))
    if not cited or not wanted:
        return False
    headings = frozenset().union(*(content(one.heading) for one in cited))
    narrow = wanted - headings - FRAMING
    return _rests_elsewhere(answer, wanted, case) and (
        not headings <= wanted or _rests_elsewhere(answer, narrow, case)
    )


def _rests_elsewhere(answer: str, wanted: frozenset[str], case: Case) -> bool:
    """Return whether the answer's sentence has less than half of the wanted words that another one
    has.
    """
    said = content(answer)
    resting = _resting(answer, case)
    repeats = any(len(said & content(one) - wanted) > 1 for one in resting)
    if not (repeats or leaves_it_to(case.question, answer)):
        return False
    own = max(
        (len(wanted & (content(one) | said)) for one in resting),
        default=len(wanted & said),
    )
    best = max((len(wanted & content(one)) for one in told(case.passages)), default=0)
    return best >= 2 and 2 * own < best


def _is_copied_line(case: Case, answer: str) -> bool:
    """Return whether the answer is a passage's line from its beginning, as the prompt shows it, or
    more than the first of its sentences and nothing else.
    """
    spelt, labelled = normed(answer), normed(case.answer)
    for one in case.passages:
        line = Source.of(one.section, one.heading, one.text)
        text = normed(one.text)
        first = normed(sentences(one.text)[0].text) if text else ()
        shown = (*line.label_norms, *line.norms)
        least = max(1, min(COPIED, len(shown)))
        if len(labelled) >= least and labelled == shown[: len(labelled)]:
            return True
        begins = spelt in (line.norms[: len(spelt)], text[: len(spelt)])
        if begins and len(spelt) >= max(COPIED, len(first) + 1):
            return True
    return False


def _gives_one_of_two(answer: str, case: Case) -> bool:
    """Return whether a question asks for two times or amounts, and the answer has one value only.

    What passages tell without a number ("at dusk") counts as told.
    """
    kinds = [one for one in kinds_of(case.question) if one in ("amount", "period", "number")]
    if len(kinds) < 2 or len(set(kinds)) > 1:
        return False
    resting = rests_on(answer, sections_named(case))
    shown = max((len(_counted(one)) for one in resting), default=0)
    return len(_counted(answer)) == 1 and shown >= 2


def _counted(text: str) -> set[tuple[str, tuple[str, ...]]]:
    return {(one.text, one.units[:1]) for one in values(text) if one.kind == "number"}
