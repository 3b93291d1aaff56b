"""A text as tokens with their places: words and numbers, spelt so that equal ones compare equal."""

import re
from collections.abc import Iterator, Sequence
from functools import cached_property, lru_cache
from itertools import chain
from typing import NamedTuple, overload

_TOKEN = re.compile(
    r"\d{1,2}:\d{2}(?![\d:])|\d+(?:st|nd|rd|th)\b|\d+(?:[.,]\d+)*|°[CFK]\b"
    r"|[^\W\d_]+(?:['’][^\W\d_]+)*"
)
LONG = 240
"""Characters from which a text is cut in parts that are remembered."""
_MORE_THAN_LETTERS = re.compile("[0-9']")
_LETTERS_ONLY = "".join(chr(code) if chr(code).isalpha() else " " for code in range(128))
"""Of every ASCII character itself if it is a letter, else a blank."""
_NUMERALS = {
    name: str(number)
    for number, name in enumerate(
        """two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen
        sixteen seventeen eighteen nineteen twenty""".split(),
        start=2,
    )
} | {
    name: str(number)
    for number, name in zip(
        range(30, 100, 10), "thirty forty fifty sixty seventy eighty ninety".split(), strict=True
    )
}
_NUMERALS |= {
    n: f"{d}th"
    for d, n in enumerate("third fourth fifth sixth seventh eighth ninth tenth".split(), 3)
}
"""Numbers as words. "one" is left out: it is a pronoun as often as a number."""
_ENDS = frozenset(("", ".", "!", "?", "\n"))
NEGATIONS = frozenset("not no never none nor neither without cannot nothing nobody".split())


class Token(NamedTuple):
    """A word or a number.

    norm: case-folded, numbers as digits. start, end: its place in the text. is_last: a full stop,
    a line end or the end of the text follows.
    """

    norm: str
    surface: str
    start: int
    end: int
    is_last: bool

    @property
    def is_number(self) -> bool:
        """Whether it is a number, in digits or in words."""
        return self.norm[:1].isdigit()

    @property
    def is_negation(self) -> bool:
        """Whether it turns a statement around."""
        return is_negation(self.norm)

    @property
    def is_capitalised(self) -> bool:
        """Whether it is written like a name."""
        return self.surface[0].isupper()


def is_negation(word: str) -> bool:
    """Return whether a word turns a statement around."""
    return word in NEGATIONS or word.endswith("n't")


def may_hold(text: str, *words: str) -> bool:
    """Return whether a text may have one of these words, given in lower case.

    A quick look before a search that costs more; it is sure of ASCII texts and words alone.
    """
    if not text.isascii():
        return True
    lowered = text.lower()
    return any(word in lowered or not word.isascii() for word in words)


class Tokens(Sequence[Token]):
    """The tokens of a text in order.

    Most comparisons need the norms alone, so places and tokens are made when they are asked for.
    """

    def __init__(self, text: str) -> None:
        self.text = text
        self.surfaces = surfaces(text)
        self.norms = normed(text)

    def __len__(self) -> int:
        return len(self.norms)

    @overload
    def __getitem__(self, place: int) -> Token: ...
    @overload
    def __getitem__(self, place: slice) -> tuple[Token, ...]: ...
    def __getitem__(self, place: int | slice) -> Token | tuple[Token, ...]:
        if isinstance(place, slice):
            return tuple([self._token(one) for one in range(*place.indices(len(self)))])
        return self._token(place)

    def __iter__(self) -> Iterator[Token]:
        ends = [start + len(one) for start, one in zip(self.starts, self.surfaces, strict=True)]
        lasts = [self.text[end : end + 1] in _ENDS for end in ends]
        return map(Token, self.norms, self.surfaces, self.starts, ends, lasts)

    def _token(self, place: int) -> Token:
        end = self.end(place)
        last = self.text[end : end + 1] in _ENDS
        return Token(self.norms[place], self.surfaces[place], self.starts[place], end, last)

    @cached_property
    def starts(self) -> list[int]:
        """Where each token begins in the text."""
        found, place = list[int](), 0
        for surface in self.surfaces:
            # No character between two tokens begins a token, so the next find is the token itself.
            place = self.text.find(surface, place)
            found.append(place)
            place += len(surface)
        return found

    def end(self, place: int) -> int:
        """Return where a token ends in the text."""
        return self.starts[place] + len(self.surfaces[place])

    def is_last(self, place: int) -> bool:
        """Return whether a full stop, a line end or the end of the text follows a token."""
        end = self.end(place)
        return self.text[end : end + 1] in _ENDS


