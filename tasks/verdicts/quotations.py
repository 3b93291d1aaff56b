"""Quotations: what reads like a quotation of a passage is one, word for word."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from pydantic import Field

from tasks.spec import Spec
from tasks.verdicts.case import Case, Verdict, not_checked, shown, verdict
from tasks.verdicts.claims.alignment import Run, is_critical, runs, turns
from tasks.verdicts.claims.copied import copies
from tasks.verdicts.claims.polarity import forbids
from tasks.verdicts.claims.sentences import sentences
from tasks.verdicts.claims.sources import Source, sources_of
from tasks.verdicts.claims.tokens import is_negation, normed, norms

_MARKED = re.compile(
    r'(?:^|(?<=[\s(\[—–]))"(?=[\w\[.…])([^"\n]{8,600})(?<=\S)"(?=[\s.,;:!?)\]—–]|$)'
    r"|“([^”\n]{8,600})”|«([^»\n]{8,600})»|„([^“”\n]{8,600})[“”]|‹([^›\n]{8,600})›"
    r"|‘([^‘\n]{8,600}?)’(?!\w)|(?:^"
    r"|(?<=[\s(\[—–]))'(?=\w)([^'\n]{8,600})(?<=\S)'(?=[\s.,;:!?)\]]|$)",
    re.MULTILINE,
)
"""A straight mark opens behind a blank and closes before one; marks in code follow no such rule."""
_MARK = re.compile("[\"'“«„‹‘]")
_ELLIPSIS = re.compile(r"\.\.\.|…|\[[^\]]*\]")
MARKED_TOKENS = 3
"""Words that a stretch between quotation marks has at least; shorter ones are names and terms."""
LIKE = 0.6
"""Share of a marked stretch that stands in the prompt, from which it is meant as a quotation."""


class QuotationSpec(Spec):
    """What reads like a quotation."""

    run: int = Field(8, ge=4)
    """Words in a row, of which a few may differ, that make an unmarked stretch a quotation."""


@dataclass(frozen=True)
class Quoted:
    """A stretch that reads like a quotation, and whether it is exact."""

    text: str
    is_exact: bool
    is_paraphrase: bool = False
    """Whether no mark and no label gives it as the source's words, so that some may be its own."""


def quotations(case: Case, spec: QuotationSpec) -> Verdict:
    """Judge every quotation of think block and answer; the score is their number.

    A stretch is a quotation when quotation marks enclose it, when it follows the label of a section
    as in the prompt, or when it runs along the prompt for `run` words. One that differs from its
    source is misquoted, and so is what an answer from passages encloses and no passage holds; an
    unmarked one only where a number, a name, a date, a unit or a negation differs, for a paraphrase
    may choose its other words.
    """
    sources = sources_of(case.prompt, case.passages)
    found = [
        quoted
        for text in (case.think, case.answer)
        for quoted in quoted_in(text, case.prompt, sources, run=spec.run)
    ]
    if case.passages:
        found += _invented(case.answer, Source.of("", "", case.prompt))
    if not found:
        return not_checked("quotations", "no_quotation")
    altered = [shown(one.text) for one in found if not one.is_exact]
    if not altered:
        return verdict("quotations", None, len(found))
    seen = f"not so in the prompt: {', '.join(dict.fromkeys(altered))}"
    return verdict("quotations", "misquoted", len(found), seen)


def quoted_in(text: str, prompt: str, sources: tuple[Source, ...], *, run: int) -> Iterator[Quoted]:
    """Yield every stretch of a text that reads like a quotation of the prompt."""
    whole = Source.of("", "", prompt)
    yield from _marked(text, whole)
    for copy in copies(text, sources, whole):
        yield Quoted(copy.text, copy.is_exact)
    for one in runs(text, whole, least=run):
        yield Quoted(_text_of(text, one), not _differs(one, whole, text), is_paraphrase=True)


def _marked(text: str, whole: Source) -> Iterator[Quoted]:
    for piece in _enclosed(text):
        words = normed(piece)
        if len(words) < MARKED_TOKENS:
            continue
        if whole.holds(words):
            yield Quoted(piece, is_exact=True)
        elif _share_held(piece, whole) >= LIKE:
            yield Quoted(piece, is_exact=False)


def _enclosed(text: str) -> Iterator[str]:
    """Yield what quotation marks enclose, cut at omissions."""
    if not _MARK.search(text):
        return
    for found in _MARKED.finditer(text):
        yield from _ELLIPSIS.split(next(filter(None, found.groups())))


def _invented(answer: str, whole: Source) -> list[Quoted]:
    """Return what an answer puts between quotation marks and the prompt does not hold.

    A think block may put its own words between quotation marks ("one could say …"). An answer given
    from passages quotes the passages.
    """
    return [
        Quoted(piece, is_exact=False)
        for piece in _enclosed(answer)
        if len(normed(piece)) >= MARKED_TOKENS and not whole.holds(normed(piece))
    ]


def _share_held(piece: str, whole: Source) -> float:
    longest = max((one.matched for one in runs(piece, whole, least=2, seed=2)), default=0)
    return longest / len(normed(piece))


def _differs(run: Run, whole: Source, text: str) -> bool:
    """Return whether a run along the prompt says something else at a place that matters."""
    open_ended = any(
        one.norm == "unless" for change in run.changes for one in (*change.written, *change.due)
    )
    if turns(run) and not open_ended and not _is_denied_before(run, text):
        return True
    return any(
        is_critical(change) and not whole.holds(norms(change.around)) for change in run.changes
    )


def _is_denied_before(run: Run, text: str) -> bool:
    """Return whether the sentence turns the run around in the words before it: "It is forbidden for
    …".
    """
    start = run.tokens[0].start
    before = [one.text for one in sentences(text[:start])][-1:]
    if not before or text[:start].rstrip()[-1:] in ".!?":
        return False
    return sum(is_negation(one) or forbids(one) for one in normed(before[0])) % 2 == 1


def _text_of(text: str, run: Run) -> str:
    return text[run.tokens[0].start : run.tokens[-1].end]
