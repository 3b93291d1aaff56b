"""The one way in which a conversation becomes token ids: asked, trained on and shown alike."""

import re
from collections.abc import Iterable, Sequence
from typing import Any

from tasks.inference.engine import Message

_OPENED = re.compile(r"<think>\s*$")
TAIL_TOKENS = 8


def prompt_tokens(tokenizer: Any, messages: Iterable[Message]) -> list[int]:
    """Return the ids of a conversation up to where the model's own turn begins, by the tokenizer's chat template."""
    turns = [dict(message) for message in messages]
    return list(tokenizer.apply_chat_template(turns, add_generation_prompt=True, tokenize=True, return_dict=False))


def opened_think(tokenizer: Any, prompt: Sequence[int]) -> str:
    """Return the think tag with which a template ends the prompt itself (DeepSeek-R1), "" where the model writes it.

    It belongs before the model's answer: without it no trace of such a model would have an opening tag.
    """
    found = _OPENED.search(tokenizer.decode(list(prompt[-TAIL_TOKENS:]), skip_special_tokens=False))
    return found[0] if found else ""
