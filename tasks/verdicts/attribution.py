"""Attribution: what an answer asserts stands in the section it cites, and that section is the one
that answers.
"""

import re
from collections import Counter
from collections.abc import Sequence
from functools import lru_cache

from tasks.verdicts.case import Case, Passage, Verdict, not_checked, shown, verdict
from tasks.verdicts.citations import CitationSpec, label_key
from tasks.verdicts.claims.answers import Claim, claims
from tasks.verdicts.claims.asked import main_clause, topic
from tasks.verdicts.claims.contradiction import contradicts
from tasks.verdicts.claims.doers import lets_another_act, names_another_doer
from tasks.verdicts.claims.parties import gives_another_party, names_another, stands_elsewhere
from tasks.verdicts.claims.rivals import answers_another_question
from tasks.verdicts.claims.support import rests_on
from tasks.verdicts.claims.tokens import forms, normed, stem, stems, surfaces
from tasks.verdicts.claims.values import Value, name_words, values
from tasks.verdicts.evidence import EvidenceSpec, is_abstention

NOUNS_IN_CAPITALS = 0.2
"""Share of capitalised words inside sentences from which a text writes its nouns so, as German
does.
"""


def attribution(case: Case, spec: EvidenceSpec, citing: CitationSpec) -> Verdict:
    """Judge whether every value of the answer stands where the answer says; the score is their
    number.

    Reasons: misattributed (a number, unit, name or section that the cited section does not hold,
    one that belongs to another question, or a citation of another section than the one on the
    topic), contradicted_passage (a statement of the section, turned around).
    """
    if not case.passages:
        return not_checked("attribution", "no_passages")
    if case.family in spec.open:
        return not_checked("attribution", "open_family")
    stretches = claims(case, citing)
    if not stretches or is_abstention(case.answer, spec):
        return not_checked("attribution", "no_claim")
    fault = _misplaced(case, stretches, citing) or contradicts(case, stretches)
    seen = _seen(stretches) if fault else ""
    return verdict("attribution", fault, sum(len(values(one.text)) for one in stretches), seen)


def _seen(stretches: Sequence[Claim]) -> str:
    compared = (
        f"{shown(one.text)} with {shown(' '.join(rests_on(one.text, one.cited)[:1]))}"
        f" of {', '.join(cited.section for cited in one.cited)}"
        for one in stretches
    )
    return f"compared {'; '.join(compared)}"


def _misplaced(case: Case, stretches: Sequence[Claim], citing: CitationSpec) -> str | None:
    asked = main_clause(case.question)
    names = _names_known(case)
    wrong = (
        _cites_another_topic(case, stretches)
        or any(_strays(one, case, names, citing) for one in stretches)
        or any(answers_another_question(one, asked) for one in stretches)
        or any(stands_elsewhere(one, case) or names_another(one, case) for one in stretches)
        or any(gives_another_party(one, case) for one in stretches)
        or any(lets_another_act(one, case) or names_another_doer(one, case) for one in stretches)
    )
    return "misattributed" if wrong else None


def _cites_another_topic(case: Case, stretches: Sequence[Claim]) -> bool:
    """Return whether another shown section has the question's topic as its heading, and none that
    is cited has.

    A cited section that shares more words with the question is accepted: the question may name its
    topic in other words than the heading.
    """
    cited = {one for stretch in stretches for one in stretch.cited}
    best = max(case.passages, key=lambda one: _heading_fit(one, case.question))
    fit = _heading_fit(best, case.question)
    if not fit or any(_heading_fit(one, case.question) >= fit for one in cited):
        return False
    wanted = topic(case.question)
    return max((_coverage(one, wanted) for one in cited), default=0) <= _coverage(best, wanted)


def _coverage(passage: Passage, wanted: frozenset[str]) -> int:
    """Return how many of the wanted stems the passage holds; those of its heading count twice."""
    heading, text = frozenset(stems(passage.heading)), frozenset(stems(passage.text))
    return 2 * len(wanted & heading) + len(wanted & text)


def _heading_fit(passage: Passage, question: str) -> int:
    """Return the words of the heading if the question holds them all in a row, else 0."""
    heading = stems(passage.heading)
    spelt = f" {' '.join(stems(question))} "
    return len(heading) if heading and f" {' '.join(heading)} " in spelt else 0


