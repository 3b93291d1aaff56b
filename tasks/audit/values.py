"""Readable texts from the values of foreign rows: strings, numbers, messages, chats and nested
values.
"""

import json
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import orjson

from tasks import think

Row = Mapping[str, object]
"""One row of a foreign file: column → value as JSON or Arrow returns it."""

Place = tuple[str, ...]
"""The place of a value in a row: a column, then the fields below it."""

ASSISTANT = {"assistant", "gpt", "model", "chatgpt", "bot", "ai"}
"""Names of the assistant's role."""
THOUGHT_KEYS = ("reasoning_content", "thinking", "reasoning")
"""Keys of a message that hold its reasoning."""
SPEECH_KEYS = ("content", "value", "text", "passage", "page_content")
"""Keys of a message or passage that hold its text."""
MAX_DEPTH = 16
"""Levels of nesting in which texts are searched. Deeper values are written as JSON."""


class Turn(NamedTuple):
    """One message of a chat. thought: its reasoning, "" if it has none."""

    role: str
    thought: str
    content: str


def value_at(row: Row, place: Place) -> object:
    """Return the value at a place, None if the row has no such place."""
    value: object = row
    for key in place:
        value = value.get(key) if isinstance(value, dict) else None
    return value


def text_of(value: object) -> str:
    """Return a value as text: "" for None and NaN, JSON for lists and objects."""
    if isinstance(value, str):
        return value
    # Only NaN, the missing value of data frames, differs from itself.
    if value is None or value != value:  # noqa: PLR0124
        return ""
    return json_of(value) if isinstance(value, list | dict | tuple | bool) else _plain(value)


def json_of(value: object) -> str:
    """Return a value as JSON, "" if it is nested too deeply for JSON writers."""
    try:
        return orjson.dumps(value, default=_plain, option=orjson.OPT_NON_STR_KEYS).decode()
    except orjson.JSONEncodeError:
        pass
    try:
        return json.dumps(value, ensure_ascii=False, default=_plain)
    except (TypeError, ValueError, RecursionError):
        return ""


def readable_text(value: object, depth: int = MAX_DEPTH) -> str:
    """Return the readable text of a value: a string, or the texts of a list of passages or
    messages, joined by newlines.
    """
    if isinstance(value, list) and depth:
        return "\n".join(text for one in value if (text := readable_text(one, depth - 1)))
    if isinstance(value, dict) and depth:
        texts = [value[key] for key in SPEECH_KEYS if value.get(key) is not None]
        return readable_text(texts[0], depth - 1) if texts else json_of(value)
    return text_of(value)


def chat_of(value: object) -> list[Turn]:
    """Return the turns of a list of messages ({role, content} or {from, value}), [] for anything
    else.
    """
    if not isinstance(value, list) or not all(map(_is_message, value)):
        return []
    return [_turn(one) for one in value]


def _is_message(value: object) -> bool:
    return isinstance(value, dict) and ("role" in value or "from" in value)


def prompt_of_chat(value: object) -> str:
    """Return all turns of a chat except the assistant's last one, joined by newlines."""
    turns = chat_of(value)
    last = _last_of_assistant(turns)
    others = [turn.content for place, turn in enumerate(turns) if place != last]
    return "\n".join(filter(None, others))


def completion_in(value: object) -> Turn:
    """Return the completion in a value: the value itself, a message, or the assistant's last turn
    of a chat.
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
    """Return whether a text marks its reasoning with a think tag or a Harmony channel."""
    return think.OPEN in text or think.CLOSE in text or think.split_harmony(text) is not None


def _turn(message: Row) -> Turn:
    content = _content(message)
    thoughts = [text_of(message[key]) for key in THOUGHT_KEYS if message.get(key)]
    thought = thoughts[0] if thoughts else ""
    if isinstance(content, list):
        parts = [text_of(part["thinking"]) for part in content if _is_thinking(part)]
        thought = thought or "\n".join(parts)
        content = [part for part in content if not _is_thinking(part)]
    role = text_of(message.get("role") or message.get("from"))
    return Turn(role.lower(), thought, readable_text(content))


def _content(message: Row) -> object:
    if "content" in message:
        return message["content"]
    return message.get("value", message.get("text"))


def _is_thinking(part: object) -> bool:
    return isinstance(part, dict) and bool(part.get("thinking"))


def _last_of_assistant(turns: Sequence[Turn]) -> int:
    return max((place for place, turn in enumerate(turns) if turn.role in ASSISTANT), default=-1)


def _plain(value: object) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)
