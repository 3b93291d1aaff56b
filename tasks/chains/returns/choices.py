"""An answer that is one of some numbered or lettered options."""

import re
from collections.abc import Iterator

from pydantic import Field

from tasks.chains.returns.answers import plain, reading, unfenced
from tasks.chains.returns.parsed import Parsed, Unparsed, one
from tasks.spec import Spec


class Choice(Spec):
    """One of some options, by its number (1 …) or its letter (A …); the value is the number."""

    choice: int = Field(ge=2, le=26)
    """Number of options."""

    @property
    def names(self) -> tuple[str, ...]:
        """The fields of every item."""
        return ("choice",)

    def parse(self, text: str) -> Parsed | Unparsed:
        """Return the number of the option.

        >>> Choice(choice=4).parse("The best answer is B.")
        ({'choice': '2'},)
        >>> Choice(choice=4).parse("A or B")
        Unparsed(reason='no_choice')
        """
        return reading(text, self._read)

    def _read(self, answer: str) -> Parsed | Unparsed:
        text = "\n".join(map(_plain, unfenced(answer).splitlines()))
        stated = list(_stated(text))
        shown = {_number(found) for found in _OPTION.finditer(text)}
        numbers = {_number(found) for found in stated}
        # Options that are all there were copied from the question.
        if len(shown) < self.choice:
            numbers |= shown
        if not numbers:
            return Unparsed("no_choice" if len(shown) < 2 else "two_choices")
        if len(numbers) > 1 or (len(shown) > 1 and not stated):
            return Unparsed("two_choices")
        (number,) = numbers
        if not 1 <= number <= self.choice:
            return Unparsed("out_of_range")
        ends = [found.end() for found in stated or _OPTION.finditer(text)]
        after = text[min(ends) :]
        rivals = {_number(found) for form in _RIVALS for found in form.finditer(after)}
        if rivals & set(range(1, self.choice + 1)) - {number}:
            return Unparsed("two_choices")
        return one("choice", str(number))


_PICK = r"[(\[]?(?:(?P<letter>[A-Za-z])(?![\w'’])|(?P<number>[0-9]{1,3})(?![\w%]|[.,/][0-9]))[)\]]?"
_NOUN = r"(?:option|answer|choice|letter|number|solution|response|candidate|text|output|assistant)"
_BEST = r"(?:final|right|correct|best|better|chosen|preferred|most [a-z]+)"
_END = r"(?=\s*(?:$|[.!;,(:]|[-–—]\s|(?:because|since|as)\b))"
_START = r"(?:^[ \t]*|(?<=[.!?] ))(?:so,? |therefore,? |thus,? |hence,? )?"
_FLAGS = re.IGNORECASE | re.MULTILINE
_STATEMENTS = (
    # "The best answer is (B)", "Judgment: 2"
    re.compile(
        rf"{_START}(?:(?:the|my) )?(?:{_BEST} )?(?:{_NOUN}|judge?ment|verdict|selection|decision"
        rf"|pick|winner)(?: (?:number|letter|one))?\s*(?::|=|[-–—](?=\s)|(?:is|would be)\b)\s*"
        rf":?\s*(?:{_NOUN} )?{_PICK}{_END}",
        _FLAGS,
    ),
    # "Option 2"; "Option 2: some text" can be a copy of the question.
    re.compile(rf"^[ \t]*(?:{_BEST} )?{_NOUN} {_PICK}(?=\s*(?:$|[.!;,]|because\b))", _FLAGS),
    # "I choose option B", "B is better", "B"
    re.compile(
        rf"{_START}(?:i|we)(?:['’]d| would| will)? (?:choose|pick|select|prefer|go with) (?:the )?"
        rf"(?:{_NOUN} )?{_PICK}{_END}",
        _FLAGS,
    ),
    re.compile(
        rf"{_START}(?:(?:the )?{_NOUN} )?{_PICK} is (?:the )?{_BEST}(?: {_NOUN}| one)?{_END}",
        _FLAGS,
    ),
    re.compile(rf"^[ \t]*{_PICK}[.:!]?[ \t]*$", _FLAGS),
)
_OPTION = re.compile(
    r"^[ \t]*(?:[-*•] )?\(?(?P<letter>[A-Z])(?P<number>)[).]+[ \t]+\S", re.MULTILINE
)
_RIVALS = (
    re.compile(r"(?<![\w'’])(?:(?P<letter>[B-HJ-Z])|(?P<number>[0-9]{1,3}))(?![\w'’%]|[.,/][0-9])"),
    re.compile(r"(?<![\w'’])\(?(?P<letter>A)(?P<number>)(?![\w'’]| [a-z])"),
    re.compile(
        rf"\b{_NOUN} [(#]?(?:(?P<letter>[A-Za-z])|(?P<number>[0-9]{{1,3}}))(?![\w'’])",
        re.IGNORECASE,
    ),
)
_WRAPPERS = re.compile(r"[{}<>\"“”`*#]|\\boxed")


def _plain(line: str) -> str:
    return _WRAPPERS.sub("", plain(line)).strip()


def _stated(text: str) -> Iterator[re.Match[str]]:
    for form in _STATEMENTS:
        yield from form.finditer(text)


def _number(found: re.Match[str]) -> int:
    if letter := found["letter"]:
        return "ABCDEFGHIJKLMNOPQRSTUVWXYZ".index(letter.upper()) + 1
    return int(found["number"])
