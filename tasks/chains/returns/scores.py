"""An answer that is one whole number in a range."""

import re
from collections.abc import Iterator
from typing import Annotated, NamedTuple

from pydantic import AfterValidator

from tasks.chains.returns.answers import plain, reading
from tasks.chains.returns.numerals import NUMBER, whole
from tasks.chains.returns.parsed import Parsed, Unparsed, one
from tasks.spec import Spec


def _rising(ends: tuple[int, int]) -> tuple[int, int]:
    if not -1000 <= ends[0] < ends[1] <= 1000:
        raise ValueError("the lowest score comes first, and both are in -1000 … 1000")
    return ends


Range = Annotated[tuple[int, int], AfterValidator(_rising)]
"""Lowest and highest score."""


class Score(Spec):
    """One whole number in a range: on a line of its own, or after "Score:" or "Rating:"."""

    score: Range
    """Lowest and highest score."""

    @property
    def names(self) -> tuple[str, ...]:
        """The fields of every item."""
        return ("score",)

    def parse(self, text: str) -> Parsed | Unparsed:
        """Return the score.

        >>> Score(score=(1, 5)).parse("It names the fee. Score: 4/5")
        ({'score': '4'},)
        >>> Score(score=(1, 5)).parse("Score: 4. On reflection, 3.")
        Unparsed(reason='two_scores')
        """
        return reading(text, self._read)

    def _read(self, answer: str) -> Parsed | Unparsed:
        found = find_score(answer, self.score)
        return found if isinstance(found, Unparsed) else one("score", str(found))


_LABEL = (
    r"(?:(?:the|my|its|this|your) )?(?:(?:final|overall|total|numerical|average|quality|complexity"
    r"|difficulty|helpfulness|usefulness|honesty|truthfulness|relevance|accuracy|clarity)[ _]){0,2}"
    r"(?:score|rating|grade|mark|points?|quality|complexity|difficulty|helpfulness|usefulness"
    r"|honesty|truthfulness|relevance|accuracy|clarity)"
)
_GIVE = (
    r"(?:i|we)(?:['’]d| would| will)? (?:give|rate|score|grade) "
    r"(?:it|this|that|(?:the|this) [a-z]+)(?: (?:as|at))?(?: an?)?(?: (?:score|rating|grade) of)?"
)
_AMOUNT = (
    rf"(?P<number>{NUMBER})(?:\s*(?:/|out of)\s*(?P<scale>[0-9]{{1,4}}))?"
    r"(?P<unit>\s*%|\s*percent\b)?(?:\s*(?:stars?|points?)\b)?"
)
_END = r"(?=\s*(?:$|[.!;,(]|[-–—:]\s|(?:because|since|due to)\b))"
_START = r"(?:^[ \t]*(?:[-•–] )?|(?<=[.!?] ))"
_IS = r"(?:\s*(?:[:=]|[–-](?=\s)|\b(?:is|of|would be)\b)){0,2}\s*"
_FLAGS = re.IGNORECASE | re.MULTILINE
_STATEMENTS = (
    re.compile(rf"{_START}{_LABEL}{_IS}{_AMOUNT}{_END}", _FLAGS),
    re.compile(rf"{_START}{_GIVE}\s*{_AMOUNT}{_END}", _FLAGS),
    re.compile(rf"^[ \t]*{_AMOUNT}\s*(?:\([^()0-9\n]*\))?[.!]?[ \t]*$", _FLAGS),
    re.compile(
        rf"^[ \t]*(?P<number>{NUMBER})\s*(?:/|out of)\s*(?P<scale>[0-9]{{1,4}})(?P<unit>){_END}",
        _FLAGS,
    ),
)
_MENTIONS = (
    re.compile(
        r"\b(?:score|rating|grade|mark|rate)[sd]?\b[^\w\n]{0,4}"
        r"(?:(?:is|of|was|at|to|as|be|it|an?|would|with|not)\b[^\w\n]{0,3}){0,4}"
        rf"(?P<number>{NUMBER})(?P<scale>)",
        re.IGNORECASE,
    ),
    re.compile(
        rf"(?P<number>{NUMBER})\s*(?:/|out of)\s*(?P<scale>[0-9]{{1,4}})(?![\w/])", re.IGNORECASE
    ),
)
_SCALES = {"5", "10", "20", "100"}
_KEY = re.compile(r",\s*\"(?=\w+\"\s*:)")
_WRAPPERS = re.compile(
    r"[{}\[\]\"“”`*|#]|__|\\boxed|</?[a-z]+>|<(?=[0-9]+>)|(?<=[0-9])>", re.IGNORECASE
)
_NO_SCORE = re.compile(
    r"(?:^[ \t]*(?:[0-9]{1,3}[.):]|\([0-9]{1,3}\))(?=[ \t]+\S)"
    r"|\b(?:sections?|steps?|paragraphs?|lines?|items?|passages?|pages?|tables?|figures?|articles?"
    r"|rules?|chapters?|parts?|number|no\.) [0-9]+"
    r"|(?:/|out of)\s*[0-9]+|\b(?:zero|one)\b)",
    _FLAGS,
)


