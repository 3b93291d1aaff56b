"""An answer taken apart: each stretch with the sections that are cited for it."""

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import NamedTuple

from tasks.verdicts.case import Case, Passage
from tasks.verdicts.citations import (
    CitationSpec,
    cited_sections,
    label_key,
    without_citations,
)
from tasks.verdicts.claims.values import LABELS

LIST_MARK = re.compile(r"(?m)^\W*\d{1,2}[.)](?=[ \t]+\w)")
"""The number of an item in a list, which claims nothing."""


class Claim(NamedTuple):
    """A stretch of an answer without its citations. cited: the passages shown that are cited for
    it.
    """

    text: str
    cited: tuple[Passage, ...]


def claims(case: Case, citing: CitationSpec) -> list[Claim]:
    """Return the stretches of the answer with what is cited for each.

    A citation stands for what precedes it, back to the one before. What follows the last one, and
    an answer that cites nothing, rests on everything that is cited or, without any citation, shown.
    An answer that cites one section is one stretch, wherever the citation stands in its sentence.
    """
    labels = cited_sections(case.answer, citing)
    anywhere = _passages(labels, case) or case.passages
    if len(set(map(label_key, labels))) < 2:
        text = without_marks(LIST_MARK.sub("", case.answer), citing)
        return [Claim(text, anywhere)] if re.search(r"\w", text) else []
    return [
        Claim(text, _passages(labels, case) or anywhere)
        for text, labels in _stretches(case.answer, citing)
        if re.search(r"\w", text)
    ]


def without_marks(answer: str, citing: CitationSpec) -> str:
    """Return the answer without citations, and without blanks before the stop that follows one."""
    return re.sub(r"[ \t]+(?=[.,;:!?])", "", without_citations(answer, citing)).strip()


def sections_named(case: Case) -> list[Passage]:
    """Return the passages whose labels the answer spells."""
    return [one for one in case.passages if label_in(one.section, case.answer)]


def label_in(section: str, text: str) -> re.Match[str] | None:
    """Return where a text spells a section's label; "Rule 3" does not stand in "Rule 3.1" or "Rule
    30".

    A label that is a mere number stands in brackets or behind a word like "section": "1 April" and
    "£1,240" do not spell section 1.
    """
    return _label(section).search(text) if section in text else None


@lru_cache(maxsize=4096)
def _label(section: str) -> re.Pattern[str]:
    before = _BEFORE_A_NUMBER if section.isdigit() else r"(?<!\w)"
    return re.compile(rf"{before}{re.escape(section)}(?!\w|[.-]\w)")


_BEFORE_A_NUMBER = rf"(?:\[\s*|(?i:\b(?:{'|'.join(sorted(LABELS))}))\s+\[?\s*|§+\s*)"


def _passages(labels: list[str], case: Case) -> tuple[Passage, ...]:
    """Return the passages shown under these labels; a long section has several."""
    keys = set(map(label_key, labels))
    return tuple(one for one in case.passages if label_key(one.section) in keys)


def _stretches(answer: str, citing: CitationSpec) -> Iterator[tuple[str, list[str]]]:
    """Yield (text, labels cited behind it); citations that follow one another belong together."""
    text, labels = "", list[str]()
    for piece, label in _pieces(LIST_MARK.sub("", answer), citing):
        if re.search(r"\w", piece) and labels:
            yield text, labels
            text, labels = "", []
        text += piece
        labels += [label] if label else []
    yield text, labels


def _pieces(answer: str, citing: CitationSpec) -> Iterator[tuple[str, str]]:
    """Yield (text before a citation, its label), then (the rest, "")."""
    found = sorted(
        (match.span(), match[1])
        for pattern in citing.patterns
        for match in re.finditer(pattern, answer)
    )
    place = 0
    for (start, end), label in found:
        if start < place:
            continue
        yield answer[place:start], label.strip()
        place = end
    yield answer[place:], ""
