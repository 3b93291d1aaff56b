"""Citations: every cited section is one the teacher was shown, or is on the recipe's list."""

import re
from functools import lru_cache

from pydantic import field_validator

from tasks.ngrams import words
from tasks.spec import Spec
from tasks.verdicts.case import Case, Verdict, not_checked, shown, verdict


class CitationSpec(Spec):
    """What a citation looks like and which ones need no passage."""

    patterns: tuple[str, ...] = (r"\[([^\[\]\n]{1,80})\]",)
    """Regular expressions whose first group is the cited section or authority; what a shown passage
    cites itself resolves too.
    """
    allowed: tuple[str, ...] = ()
    """Sections and authorities that may be cited though no passage holds them."""
    must_cite: bool = True
    """An answer given from passages must cite one of them."""

    @field_validator("patterns")
    @classmethod
    def _have_a_group(cls, patterns: tuple[str, ...]) -> tuple[str, ...]:
        for pattern in patterns:
            try:
                groups = re.compile(pattern).groups
            except re.error as exc:
                raise ValueError(f"pattern {pattern!r} does not parse: {exc}") from exc
            if not groups:
                raise ValueError(f"pattern {pattern!r} needs a group for the section")
        return patterns


def citations(case: Case, spec: CitationSpec) -> Verdict:
    """Judge the citations of think block and answer; the score is the number that resolve.

    Rows without passages have none to resolve: nothing is checked.
    """
    if not case.passages:
        return not_checked("citations", "no_passages")
    known = {label_key(section) for section in (*spec.allowed, *shown_sections(case, spec))}
    cited = [label_key(found) for found in cited_sections(f"{case.think}\n{case.answer}", spec)]
    resolved = [section for section in cited if section in known]
    if len(resolved) < len(cited):
        unknown = sorted(set(cited) - known)
        seen = f"no section shown is called {', '.join(map(shown, unknown))}"
        return verdict("citations", "unresolved_citation", len(resolved), seen)
    in_answer = cited_sections(case.answer, spec)
    lacking = spec.must_cite and not in_answer and not case.closed_book
    return verdict("citations", "missing_citation" if lacking else None, len(resolved))


def shown_sections(case: Case, spec: CitationSpec) -> list[str]:
    """Return the sections of the passages shown, and those that the passages themselves cite."""
    return [
        section
        for passage in case.passages
        for section in (passage.section, *cited_sections(passage.whole, spec))
    ]


def cited_sections(text: str, spec: CitationSpec) -> list[str]:
    """Return every section a text cites, in order of pattern and place."""
    return list(_cited(text, spec.patterns))


@lru_cache(maxsize=4096)
def _cited(text: str, patterns: tuple[str, ...]) -> tuple[str, ...]:
    """Return what a text cites. Remembered: every gate asks it of the same answer and passages."""
    return tuple(match[1].strip() for one in patterns for match in re.finditer(one, text))


def without_citations(text: str, spec: CitationSpec) -> str:
    """Return the text with every citation taken out."""
    return _without(text, spec.patterns)


@lru_cache(maxsize=4096)
def _without(text: str, patterns: tuple[str, ...]) -> str:
    for one in patterns:
        text = re.sub(one, " ", text)
    return text


def cited_passages(case: Case, spec: CitationSpec) -> list[str]:
    """Return the texts of the passages that the answer cites; all of them when it cites none."""
    cited = {label_key(section) for section in cited_sections(case.answer, spec)}
    return [passage.whole for passage in case.passages if label_key(passage.section) in cited] or [
        passage.whole for passage in case.passages
    ]


@lru_cache(maxsize=4096)
def label_key(section: str) -> str:
    """Return what two spellings of one label have in common."""
    return " ".join(words(section))