class _Said(NamedTuple):
    """A score as it is written, and where it ends."""

    number: str
    scale: str
    unit: str
    end: int


def find_score(answer: str, ends: tuple[int, int]) -> int | Unparsed:
    """Return the score that a text states.

    A score is stated by a line of its own, by a label before it, or by a scale after it. Every
    other number after it that could be a score too makes the text ambiguous.
    """
    text = _bare(answer, ends)
    stated = list(_stated(text))
    if not stated:
        return Unparsed("no_score")
    values = {_value(said, ends) for said in stated}
    faults = sorted(one.reason for one in values if isinstance(one, Unparsed))
    if len(values) > 1:
        return Unparsed("two_scores")
    (value,) = values
    if isinstance(value, Unparsed):
        return Unparsed(faults[0])
    after = text[min(said.end for said in stated) :]
    return _rival(text, after, value, ends) or value


def _bare(answer: str, ends: tuple[int, int]) -> str:
    """Return an answer without markup and without the range that the question has printed."""
    low, high = (re.escape(str(end)) for end in ends)
    printed = re.compile(
        r"[(\[]?\s*(?:(?:on|using|with) a scale (?:of|from) |scale:? |range:? |from |between )?"
        rf"(?<![0-9.,]){low}\s*(?:-|–|—|to|and|\.\.+|…)\s*{high}(?![0-9./,]*[0-9])"
        r"\s*(?:scale\b|range\b)?\s*[)\]]?",
        re.IGNORECASE,
    )
    lines = _KEY.sub('\n"', answer).splitlines()
    bare = (_WRAPPERS.sub("", printed.sub(" ", plain(line))) for line in lines)
    return "\n".join(line.strip(" \t,;") for line in bare)


def _stated(text: str) -> Iterator[_Said]:
    for form in _STATEMENTS:
        for found in form.finditer(text):
            unit = (found["unit"] or "").strip()
            yield _Said(found["number"], found["scale"] or "", unit, found.end())


def _value(said: _Said, ends: tuple[int, int]) -> int | Unparsed:
    number = whole(said.number)
    if said.unit or (said.scale and said.scale != str(ends[1])):
        return Unparsed("other_scale")
    if number is None:
        return Unparsed("not_whole")
    return number if ends[0] <= number <= ends[1] else Unparsed("out_of_range")


def _rival(text: str, after: str, value: int, ends: tuple[int, int]) -> Unparsed | None:
    """Return the fault of a text that speaks of another score too, None if it does not."""
    for form in _MENTIONS:
        for found in form.finditer(text):
            number, scale = whole(found["number"]), found["scale"] or str(ends[1])
            if scale != str(ends[1]):
                if scale in _SCALES and number is not None and number <= int(scale):
                    return Unparsed("other_scale")
            elif number != value:
                return Unparsed("two_scores")
    for written in re.findall(NUMBER, _NO_SCORE.sub(" ", after), re.IGNORECASE):
        if _size(written) != value and ends[0] <= _size(written) <= ends[1]:
            return Unparsed("two_scores")
    return None


def _size(written: str) -> float:
    """Return a number without its sign; infinity for what is no number, such as 1.2.3."""
    number = whole(written)
    if number is not None:
        return abs(number)
    try:
        return abs(float(written.replace(",", ".").replace("−", "-").replace("–", "-")))
    except ValueError:
        return float("inf")
