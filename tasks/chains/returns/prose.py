"""An answer that is one text, or one turn of a user."""

import re
from typing import Literal

from pydantic import ConfigDict, RootModel

from tasks.chains.returns.answers import (
    is_nothing,
    is_preamble,
    reading,
    refuses,
    unfenced,
    unquoted,
)
from tasks.chains.returns.parsed import Parsed, Unparsed, one

_LABEL = re.compile(
    r"[#*\s]*(?:(?:(?:the|a|my) )?"
    r"(?:(?:new|rewritten|revised|final|evolved|harder|improved|generated|paraphrased) )?"
    r"(?:question|prompt|instruction|task|problem|text|passage|summary|answer|output|response"
    r"|reply|version))[#*\s]*:[*\s]*",
    re.IGNORECASE,
)
# "The question to which this text is the answer is:"; a first line such as "Steps:" is content.
_ABOUT_THE_TASK = re.compile(
    r"\b(?:question|prompt|instruction|task|answer|response|passage|text|version|request|rewrit\w+"
    r"|summary|rephras\w+)\b[^\n]*:[*_\s]*$",
    re.IGNORECASE,
)
_SAME_LINE = re.compile(
    r"(?:(?:sure|certainly|of course|okay|ok)[,.!] )?here(?:['’]s| is) (?:the|a|an|one|my|your)"
    r"(?: [\w-]+){0,4}? (?:question|prompt|instruction|task|problem|text|passage|summary|answer"
    r"|version|example)(?: [\w-]+){0,6}:\s+(?=\S)",
    re.IGNORECASE,
)
_CONTROL = re.compile(
    r"<\|[^|>\n]{1,40}\|>|</?s>|\[/?INST\]|<</?SYS>>|<(?:start|end)_of_turn>|<｜[^｜\n]{1,40}｜>",
)
_USER = re.compile(r"[*\s]*(?:user|human|you|customer|me)[*\s]*:[*\s]*", re.IGNORECASE)
_OTHER_SIDE = re.compile(
    r"^[#*\s]*(?:assistant|ai|bot|system|user|human)[*\s]*(?::|$)", re.IGNORECASE | re.MULTILINE
)


class Text(RootModel[Literal["text"]]):
    """The whole answer as one text, without a preamble, a label or quotation marks around it."""

    model_config = ConfigDict(frozen=True)
    root: Literal["text"] = "text"

    @property
    def names(self) -> tuple[str, ...]:
        """The fields of every item."""
        return ("text",)

    def parse(self, text: str) -> Parsed | Unparsed:
        """Return the text of the answer.

        >>> Text().parse("Sure! Here is the question:\\n\\nWho pays?")
        ({'text': 'Who pays?'},)
        """
        return reading(text, _text)


class Turn(RootModel[Literal["turn"]]):
    """The whole answer as the turn of a user."""

    model_config = ConfigDict(frozen=True)
    root: Literal["turn"] = "turn"

    @property
    def names(self) -> tuple[str, ...]:
        """The fields of every item."""
        return ("text",)

    def parse(self, text: str) -> Parsed | Unparsed:
        """Return the turn; a turn that holds tokens of a chat template or two turns is refused.

        >>> Turn().parse("User: Who pays?")
        ({'text': 'Who pays?'},)
        """
        return reading(text, _turn)


def _text(answer: str) -> Parsed | Unparsed:
    if refuses(answer):
        return Unparsed("refusal")
    body = _without_preamble(unfenced(answer))
    first, _, rest = body.partition("\n")
    if rest.strip() and _ABOUT_THE_TASK.search(first) and not _LABEL.match(first):
        return Unparsed("unknown_preamble")
    if label := _LABEL.match(body):
        body = body[label.end() :].strip()
    if (label or body != answer) and any(map(_is_labelled, body.splitlines()[1:])):
        return Unparsed("two_texts")
    body = unquoted(unfenced(body))
    if body and is_nothing(body):
        return Unparsed("empty")
    return one("text", body) if body else Unparsed("preamble_only")


def _is_labelled(line: str) -> bool:
    return bool(_LABEL.match(line) or _SAME_LINE.match(line))


def _without_preamble(answer: str) -> str:
    """Return an answer without the line that announces it; "" for an announcement alone."""
    first, _, rest = answer.partition("\n")
    if is_preamble(first) and (rest.strip() or first.endswith(":")):
        return rest.strip()
    return _SAME_LINE.sub("", answer, count=1) if _SAME_LINE.match(answer) else answer


def _turn(answer: str) -> Parsed | Unparsed:
    if _CONTROL.search(answer):
        return Unparsed("template_tokens")
    role = _USER.match(answer)
    body = answer[role.end() :] if role else answer
    if _OTHER_SIDE.search(body):
        return Unparsed("two_turns")
    body = unquoted(body.strip())
    return one("text", body) if body else Unparsed("empty")
