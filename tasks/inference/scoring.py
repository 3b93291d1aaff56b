"""The interface of scorers: a prompt and a text, their tokens, the text's log-probabilities."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from tasks.inference.chat import opened_think, prompt_tokens
from tasks.inference.engine import Message

Ids = NDArray[np.int32]
Nats = NDArray[np.float32]

TOO_LONG = "text_too_long"
NO_TOKENS = "no_tokens"


class Text(NamedTuple):
    """A text to score. key: its identity. top: number of likeliest tokens to return per position.

    messages: the conversation that the text answers; empty if `prompt` is the raw text before it.
    Control tokens in the text count as control tokens, because the model wrote the text. A think
    tag that the chat template puts before the answer belongs to the prompt.
    """

    key: str
    messages: tuple[Message, ...]
    text: str
    top: int = 0
    prompt: str = ""


@dataclass(frozen=True, eq=False)
class Scored:
    """The log-probabilities of a text, in nats (natural logarithm).

    ids: (tokens,) int32, the text's token ids. ends: (tokens,) int32, number of characters up to
    each token's end; all 0 if a server does not give them. nats: (tokens,) float32, log p of each
    token given the prompt and the tokens before it. top_ids, top_nats: (tokens, top) int32 and
    float32, the likeliest tokens of each position, likeliest first. fault: reason why there are no
    scores, "" if there are scores.
    """

    key: str
    prompt_tokens: int
    ids: Ids
    ends: Ids
    nats: Nats
    top_ids: Ids
    top_nats: Nats
    fault: str = ""


class Scorer(Protocol):
    """Scores texts; many texts can wait at the same time."""

    async def ask(self, ask: Text) -> Scored:
        """Return the scores of one text."""
        ...

    async def close(self) -> None:
        """Release the scorer's memory, processes and connections."""
        ...


class Tokens(NamedTuple):
    """The token ids of a prompt and of the text after it. ends: see `Scored`."""

    prompt: list[int]
    text: list[int]
    ends: list[int]


def text_tokens(tokenizer: Any, text: Text) -> Tokens:
    """Return the token ids of a text and of its prompt; the prompt's are those of a request."""
    if text.prompt:
        prompt = list(tokenizer(text.prompt, add_special_tokens=False)["input_ids"])
        return Tokens(prompt, *_text_tokens(tokenizer, text.text, offset=0))
    prompt = prompt_tokens(tokenizer, text.messages)
    answer = text.text.removeprefix(opened_think(tokenizer, prompt))
    return Tokens(prompt, *_text_tokens(tokenizer, answer, offset=len(text.text) - len(answer)))


def faulty(key: str, fault: str, prompt_tokens: int = 0) -> Scored:
    """Return empty scores with a fault, for a text that cannot be scored."""
    ids, nats = np.zeros(0, np.int32), np.zeros(0, np.float32)
    return Scored(key, prompt_tokens, ids, ids, nats, ids[:, None], nats[:, None], fault)


def scored(text: Text, tokens: Tokens, ranked: Sequence[Sequence[tuple[int, float]]]) -> Scored:
    """Return the scores of a text.

    ranked: for each token of the text a list of (id, nats): the token itself, then the top-k.
    """
    shape = (len(tokens.text), text.top)
    best = [row[1 : text.top + 1] for row in ranked]
    return Scored(
        text.key,
        len(tokens.prompt),
        np.array(tokens.text, np.int32),
        np.array(tokens.ends, np.int32),
        np.array([row[0][1] for row in ranked], np.float32),
        np.array([[token for token, _ in row] for row in best], np.int32).reshape(shape),
        np.array([[nats for _, nats in row] for row in best], np.float32).reshape(shape),
    )


def _text_tokens(tokenizer: Any, text: str, *, offset: int) -> tuple[list[int], list[int]]:
    """Return (token ids, end offsets) of a text that begins at character `offset`."""
    encoded = tokenizer(text, add_special_tokens=False, return_offsets_mapping=True)
    ends = [offset + end for _, end in encoded["offset_mapping"]]
    return list(encoded["input_ids"]), ends
