"""Attribution: what an answer asserts stands in the section it cites, and that section is the one that answers."""

from collections.abc import Iterable, Iterator, Sequence

from tasks.verdicts.case import Case, Passage, Verdict, not_checked, verdict
from tasks.verdicts.citations import CitationSpec, label_key
from tasks.verdicts.claims.answers import Claim, claims
from tasks.verdicts.claims.asked import kind_of, main_clause, topic
from tasks.verdicts.claims.polarity import Clause, clauses, likeness
from tasks.verdicts.claims.sentences import sentences
from tasks.verdicts.claims.tokens import norms, stem, tokens
from tasks.verdicts.claims.values import Value, name_words, values
from tasks.verdicts.evidence import EvidenceSpec, is_abstention

SAME_STATEMENT = 0.75
"""Likeness of two clauses from which one says the same as the other, or its opposite."""
NOUNS_IN_CAPITALS = 0.2
"""Share of capitalised words inside sentences from which a text writes its nouns so, as German does."""


def attribution(case: Case, spec: EvidenceSpec, citing: CitationSpec) -> Verdict:
    """Judge whether every value of the answer stands where the answer says; the score is their number.

    Reasons: misattributed (a number, unit, name or section that the cited section does not hold, one
    that belongs to another question, or a citation of another section than the one on the topic),
    contradicted_passage (a statement of the section, turned around).
    """
    if not case.passages:
        return not_checked("attribution", "no_passages")
    if case.family in spec.open:
        return not_checked("attribution", "open_family")
    stretches = claims(case, citing)
    if not stretches or is_abstention(case.answer, spec):
        return not_checked("attribution", "no_claim")
    fault = _misplaced(case, stretches, citing) or _contradicted(case, stretches)
    return verdict("attribution", fault, sum(len(values(one.text)) for one in stretches))


def _misplaced(case: Case, stretches: Sequence[Claim], citing: CitationSpec) -> str | None:
    asked = main_clause(case.question)
    names = _names_known(case)
    wrong = (
        _cites_another_topic(case, stretches)
        or any(_strays(one, case, names, citing) for one in stretches)
        or any(_answers_another_question(one, asked) for one in stretches)
    )
    return "misattributed" if wrong else None


def _cites_another_topic(case: Case, stretches: Sequence[Claim]) -> bool:
    """Return whether another shown section has the question's topic as its heading, and none that is cited has.

    A cited section whose heading and text share more words with the question is accepted all the
    same: the question may name its topic in other words than the heading.
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
    heading, text = (
        {stem(one.norm) for one in tokens(part)} for part in (passage.heading, passage.text)
    )
    return 2 * len(wanted & heading) + len(wanted & text)


def _heading_fit(passage: Passage, question: str) -> int:
    """Return the words of the heading if the question holds them all in a row, else 0."""
    heading, asked = (
        [stem(one) for one in norms(tokens(text))] for text in (passage.heading, question)
    )
    spelt = f" {' '.join(asked)} "
    return len(heading) if heading and f" {' '.join(heading)} " in spelt else 0


def _strays(claim: Claim, case: Case, names: frozenset[str] | None, citing: CitationSpec) -> bool:
    """Return whether a value of the claim stands neither in the cited sections nor in the question."""
    sources = [*(one.whole for one in claim.cited), case.question]
    held = [one for text in sources for one in values(text, names=names or ())]
    words = {one.norm for text in sources for one in tokens(text)}
    labels = {label_key(one) for one in (*(one.section for one in claim.cited), *citing.allowed)}
    return any(
        not _stands(value, held, words, labels)
        for value in values(claim.text, names=names or ())
        if value.kind != "name" or names is not None
    )


def _stands(value: Value, held: Sequence[Value], words: set[str], labels: set[str]) -> bool:
    match value.kind:
        case "name":
            return value.text in words or any(value.text in label.split() for label in labels)
        case "label":
            named = any(value.text in label.split() for label in labels)
            return named or any(value.text == one.text for one in held)
        case "number":
            return any(one.kind != "name" and _agree(value, one) for one in held)


def _agree(value: Value, other: Value) -> bool:
    if other.kind == "label":
        return value.text == other.text
    return value.agrees_with(other)


def _answers_another_question(claim: Claim, asked: str) -> bool:
    """Return whether the claim's one number belongs to a sentence that fits the question worse than another one's.

    Numbers of one unit compete: where a section gives two fees, the question says which is meant.
    """
    given = [one for one in values(claim.text) if one.kind == "number" and one.units]
    if len({one.text for one in given}) != 1:
        return False
    wanted, rivals = topic(asked), list(_rivals(given[0], claim.cited))
    own = [fit for fit, same in _fits(rivals, given[0], wanted) if same]
    others = [fit for fit, same in _fits(rivals, given[0], wanted) if not same]
    return bool(own and others) and max(others) > max(own)


def _rivals(value: Value, cited: Iterable[Passage]) -> Iterator[tuple[str, Value]]:
    """Yield (clause or sentence, number) for every number of the cited sections with the value's unit."""
    for passage in cited:
        for sentence in sentences(passage.text):
            for one in values(sentence.text):
                if one.kind == "number" and set(one.units) & set(value.units):
                    yield sentence.text, one


def _fits(
    rivals: Sequence[tuple[str, Value]], value: Value, wanted: frozenset[str]
) -> Iterator[tuple[int, bool]]:
    """Yield (words of the question that the sentence shares, whether its number is the value's)."""
    for text, one in rivals:
        shared = wanted & {stem(token.norm) for token in tokens(text)}
        yield len(shared), one.text == value.text


def _contradicted(case: Case, stretches: Sequence[Claim]) -> str | None:
    """Return the fault of an answer with a clause that turns one of its section, or its question, around."""
    taken = _presupposed(case.question)
    for claim in stretches:
        known = [
            clause
            for passage in claim.cited
            for sentence in sentences(passage.whole)
            for clause in clauses(sentence.text)
        ]
        for sentence in sentences(claim.text):
            said = clauses(sentence.text)
            if any(_turned(one, known) or _denies(one, taken) for one in said):
                return "contradicted_passage"
    return None


def _turned(clause: Clause, known: Sequence[Clause]) -> bool:
    if len(clause.content) < 2:
        return False
    alike = [(likeness(clause, one), one.negated == clause.negated) for one in known]
    closest = max((degree for degree, _ in alike), default=0.0)
    agrees = any(same for degree, same in alike if degree >= max(closest, SAME_STATEMENT))
    return closest >= SAME_STATEMENT and not agrees


def _presupposed(question: str) -> Clause | None:
    """Return what a question takes for granted: "why are faxes refused?" says that they are."""
    if kind_of(question) in ("yes_no", "any"):
        return None
    negated = any(one.is_negation for one in tokens(main_clause(question)))
    return Clause(topic(main_clause(question)), negated)


def _denies(clause: Clause, taken: Clause | None) -> bool:
    return taken is not None and clause.content <= taken.content and clause.negated != taken.negated


def _names_known(case: Case) -> frozenset[str] | None:
    """Return the words that passages and question write as names; None where every noun is written so."""
    shown = "\n".join((*(one.text for one in case.passages), case.question))
    found = name_words(shown)
    inside = [one for one in tokens(shown) if not one.is_number]
    capitalised = sum(one.norm in found and one.is_capitalised for one in inside)
    return None if capitalised > NOUNS_IN_CAPITALS * max(1, len(inside)) else found