def _strays(claim: Claim, case: Case, names: frozenset[str] | None, citing: CitationSpec) -> bool:
    """Return whether a value of the claim stands neither in the cited sections nor in the
    question.
    """
    sources = [*(one.whole for one in claim.cited), case.question]
    claim = claim._replace(text=_without_labels(claim, case))
    held = [one for text in sources for one in values(text, names=names or ())]
    words = frozenset[str]().union(*map(forms, sources))
    spelt = (*(one.section for one in claim.cited), *citing.allowed)
    labels = {key for one in spelt for key in (label_key(one), " ".join(normed(one)))}
    return any(
        not _stands(value, held, words, labels)
        for value in values(claim.text, names=names or ())
        if value.kind != "name" or names is not None
        if not _tallies(value, claim.text, held)
    )


_DEFINITE = re.compile(r"\b(?:these|those|both|the other)\s$", re.IGNORECASE)


def _tallies(value: Value, text: str, held: Sequence[Value]) -> bool:
    """Return whether a number in letters counts what the text itself tells: "two methods", "these
    two hours".

    Its unit is no measure, and nothing cited counts it, so that no other number can be meant.
    """
    if value.kind != "number" or not text[value.start].isalpha() or value.units[:1] == ("tim",):
        return False
    if _DEFINITE.search(text[: value.start]):
        return True
    counted = {unit for one in held if one.kind == "number" for unit in one.units[:1]}
    return bool(value.units) and not value.is_measured and not {*value.units[:1]} & counted


def _without_labels(claim: Claim, case: Case) -> str:
    """Return the claim without the labels of its cited sections, spelt out in the open."""
    text = claim.text
    for one in claim.cited:
        # "section 7" is a label by itself, and "7 days" is none
        if one.section.isdigit() or one.section not in text:
            continue
        text = re.sub(rf"(?<!\w){re.escape(one.section)}(?!\w)", " ", text)
    return text


def _stands(value: Value, held: Sequence[Value], words: frozenset[str], labels: set[str]) -> bool:
    match value.kind:
        case "name":
            return bool({value.text, stem(value.text)} & words) or any(
                value.text in label.split() for label in labels
            )
        case "label":
            named = any(value.text in label.split() for label in labels)
            return named or any(value.text == one.text for one in held)
        case "number" if value.text in ("1th", "2th"):
            rivals = {one.text for one in held if one.units and one.units == value.units}
            ordinal = any(text.endswith("th") for text in rivals)
            return value.text in rivals or not ordinal
        case "number" if value.dated[:1].isdigit() and any(
            value.dated == one.dated for one in held
        ):
            return any(value.agrees_with(one) for one in held if one.dated == value.dated)
        case "number":
            counted = {unit for one in held if one.kind == "number" for unit in one.units[:1]}
            loose = not value.is_measured and not set(value.units[:1]) & counted
            return any(
                one.kind != "name" and (_agree(value, one) or (loose and value.text == one.text))
                for one in held
            )


def _agree(value: Value, other: Value) -> bool:
    if other.kind == "label":
        return value.text == other.text
    return value.agrees_with(other)


def _names_known(case: Case) -> frozenset[str] | None:
    """Return the words that passages and question write as names; None if the text writes every
    noun with a capital.
    """
    texts = (*(one.text for one in case.passages), case.question)
    found = frozenset().union(*map(name_words, texts))
    counted = [_counted_words(one) for one in texts]
    capitalised = sum(of[name] for of, _ in counted for name in found)
    inside = sum(number for _, number in counted)
    return None if capitalised > NOUNS_IN_CAPITALS * max(1, inside) else found


@lru_cache(maxsize=4096)
def _counted_words(text: str) -> tuple[Counter[str], int]:
    """Return how often each word is written with a capital, and the number of words."""
    spelt = zip(surfaces(text), normed(text), strict=True)
    words = [(surface, norm) for surface, norm in spelt if not norm[0].isdigit()]
    return Counter([norm for surface, norm in words if surface[0].isupper()]), len(words)
