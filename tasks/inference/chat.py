"""The one way in which a conversation becomes token ids: asked, trained on and shown alike."""

import re
from collections.abc import Iterable, Sequence
from typing import Any

from tasks.inference.engine import Message

_OPENED = re.compile(r"<think>\s*$")
_TAG = re.compile(r"<[^<>\s]+>")
TAIL_TOKENS = 8


def prompt_tokens(tokenizer: Any, messages: Iterable[Message]) -> list[int]:
    """Return the ids of a conversation up to where the model's own turn begins, by the tokenizer's chat template.

    A control token that a message to the model spells out is words here, as it is to its reader: no document can end a turn or begin a
    thought. What the model itself said before keeps its tags.
    """
    control = control_tokens(tokenizer)
    turns = [
        dict(message) if message["role"] == "assistant" else _asked(message, control)
        for message in messages
    ]
    return list(
        tokenizer.apply_chat_template(
            turns, add_generation_prompt=True, tokenize=True, return_dict=False
        )
    )


def _asked(message: Message, control: Sequence[str]) -> dict[str, str]:
    return {**message, "content": without_control(message["content"], control)}


def control_tokens(tokenizer: Any) -> list[str]:
    """Return what the tokenizer reads as one token wherever it stands, longest first: its special tokens, and tags like <think>."""
    added = tokenizer.added_tokens_decoder.values()
    found = [
        one.content
        for one in added
        if len(one.content) > 1 and (one.special or _TAG.fullmatch(one.content))
    ]
    return sorted(found, key=len, reverse=True)


def without_control(text: str, control: Sequence[str]) -> str:
    """Return the text with every control token parted behind its first sign."""
    for token in control:
        text = text.replace(token, f"{token[0]} {token[1:]}")
    return text


def opened_think(tokenizer: Any, prompt: Sequence[int]) -> str:
    """Return the think tag with which a template ends the prompt itself (DeepSeek-R1), "" where the model writes it.

    It belongs before the model's answer: without it no trace of such a model would have an opening tag.
    """
    found = _OPENED.search(tokenizer.decode(list(prompt[-TAIL_TOKENS:]), skip_special_tokens=False))
    return found[0] if found else ""
