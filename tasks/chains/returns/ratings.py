"""An answer that is one score for each of some numbered texts."""

import re

from pydantic import Field

from tasks.chains.returns.answers import parts_after, plain, reading, unfenced
from tasks.chains.returns.numerals import NUMBER
from tasks.chains.returns.parsed import Parsed, Unparsed
from tasks.chains.returns.scores import Range, find_score
from tasks.spec import Spec

_WHO = (
    r"(?:the )?(?:(?:score|rating) (?:of|for) (?:the )?)?(?:output for )?(?:text|instruction|answer"
    r"|response|output|item|candidate|question|prompt|option|entry|solution|score|rating|variant"
    r"|version|completion) ?"
)
_BRACKETED = re.compile(
    rf"(?:^[ \t]*(?:[-*•] )?(?:{_WHO})?|(?<=[ \t]))\[(?P<index>[0-9]{{1,3}})\][:.)]?[ \t]*",
    re.IGNORECASE | re.MULTILINE,
)
_NUMBERED = re.compile(
    rf"^[ \t]*(?:[-*•] )?(?P<who>{_WHO})?[#\"(]{{0,2}}(?P<index>[0-9]{{1,3}})[\")]{{0,2}}"
    r"(?:[ \t]*(?P<stop>[:=|)]|\.(?![0-9])|[-–—](?=[ \t]))|(?=[ \t]*$))[ \t]*",
    re.IGNORECASE | re.MULTILINE,
)
_ASPECT = re.compile(
    r"[*_ ]*(?!score|rating|grade|mark)[a-z][a-z -]{2,30}[*_ ]*[:=]", re.IGNORECASE
)
_KEY = re.compile(r",\s*(?=\"[0-9]{1,3}\"\s*:)")


class Ratings(Spec):
    """The numbered texts and their scores."""

    of: int = Field(ge=2, le=50)
    """Number of texts; they are numbered from 1."""
    range: Range
    """Lowest and highest score."""


class Scores(Spec):
    """One whole number for each of some numbered texts; the number printed is the number used."""

    scores: Ratings
    """How many texts have a score, and its range."""

    @property
    def names(self) -> tuple[str, ...]:
        """The fields of every item: "1", "2" …"""
        return tuple(str(number) for number in range(1, self.scores.of + 1))

    def parse(self, text: str) -> Parsed | Unparsed:
        """Return the score of every text.

        >>> Scores(scores=Ratings(of=2, range=(1, 5))).parse("[2] Score: 3\\n[1] Score: 5")
        ({'1': '5', '2': '3'},)
        """
        return reading(text, self._read)

    def _read(self, answer: str) -> Parsed | Unparsed:
        blocks = _blocks(answer)
        if isinstance(blocks, Unparsed):
            return blocks
        before, parts = blocks
        if isinstance(find_score(before, self.scores.range), int):
            return Unparsed("score_before_index")
        item: dict[str, str] = {}
        for index, text in parts:
            if index in item:
                return Unparsed("repeated_index")
            if index not in self.names:
                return Unparsed("unknown_index")
            score = find_score(text, self.scores.range)
            if isinstance(score, Unparsed):
                return score
            item[index] = str(score)
        if len(item) < len(self.names):
            return Unparsed("missing_index")
        return ({name: item[name] for name in self.names},)


def _blocks(answer: str) -> tuple[str, list[tuple[str, str]]] | Unparsed:
    """Return the text before the first index, and for each index the text that follows it.

    Indexes in brackets come first; without them, numbers at the start of a line are indexes.
    """
    text = _plain(answer)
    heads = list(_BRACKETED.finditer(text))
    numbered = not heads
    if numbered:
        heads = [one for one in _NUMBERED.finditer(text) if one["stop"] or one["who"]]
    if not heads:
        return Unparsed("no_index")
    parts = [(str(int(head["index"])), part) for head, part in parts_after(heads, text)]
    # "1. Clarity: 4" is the first aspect of something, and not the first of the texts.
    if numbered and any(_ASPECT.match(part) for _, part in parts):
        return Unparsed("no_index")
    return text[: heads[0].start()], [(index, _labelled(part)) for index, part in parts]


def _plain(answer: str) -> str:
    """Return an answer without emphasis, headings, braces and the borders of a table."""
    lines = _KEY.sub("\n", unfenced(answer)).splitlines()
    return "\n".join(plain(line).strip("{}|# \t") for line in lines)


def _labelled(part: str) -> str:
    """Return the text of an index; a number that begins it is its score."""
    bare = part.lstrip(" \t\n-–—:=→>|")
    return f"Score: {bare}" if re.match(NUMBER, bare, re.IGNORECASE) else bare
