"""An answer that is a yes or no per criterion."""

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple, Self

from pydantic import Field, model_validator

from tasks.chains.returns.answers import parts_after, plain, reading, unfenced
from tasks.chains.returns.opinions import Criterion, Opinion, criterion_of, is_bare, opinion_of
from tasks.chains.returns.parsed import Name, Parsed, Unparsed
from tasks.spec import Spec


class Verdict(Spec):
    """A yes or no per criterion, such as "clear: no" or "not clear"; both are refused."""

    verdict: tuple[Name, ...] = Field(min_length=1, max_length=20)
    """Names of the criteria. An answer to one criterion needs no name: "Yes." is enough."""

    @property
    def names(self) -> tuple[str, ...]:
        """The fields of every item."""
        return self.verdict

    @model_validator(mode="after")
    def _names_differ(self) -> Self:
        if len(set(self.verdict)) < len(self.verdict):
            raise ValueError("a criterion is there twice")
        return self

    def parse(self, text: str) -> Parsed | Unparsed:
        """Return yes or no for every criterion.

        >>> Verdict(verdict=("clear",)).parse("The final judgement is: not clear")
        ({'clear': 'no'},)
        >>> Verdict(verdict=("clear",)).parse("Yes and no.")
        Unparsed(reason='no_verdict')
        """
        return reading(text, self._read)

    def _read(self, answer: str) -> Parsed | Unparsed:
        criteria = tuple(criterion_of(name) for name in self.verdict)
        said = list(_said(_plain(answer), criteria))
        if any(one.criterion is None for one in said) and len(criteria) > 1:
            return Unparsed("unnamed_verdict")
        item: dict[str, str] = {}
        for name in self.verdict:
            opinions = {one.opinion for one in said if one.criterion in {None, name}}
            if len(opinions) > 1 or "both" in opinions:
                return Unparsed("two_verdicts")
            item |= dict.fromkeys([name] if opinions else [], "".join(opinions))
        if len(item) < len(self.verdict):
            return Unparsed("missing_verdict" if item else "no_verdict")
        return (item,)


class _Said(NamedTuple):
    """An opinion on a criterion; on None if the answer names none of several."""

    criterion: str | None
    opinion: Opinion


_LABEL = (
    r"(?:so,? |therefore,? |thus,? |hence,? )?(?:(?:the|my) )?(?:final |overall )?(?:answer|verdict"
    r"|judge?ment|decision|conclusion|output|result|response|label|classification|assessment)"
    r"(?:\s+is\b\s*:?|\s*[:=]|\s+[-–—]\s)"
)
_TURN = re.compile(
    r"(?:but|actually|however|rather|wait|hmm|well|so|thus|therefore|overall|in short|in conclusion"
    r"|on reflection|correction|and)\b[,:]?\s+",
    re.IGNORECASE,
)
_SENTENCE = re.compile(r"(?<=[.!?])\s+")
_MARK = re.compile(r"(?:[-*•]|[0-9]{1,2}[.)])\s+")
_KEY = re.compile(r",\s*(?=\"\w+\"\s*:)")
_WRAPPERS = re.compile(r"[{}\[\]<>\"“”`*#]")


def _plain(answer: str) -> list[str]:
    """Return the lines of an answer without markup, quotation marks and marks of list items."""
    lines = _KEY.sub("\n", unfenced(answer)).splitlines()
    bare = (_WRAPPERS.sub("", plain(line)).strip(" \t,|").replace("|", ":") for line in lines)
    return [_MARK.sub("", line, count=1) if _MARK.match(line) else line for line in bare if line]


def _segments(lines: Sequence[str], criteria: Sequence[Criterion]) -> Iterator[tuple[str, str]]:
    """Yield the parts of an answer, each with the criterion it is about, "" where none is named."""
    names = "|".join(one.name.pattern for one in sorted(criteria, key=lambda one: -len(one.key)))
    heads = re.compile(
        rf"(?<![\w-])(?<!not )(?P<name>{names})(?:\s*[:=]|\s*\?:?)|^(?P<first>{names})\s+[-–—]\s"
        rf"|(?:^|(?<=[.!?] ))(?P<label>{_LABEL})",
        re.IGNORECASE,
    )
    about = ""
    for line in lines:
        found = list(heads.finditer(line))
        free = line[: found[0].start()] if found else line
        if free.strip():
            yield about, free.strip()
            about = ""
        for head, part in parts_after(found, line):
            about = _key(head["name"] or head["first"] or "", criteria)
            if phrase := part.strip(" \t,;"):
                yield about, phrase
                about = ""


def _key(written: str, criteria: Sequence[Criterion]) -> str:
    return next((one.key for one in criteria if one.name.fullmatch(written)), "")


def _said(lines: Sequence[str], criteria: Sequence[Criterion]) -> Iterator[_Said]:
    """Yield the opinions in an answer: after a name, after a label, or alone."""
    for about, text in _segments(lines, criteria):
        whole, *later = (_TURN.sub("", one, count=1) for one in [text, *_SENTENCE.split(text)[1:]])
        meant = [one for one in criteria if one.key == about] or criteria
        yield from _opinions([whole], meant)
        yield from _opinions(later, criteria)


def _opinions(phrases: Sequence[str], criteria: Sequence[Criterion]) -> Iterator[_Said]:
    for phrase in phrases:
        if len(criteria) > 1 and is_bare(phrase):
            yield _Said(None, "both")
            continue
        for one in criteria:
            if opinion := opinion_of(phrase, one):
                yield _Said(one.key, opinion)
