"""Texts from the values of foreign rows: whatever a column holds, somebody said something in it."""

import json
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import orjson

from tasks import think

Row = Mapping[str, object]
"""One row of a foreign file: column → value as JSON or Arrow gives it."""

Place = tuple[str, ...]
"""Where a value stands in a row: a column, then the fields below it."""

ASSISTANT = {"assistant", "gpt", "model", "chatgpt", "bot", "ai"}
THOUGHT_KEYS = ("reasoning_content", "thinking", "reasoning")
SPEECH_KEYS = ("content", "value", "text", "passage", "page_content")

MAX_DEPTH = 16
"""Levels that are walked through for texts; below, a value is JSON."""


class Turn(NamedTuple):
    """One message of a chat."""

    role: str
    thought: str
    content: str


def at(row: Row, place: Place) -> object:
    """Return the value at a place, None where the row does not reach it."""
    value: object = row
    for key in place:
        value = value.get(key) if isinstance(value, dict) else None
    return value


def text_of(value: object) -> str:
    """Return a value's text: "" for nothing, a number's digits or a date's, JSON for what has
    parts.
    """
    if isinstance(value, str):
        return value
    if value is None or value != value:  # noqa: PLR0124 — only NaN differs from itself: a missing value of data frames
        return ""
    return json_of(value) if isinstance(value, list | dict | tuple | bool) else _plain(value)


def json_of(value: object) -> str:
    """Return a value as JSON; "" for what is nested deeper than JSON writers go."""
    try:
        return orjson.dumps(value, default=_plain, option=orjson.OPT_NON_STR_KEYS).decode()
    except orjson.JSONEncodeError:
        pass
    try:
        return json.dumps(value, ensure_ascii=False, default=_plain)
    except (TypeError, ValueError, RecursionError):
        return ""


def said(value: object, depth: int = MAX_DEPTH) -> str:
    """Return what a value tells a reader: a text, or the texts of a list of passages or messages,
    joined by newlines.
    """
    if isinstance(value, list) and depth:
        return "\n".join(text for one in value if (text := said(one, depth - 1)))
    if isinstance(value, dict) and depth:
        texts = [value[key] for key in SPEECH_KEYS if value.get(key) is not None]
        return said(texts[0], depth - 1) if texts else json_of(value)
    return text_of(value)


def chat_of(value: object) -> list[Turn]:
    """Return the turns of a list of messages ({role, content} or {from, value}); none when it is
    something else.
    """
    if (
        not isinstance(value, list)
        or not value
        or not all(isinstance(one, dict) and ("role" in one or "from" in one) for one in value)
    ):
        return []
    return [_turn(one) for one in value]


def asked(value: object) -> str:
    """Return all turns of a chat but the assistant's last, joined by newlines."""
    turns = chat_of(value)
    last = _last_of_assistant(turns)
    return "\n".join(
        turn.content for place, turn in enumerate(turns) if place != last and turn.content
    )


def spoken(value: object) -> Turn:
    """Return the completion that a value holds: itself, a message, or the assistant's last turn of
    a chat.
    """
    if isinstance(value, str):
        return Turn("", "", value)
    if turns := chat_of(value):
        last = _last_of_assistant(turns)
        return turns[last] if last >= 0 else Turn("", "", "")
    if isinstance(value, dict) and any(key in value for key in (*THOUGHT_KEYS, *SPEECH_KEYS)):
        return _turn(value)
    return Turn("", "", text_of(value))


def holds_reasoning(text: str) -> bool:
    """Say whether a text shows where its reasoning stands: a think tag or a Harmony channel."""
    return think.OPEN in text or think.CLOSE in text or think.split_harmony(text) is not None


def _turn(message: Row) -> Turn:
    content = (
        message.get("content")
        if "content" in message
        else message.get("value", message.get("text"))
    )
    thoughts = [text_of(message[key]) for key in THOUGHT_KEYS if message.get(key)]
    thought = thoughts[0] if thoughts else ""
    if isinstance(content, list):
        thought = thought or "\n".join(
            text_of(part.get("thinking"))
            for part in content
            if isinstance(part, dict) and part.get("thinking")
        )
        content = [
            part for part in content if not (isinstance(part, dict) and part.get("thinking"))
        ]
    return Turn(text_of(message.get("role") or message.get("from")).lower(), thought, said(content))


def _last_of_assistant(turns: Sequence[Turn]) -> int:
    return max((place for place, turn in enumerate(turns) if turn.role in ASSISTANT), default=-1)


def _plain(value: object) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)
