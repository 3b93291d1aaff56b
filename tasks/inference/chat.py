"""From a conversation to token ids: the same way for requests, for training and for display."""

import re
from collections.abc import Iterable, Sequence
from typing import Any

from tasks.inference.control import control_of
from tasks.inference.engine import Ask, Message

_OPENED = re.compile(r"<think>\s*$")
TAIL_TOKENS = 8
"""Last tokens of a prompt in which a think tag of the chat template is looked for."""


def prompt_tokens(tokenizer: Any, messages: Iterable[Message]) -> list[int]:
    """Return the token ids of a conversation, up to the start of the model's next turn.

    The tokenizer's chat template makes them. A control token that a message spells out becomes
    plain text, so no document can end a turn or begin a thought. Earlier turns of the model keep
    their tags.
    """
    turns = [dict(message) for message in control_of(tokenizer).neutralised_messages(messages)]
    return list(
        tokenizer.apply_chat_template(
            turns, add_generation_prompt=True, tokenize=True, return_dict=False
        )
    )


def request_tokens(tokenizer: Any, ask: Ask) -> list[int]:
    """Return the token ids that the model continues.

    A raw prompt is the recipe's own text, so a control token in it stays a control token.
    """
    if ask.prompt:
        return list(tokenizer(ask.prompt + ask.prefill, add_special_tokens=False)["input_ids"])
    begun = prompt_tokens(tokenizer, ask.messages)
    if not ask.prefill:
        return begun
    return begun + list(tokenizer(ask.prefill, add_special_tokens=False)["input_ids"])


def opened_think(tokenizer: Any, prompt: Sequence[int]) -> str:
    """Return the think tag at the end of a prompt, "" if the model itself writes the tag.

    Some chat templates end every prompt with the tag (DeepSeek-R1). It belongs in front of the
    model's answer; without it the traces of such a model have no opening tag.
    """
    return opening_of(tokenizer.decode(list(prompt[-TAIL_TOKENS:]), skip_special_tokens=False))


def opening_of(tail: str) -> str:
    """Return the think tag at the end of a prompt's text, "" if there is none.

    >>> opening_of("<|assistant|><think>")
    '<think>'
    """
    found = _OPENED.search(tail)
    return found[0] if found else ""
