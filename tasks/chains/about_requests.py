"""Tests of a text as a request to a model: it asks for one thing, and a text can answer it."""

import re
from collections.abc import Iterator
from typing import Literal

from pydantic import Field

from tasks.chains.item import Item
from tasks.chains.world import World
from tasks.ngrams import words
from tasks.spec import Spec

QUESTION = "question.text"
"""The value that a test is about, unless it names another."""
_SENTENCE = re.compile(r"(?<=[.!?:])[\"”’)]*\s+|\n+")
_NUMBERED = re.compile(r"^\s*(?:\(?\d{1,2}[.)]|[-*•])\s+")
_POLITE = re.compile(r"^(?:(?:please|now|then|first|also|next|finally),?\s+)+", re.IGNORECASE)
_ASKS = re.compile(
    r"^(?:can|could|would|will) you\b|^(?:i|we)(?:['’]d| would) like\b", re.IGNORECASE
)
IMPERATIVES = frozenset(
    "add analyse analyze answer argue arrange assess build calculate change check choose classify "
    "compare complete compose compute consider construct convert correct count create define "
    "derive describe design determine develop discuss divide draft edit estimate evaluate examine "
    "expand explain explore express extend factor fill find fix formulate generate give help "
    "identify illustrate imagine implement improve integrate interpret invent justify label let "
    "list make match name order organise organize outline parse perform plan predict prepare "
    "present propose prove provide rank recommend reduce refactor replace rephrase report rewrite "
    "round select show simplify sketch solve sort state suggest summarise summarize suppose "
    "teach tell test transform translate turn use verify write".split()
)
"""Verbs that open a request in the imperative."""
_ASSISTANT = re.compile(
    r"\bas an? (?:ai|assistant|language model)\b"
    r"|\b(?:i['’]?m|i am) (?:happy|glad) to (?:help|assist)"
    r"|\blet me know if\b|\bhope (?:this|that) helps\b|\b(?:feel free|don['’]t hesitate) to ask\b"
    r"|^(?:sure|certainly|of course|absolutely)\b[,.!]|^here(?:['’]s| is| are)\b"
    r"|\bis there anything else\b",
    re.IGNORECASE,
)
_THANKS = re.compile(r"^(?:many )?(?:thanks?\b|thank you|great\b|perfect\b|got it\b|i see\b)", re.I)
_BEFORE = re.compile(
    r"\byou(?:['’]ve| have| just)? (?:said|mentioned|wrote|listed|described|explained"
    r"|suggested|gave|given)\b"
    r"|\byour (?:last |previous |first )?(?:answer|reply|explanation|response|list|example)\b"
    r"|\b(?:above|earlier|previous(?:ly)?)\b"
    r"|\bthe (?:first|second|last|former|latter) (?:one|point)\b",
    re.IGNORECASE,
)
_DANGLING = re.compile(
    r"^(?:and|but|so|also|then|it|they|he|she|that|those|what about|how about|why is that|"
    r"(?:what|how|why|when|where|which|who) (?:is|are|was|were|do|does|did|would|could|can) "
    r"(?:it|they|this|that|these|those|he|she)\b)",
    re.IGNORECASE,
)


class OneRequest(Spec):
    """The text asks for one thing: a question, or a task in the imperative."""

    test: Literal["one_request"]
    """The text has one question, or tasks in the imperative that are no numbered list."""
    of: str = QUESTION
    """The value to test."""

    def fails(self, item: Item, world: World) -> str:
        """Return what is wrong, "" if nothing is."""
        text = item.text(self.of)
        asked = re.findall(r"\?+", text)
        if len(asked) > 1:
            return f"it asks {len(asked)} questions"
        lines = [line for line in text.splitlines() if _NUMBERED.match(line)]
        if sum(any(requests(_NUMBERED.sub("", line))) for line in lines) > 1:
            return "it is a list of tasks"
        return "" if any(requests(text)) else "it asks for nothing"


class UserTurn(Spec):
    """The text is a turn of a user that can be understood alone and ends in a request."""

    test: Literal["user_turn"]
    """The text ends in a request, needs no earlier turn, and is neither thanks nor an answer."""
    of: str = QUESTION
    """The value to test."""

    def fails(self, item: Item, world: World) -> str:
        """Return what is wrong, "" if nothing is."""
        text = item.text(self.of).strip()
        if found := _ASSISTANT.search(text):
            return f"{found[0]!r} is a phrase of an assistant"
        if found := _THANKS.match(text):
            return f"{found[0]!r} is an answer to an answer"
        if found := _BEFORE.search(text) or _DANGLING.match(text):
            return f"{found[0]!r} points at an earlier turn"
        last = [one for one in _SENTENCE.split(text) if one.strip()][-1:]
        return "" if last and any(requests(last[0])) else "it does not end in a request"


class LacksWords(Spec):
    """The text holds none of some words."""

    test: Literal["lacks_words"]
    """The text holds none of some words, such as those of what a text cannot show."""
    of: str = QUESTION
    """The value to test."""
    words: tuple[str, ...] = (
        "image",
        "images",
        "picture",
        "pictures",
        "photo",
        "photograph",
        "video",
        "audio",
        "screenshot",
        "attached",
        "attachment",
        "the link",
        "the file",
        "the graph",
        "the diagram",
        "the figure",
        "the map",
        "draw",
        "plot",
        "play a song",
    )
    """The words; each entry is a word or several words in a row."""

    def fails(self, item: Item, world: World) -> str:
        """Return what is wrong, "" if nothing is."""
        text = f" {' '.join(words(item.text(self.of)))} "
        found = (one for one in self.words if f" {' '.join(words(one))} " in text)
        word = next(found, "")
        return f"it holds {word!r}" if word else ""


class Grown(Spec):
    """The text is longer than another value, but not by much."""

    test: Literal["grown"]
    """The text has a number of words more than another value; the number is within bounds."""
    of: str = QUESTION
    """The value to test."""
    other: str
    """The value to compare with."""
    least: int = Field(0, ge=-1000)
    """Smallest number of words that it has more; a negative number lets it be shorter."""
    most: int = Field(40, ge=0)
    """Largest number of words that it has more."""

    def fails(self, item: Item, world: World) -> str:
        """Return what is wrong, "" if nothing is."""
        more = len(words(item.text(self.of))) - len(words(item.text(self.other)))
        if self.least <= more <= self.most:
            return ""
        return f"it grows by {more} words; {self.least} to {self.most} are allowed"


def requests(text: str) -> Iterator[str]:
    """Yield the sentences of a text that ask for something."""
    for sentence in _SENTENCE.split(text):
        bare = _POLITE.sub("", sentence.strip().lstrip("\"“'‘("))
        first = words(bare)[:1]
        if bare.rstrip('"”’)').endswith("?") or _ASKS.match(bare) or IMPERATIVES & set(first):
            yield sentence