@lru_cache(maxsize=4096)
def tokens(text: str) -> Tokens:
    """Return the tokens of a text in order. Remembered: every gate reads the same texts.

    >>> [token.norm for token in tokens("Twelve weeks, i.e. 1,200 hours; don’t wait.")]
    ['12', 'weeks', 'i', 'e', '1200', 'hours', "don't", 'wait']
    """
    return Tokens(text)


@lru_cache(maxsize=16384)
def surfaces(text: str) -> tuple[str, ...]:
    """Return the words and numbers of a text as they are written.

    A long text is cut at line ends and behind full stops, which no token crosses: the prompt, its
    passages and a think block have many sentences in common, and each is read once.
    """
    if len(text) < LONG:
        return _surfaces(text)
    parts = text.replace(". ", ".\n").split("\n")
    return tuple(chain.from_iterable(map(_surfaces, parts)))


@lru_cache(maxsize=16384)
def _surfaces(text: str) -> tuple[str, ...]:
    # Where only letters make tokens, blanks in place of all other characters cut the same.
    if text.isascii() and not _MORE_THAN_LETTERS.search(text):
        return tuple(text.translate(_LETTERS_ONLY).split())
    return tuple(_TOKEN.findall(text))


@lru_cache(maxsize=16384)
def normed(text: str) -> tuple[str, ...]:
    """Return what the tokens of a text are compared by, without their places.

    >>> normed("Twelve weeks")
    ('12', 'weeks')
    """
    return tuple(map(_norm, surfaces(text)))


@lru_cache(maxsize=8192)
def stems(text: str) -> tuple[str, ...]:
    """Return the stems of a text's tokens in order."""
    return tuple(map(stem, normed(text)))


@lru_cache(maxsize=8192)
def forms(text: str) -> frozenset[str]:
    """Return what a text's tokens are compared by, and their stems."""
    return frozenset((*normed(text), *stems(text)))


def norms(found: Sequence[Token]) -> tuple[str, ...]:
    """Return what the tokens are compared by."""
    if isinstance(found, Tokens):
        return found.norms
    return tuple([token.norm for token in found])


@lru_cache(maxsize=65536)
def _norm(surface: str) -> str:
    """Return what a word or a number is compared by. Remembered: texts repeat their words."""
    if surface[0].isdigit():
        return _number(surface)
    word = surface.casefold().replace("’", "'")
    return _NUMERALS.get(word, word)


def _number(surface: str) -> str:
    """Return a number without thousands separators; "3.5" stays, "1,200" becomes "1200".

    Ordinals end alike: "3rd" and "third" are both "3th".
    """
    if surface[-1].isalpha():
        return f"{surface[:-2]}th"
    if re.fullmatch(r"\d{1,3}(?:,\d{3})+(?:\.\d+)?", surface):
        return surface.replace(",", "")
    return surface


@lru_cache(maxsize=65536)
def stem(word: str) -> str:
    """Return a word without the endings that English grammar adds, so that "fees" meets "fee".

    Crude on purpose: it serves to compare the words of one question with one passage.

    >>> stem("filings") == stem("filed") == stem("file"), stem("replies") == stem("reply")
    (True, True)
    """
    if word in _IRREGULAR:
        return _IRREGULAR[word]
    singular = _without(word, ("ies", "es", "s")) if not word.endswith(("ss", "us", "is")) else word
    # "destroy" keeps its ending, because "destroyed" does.
    if singular.endswith(("ay", "ey", "oy", "uy")):
        return singular
    bare = _without(singular, ("ing", "eth", "ied", "ed", "y", "i", "e"))
    # "chipped" loses the letter that its ending has doubled.
    return bare[:-1] if bare[-2:] in _DOUBLED and len(bare) > 3 else bare


_DOUBLED = frozenset("bb dd gg mm nn pp rr tt".split())
_IRREGULAR = dict(
    pair.split("/")
    for pair in """kept/keep held/hold paid/pay sent/send told/tell given/giv gave/giv taken/tak
    took/tak borne/bear bore/bear made/mak lent/lend lost/los left/leav sold/sell bought/buy
    brought/bring wrote/writ written/writ chosen/choos chose/choos driven/driv drove/driv
    built/build met/meet found/find said/sa shown/show drawn/draw worn/wear broken/break
    seen/see done/do gone/go known/know begun/begin began/begin""".split()
)
"""Stems of the irregular forms of common verbs."""


def _without(word: str, endings: tuple[str, ...]) -> str:
    for ending in endings:
        if word.endswith(ending) and len(word) - len(ending) >= 3:
            return word[: -len(ending)]
    return word
