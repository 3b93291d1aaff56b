"""The answer of an OpenAI-compatible server, parsed: text, reasoning, token ids and counts."""

import json
from typing import Any, NamedTuple

import orjson

from tasks import think
from tasks.errors import Terminal

RAW = {"skip_special_tokens": False, "return_token_ids": True}
"""Options that request the raw text and the token ids. vLLM and SGLang support them; most other
servers ignore them, and some reject a request that has them.
"""
ENDED = ("stop", "length")
"""Finish reasons of a server that are kept; every other reason becomes "refused"."""


class Reply(NamedTuple):
    """One answer of a server. prompt_ids, ids: token ids; empty if the server gives none."""

    content: str
    reasoning: str
    finish_reason: str
    prompt_tokens: int
    completion_tokens: int
    prompt_ids: tuple[int, ...]
    ids: tuple[int, ...]

    @property
    def inline(self) -> str:
        """The answer with an inline think block, rebuilt if the server separated the reasoning."""
        if not self.reasoning:
            return self.content
        return think.from_fields(self.reasoning, self.content, cut=self.finish_reason == "length")

    @property
    def text_ids(self) -> tuple[int, ...]:
        """The token ids of the answer without the end-of-text token."""
        return self.ids[:-1] if self.finish_reason == "stop" else self.ids


def reply_of(payload: bytes, url: str) -> Reply:
    """Return a server's answer. Raises Terminal for a payload of any other format.

    payload: JSON of a chat completion or of a text completion. url: for the error message.
    """
    try:
        answer = parsed(payload)
        choice = answer["choices"][0]
        message = choice["message"] if "message" in choice else {"content": choice["text"]}
        usage = answer.get("usage") or {}
        finish = choice.get("finish_reason") or "stop"
        return Reply(
            content=str(message.get("content") or ""),
            reasoning=str(message.get("reasoning") or message.get("reasoning_content") or ""),
            finish_reason=finish if finish in ENDED else "refused",
            prompt_tokens=int(usage.get("prompt_tokens") or 0),
            completion_tokens=int(usage.get("completion_tokens") or 0),
            prompt_ids=tuple(answer.get("prompt_token_ids") or ()),
            ids=tuple(choice.get("token_ids") or ()),
        )
    except (orjson.JSONDecodeError, LookupError, TypeError, AttributeError, ValueError) as exc:
        raise Terminal(
            f"{url} gave an answer that is not a chat completion: "
            f"{payload[:200].decode(errors='replace')!r}"
        ) from exc


def parsed(payload: bytes) -> Any:
    """Return the value of a JSON text. Lone surrogates, which some servers write, become "?"."""
    try:
        return orjson.loads(payload)
    except orjson.JSONDecodeError:
        return orjson.loads(
            json.dumps(json.loads(payload), ensure_ascii=False).encode(errors="replace")
        )
