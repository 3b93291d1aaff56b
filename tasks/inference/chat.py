"""The one way in which a conversation becomes token ids: asked, trained on and shown alike."""

import re
from collections.abc import Iterable, Sequence
from typing import Any

from tasks.inference.control import control_of
from tasks.inference.engine import Ask, Message

_OPENED = re.compile(r"<think>\s*$")
TAIL_TOKENS = 8


def prompt_tokens(tokenizer: Any, messages: Iterable[Message]) -> list[int]:
    """Return the ids of a conversation up to where the model's own turn begins, by the tokenizer's
    chat template.

    A control token that a message to the model spells is words here, as it is to its reader: no
    document can end a turn or begin a
    thought. What the model itself said before keeps its tags.
    """
    turns = [dict(message) for message in control_of(tokenizer).neutral(messages)]
    return list(
        tokenizer.apply_chat_template(
            turns, add_generation_prompt=True, tokenize=True, return_dict=False
        )
    )


def request_tokens(tokenizer: Any, ask: Ask) -> list[int]:
    """Return the ids that a request's completion goes on from.

    A raw prompt is the recipe's own text: what it spells as a control token is one.
    """
    if ask.prompt:
        return list(tokenizer(ask.prompt + ask.prefill, add_special_tokens=False)["input_ids"])
    begun = prompt_tokens(tokenizer, ask.messages)
    if not ask.prefill:
        return begun
    return begun + list(tokenizer(ask.prefill, add_special_tokens=False)["input_ids"])


def opened_think(tokenizer: Any, prompt: Sequence[int]) -> str:
    """Return the think tag with which a template ends the prompt itself (DeepSeek-R1), "" where the
    model writes it.

    It belongs before the model's answer: without it no trace of such a model would have an opening
    tag.
    """
    return opening_of(tokenizer.decode(list(prompt[-TAIL_TOKENS:]), skip_special_tokens=False))


def opening_of(tail: str) -> str:
    """Return the think tag at the end of a prompt's text, "" where there is none."""
    found = _OPENED.search(tail)
    return found[0] if found else ""
