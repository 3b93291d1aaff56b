"""Planted faults: sound rows made wrong in one known way, to measure what the gates are worth.

Each fault changes one thing of a row that passed and leaves the rest as it was. A row that has no
place for a fault (no quotation to alter, no second section to cite) is left out of its measure.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from random import Random
from typing import TypeVar

from tasks.spec import draw_seed
from tasks.verdicts.case import Case, Passage
from tasks.verdicts.citations import CitationSpec, cited_sections, without_citations
from tasks.verdicts.claims.answers import claims
from tasks.verdicts.claims.polarity import FILLERS
from tasks.verdicts.claims.sentences import sentences
from tasks.verdicts.claims.sources import sources_of
from tasks.verdicts.claims.tokens import NEGATIONS, stem, tokens
from tasks.verdicts.claims.values import MONTHS, Value, values
from tasks.verdicts.completeness import is_a_value
from tasks.verdicts.quotations import QuotationSpec, quoted_in

T = TypeVar("T")
Fault = Callable[[Case, Sequence[Case], Random], Case | None]
"""From a sound row, the other sound rows and a random source to the spoilt row."""

CITING = CitationSpec()
OTHER_UNITS = {
    "day": "weeks", "days": "weeks", "week": "months", "weeks": "months", "month": "days",
    "months": "days", "year": "months", "years": "months", "hour": "days", "hours": "days",
    "credits": "euros", "euros": "dollars", "dollars": "euros", "percent": "points",
    "metres": "feet", "kilograms": "pounds", "litres": "gallons", "minutes": "hours",
}  # fmt: skip
_AUXILIARY = re.compile(
    r"\b(is|are|was|were|may|must|can|should|will|does|do|has|have)\b(?! not)", re.IGNORECASE
)


def planted(case: Case, others: Sequence[Case], kind: str, *, seed: int) -> Case | None:
    """Return the row with the fault in it; None where the row has no place for it."""
    made = FAULTS[kind](case, others, Random(draw_seed(seed, kind, case.trace_id)))
    changed = made is not None and (made.answer, made.think) != (case.answer, case.think)
    return made if changed else None


def other_value(case: Case, others: Sequence[Case], rng: Random) -> Case | None:
    """Give the number that another shown section has for the same thing."""
    for value in _drawn(rng, _own(case, "number")):
        elsewhere = [
            one.text
            for passage in case.passages
            for one in values(passage.text)
            if one.kind == "number" and set(one.units) & set(value.units)
        ]
        held = {one.text for claim in claims(case, CITING) for one in _held(claim.cited)}
        if fits := sorted(set(elsewhere) - held):
            return _with(case, value, rng.choice(fits))
    return None


def other_name(case: Case, others: Sequence[Case], rng: Random) -> Case | None:
    """Give another name than the cited section's."""
    own = {one.norm for passage in case.passages for one in tokens(passage.whole)}
    for value in _drawn(rng, _own(case, "name")):
        names = {
            _spelling(other.answer, one)
            for other in others
            for one in values(other.answer)
            if one.kind == "name" and one.text != value.text
        }
        if value.text in own and (fits := sorted(names - {_spelling(case.answer, value)})):
            return _with(case, value, rng.choice(fits))
    return None


def other_section(case: Case, others: Sequence[Case], rng: Random) -> Case | None:
    """Cite another of the shown sections, in brackets and in the open."""
    cited = set(cited_sections(case.answer, CITING))
    left = sorted({one.section for one in case.passages} - cited)
    if len(cited) != 1 or not left:
        return None
    return replace(case, answer=case.answer.replace(cited.pop(), rng.choice(left)))


def invented_section(case: Case, others: Sequence[Case], rng: Random) -> Case | None:
    """Cite a section that nobody showed."""
    cited = [one for one in cited_sections(case.answer, CITING) if re.search(r"\d", one)]
    if not cited:
        return None
    shown = {one.section for one in case.passages}
    while True:
        made = re.sub(r"\d+", lambda found: str(int(found[0]) + rng.randint(1, 400)), cited[0])
        if made not in shown:
            return replace(case, answer=case.answer.replace(cited[0], made))


def other_unit(case: Case, others: Sequence[Case], rng: Random) -> Case | None:
    """Give the right number of another unit."""
    for value in _drawn(rng, _own(case, "number")):
        behind = case.answer[value.end :]
        unit = re.match(r"(\s+)([a-z]+)", behind)
        if unit and unit[2] in OTHER_UNITS:
            changed = unit[1] + OTHER_UNITS[unit[2]] + behind[unit.end() :]
            return replace(case, answer=case.answer[: value.end] + changed)
    return None


def off_by_one(case: Case, others: Sequence[Case], rng: Random) -> Case | None:
    """Give a number that is one too large or too small."""
    for value in _drawn(rng, _own(case, "number")):
        if value.text.isdigit() and value.units:
            return _with(case, value, str(int(value.text) + rng.choice((-1, 1))))
    return None


def flipped_negation(case: Case, others: Sequence[Case], rng: Random) -> Case | None:
    """Turn the statement of the answer around."""
    for one in tokens(case.answer):
        if one.norm in {"not", "never"} & NEGATIONS:
            return replace(case, answer=case.answer[: one.start - 1] + case.answer[one.end :])
    found = _AUXILIARY.search(case.answer)
    if found is None:
        return None
    return replace(case, answer=f"{case.answer[: found.end()]} not{case.answer[found.end() :]}")


