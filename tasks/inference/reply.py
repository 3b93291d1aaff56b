"""What a server's answer says: a chat completion, taken apart as far as it can be known."""

import json
from typing import Any, NamedTuple

import orjson

from tasks import think
from tasks.errors import Terminal

RAW = {"skip_special_tokens": False, "return_token_ids": True}
"""Asks for the text as the model wrote it. vLLM and SGLang understand it, most others pass over it,
some refuse a request that holds it.
"""
ENDED = ("stop", "length")


class Reply(NamedTuple):
    """One answer. prompt_ids, ids: of the tokens, empty where the server does not give them."""

    content: str
    reasoning: str
    finish_reason: str
    prompt_tokens: int
    completion_tokens: int
    prompt_ids: tuple[int, ...]
    ids: tuple[int, ...]

    @property
    def inline(self) -> str:
        """The answer with its think block inline; where the server took it apart, as far as its
        parts tell.
        """
        if not self.reasoning:
            return self.content
        return think.from_fields(self.reasoning, self.content, cut=self.finish_reason == "length")

    @property
    def said_ids(self) -> tuple[int, ...]:
        """The tokens of the answer without the one that ended it."""
        return self.ids[:-1] if self.finish_reason == "stop" else self.ids


def reply_of(payload: bytes, url: str) -> Reply:
    """Return a server's answer; Terminal when it is no chat completion."""
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
            f"{url} answered something that is no chat completion: "
            f"{payload[:200].decode(errors='replace')!r}"
        ) from exc


def parsed(payload: bytes) -> Any:
    """Return an answer's JSON. Some servers spell halves of characters, which no encoding takes:
    they become question marks.
    """
    try:
        return orjson.loads(payload)
    except orjson.JSONDecodeError:
        return orjson.loads(
            json.dumps(json.loads(payload), ensure_ascii=False).encode(errors="replace")
        )