def altered_quote(case: Case, others: Sequence[Case], rng: Random) -> Case | None:
    """Change one word within a quotation of the think block; of a paraphrase, a number."""
    sources = sources_of(case.prompt, case.passages)
    found = quoted_in(case.think, case.prompt, sources, run=QuotationSpec().run)
    for one in _drawn(rng, [one for one in found if one.is_exact]):
        quoted = one.text
        inside = [
            token
            for token in tokens(quoted)[1:]
            if token.norm not in FILLERS and (not one.is_paraphrase or token.is_number)
        ]
        if inside:
            token = rng.choice(inside)
            other = _other_token(token.surface, case, rng)
            made = quoted[: token.start] + other + quoted[token.end :]
            return replace(case, think=case.think.replace(quoted, made, 1))
    return None


def half_sentence(case: Case, others: Sequence[Case], rng: Random) -> Case | None:
    """Break the answer off in the middle of its first sentence; what it cites stays."""
    first = next(iter(sentences(without_citations(case.answer, CITING).strip())), None)
    words = tokens(first.text) if first else ()
    cites = "".join(f" [{one}]" for one in cited_sections(case.answer, CITING)[:1])
    for place in range((len(words) + 1) // 2, len(words)):
        cut = first.text[: words[place].start].rstrip(" ,;:(") if first else ""
        if cut and not is_a_value(cut, case):
            return replace(case, answer=cut + cites)
    return None


def copied_line(case: Case, others: Sequence[Case], rng: Random) -> Case | None:
    """Answer with the first passage as the prompt shows it."""
    first = next(iter(case.passages), None)
    if first is None:
        return None
    return replace(case, answer=f"[{first.section}] {' '.join(first.whole.split())}")


def other_question(case: Case, others: Sequence[Case], rng: Random) -> Case | None:
    """Answer another question about the same section: right, cited, and not what was asked."""
    cited = set(cited_sections(case.answer, CITING))
    twins = [
        one.answer
        for one in others
        if one.question != case.question and set(cited_sections(one.answer, CITING)) == cited
    ]
    fits = sorted({one for one in twins if _values_of(one) != _values_of(case.answer)})
    return replace(case, answer=rng.choice(fits)) if fits else None


def contradicted_think(case: Case, others: Sequence[Case], rng: Random) -> Case | None:
    """Let the think block end on another value than the answer."""
    for value in _drawn(rng, [*_own(case, "number"), *_own(case, "name")]):
        written = _spelling(case.answer, value)
        place = case.think.rfind(written)
        if place < 0 or not (value.units or value.kind == "name"):
            continue
        other = _another(case, others, value, rng)
        if other:
            think = case.think[:place] + other + case.think[place + len(written) :]
            return replace(case, think=think)
    return None


def foreign_answer(case: Case, others: Sequence[Case], rng: Random) -> Case | None:
    """Give the answer of another row of the family, with what it cites."""
    fits = sorted(
        {
            one.answer
            for one in others
            if one.family == case.family and one.question != case.question
        }
    )
    return replace(case, answer=rng.choice(fits)) if fits else None


FAULTS: Mapping[str, Fault] = {
    one.__name__: one
    for one in (
        other_value,
        other_name,
        other_section,
        invented_section,
        other_unit,
        off_by_one,
        flipped_negation,
        altered_quote,
        half_sentence,
        copied_line,
        other_question,
        contradicted_think,
        foreign_answer,
    )
}
"""Every kind of fault by its name."""


def _own(case: Case, kind: str) -> list[Value]:
    """Return the values of the answer, those inside its citations left out."""
    inside = [
        range(match.start(), match.end())
        for pattern in CITING.patterns
        for match in re.finditer(pattern, case.answer)
    ]
    return [
        one
        for one in values(case.answer)
        if one.kind == kind and not any(one.start in span for span in inside)
    ]


def _held(passages: Sequence[Passage]) -> list[Value]:
    return [one for passage in passages for one in values(passage.whole)]


def _with(case: Case, value: Value, text: str) -> Case:
    """Return the row with another text in the value's place."""
    return replace(case, answer=case.answer[: value.start] + text + case.answer[value.end :])


def _spelling(answer: str, value: Value) -> str:
    return answer[value.start : value.end]


def _values_of(answer: str) -> set[str]:
    return {one.text for one in values(answer)}


def _another(case: Case, others: Sequence[Case], value: Value, rng: Random) -> str:
    """Return another value of the same kind: a number one off, or another row's name."""
    if value.kind == "number":
        return str(int(value.text) + rng.randint(1, 9)) if value.text.isdigit() else ""
    names = {_spelling(one.answer, name) for one in others for name in _own(one, "name")}
    months = {one.title() for one in MONTHS}
    # A month stands for a month, and a name for a name.
    alike = months if value.text in MONTHS else names - months
    fits = sorted(alike - {_spelling(case.answer, value)})
    return rng.choice(fits) if fits else ""


def _other_token(surface: str, case: Case, rng: Random) -> str:
    """Return a number one to nine larger, or a word of the prompt that is no form of this one."""
    if surface.isdigit():
        return str(int(surface) + rng.randint(1, 9))
    words = {one.surface for one in tokens(case.prompt) if not one.is_number and len(one.norm) > 3}
    fits = sorted(one for one in words if stem(one.casefold()) != stem(surface.casefold()))
    return rng.choice(fits)


def _drawn(rng: Random, found: Sequence[T]) -> list[T]:
    return rng.sample(list(found), len(found))
