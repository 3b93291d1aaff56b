"""What every scorer shares: a text behind a prompt, its log-probabilities, and the tokens of both."""

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
    """A text to score. key: its identity. top: likeliest tokens to return for each position.

    messages: the conversation that the text answers, or none where `prompt` is the raw text that
    stands before it. Control tokens that the text spells count as control tokens: the model wrote
    them. A think tag that the chat template itself puts before the answer belongs to the prompt.
    """

    key: str
    messages: tuple[Message, ...]
    text: str
    top: int = 0
    prompt: str = ""


@dataclass(frozen=True, eq=False)
class Scored:
    """The log-probabilities of a text, in nats (natural logarithm).

    ids: (tokens,) int32, the text's tokens. ends: (tokens,) int32, the characters of the text up to
    each token's end; all 0 where a server does not tell. nats: (tokens,) float32, log p of each
    token given the prompt and the tokens before it. top_ids, top_nats: (tokens, top), the likeliest
    tokens of each position, likeliest first. fault: why there are no numbers, "" when there are.
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
    """Scores texts; many may be asked at once."""

    async def ask(self, ask: Text) -> Scored:
        """Return the scores of one text."""
        ...

    async def close(self) -> None:
        """Free what the scorer holds."""
        ...


class Tokens(NamedTuple):
    """The token ids of a prompt and of the text behind it. ends: as Scored has them."""

    prompt: list[int]
    text: list[int]
    ends: list[int]


def text_tokens(tokenizer: Any, text: Text) -> Tokens:
    """Return the token ids of a text and its prompt, the prompt as an engine is asked with it."""
    if text.prompt:
        prompt = list(tokenizer(text.prompt, add_special_tokens=False)["input_ids"])
        return Tokens(prompt, *_said(tokenizer, text.text, 0))
    prompt = prompt_tokens(tokenizer, text.messages)
    said = text.text.removeprefix(opened_think(tokenizer, prompt))
    return Tokens(prompt, *_said(tokenizer, said, len(text.text) - len(said)))


def faulty(key: str, fault: str, prompt_tokens: int = 0) -> Scored:
    """Return the scores of a text that has none."""
    ids, nats = np.zeros(0, np.int32), np.zeros(0, np.float32)
    return Scored(key, prompt_tokens, ids, ids, nats, ids[:, None], nats[:, None], fault)


def scored(text: Text, tokens: Tokens, ranked: Sequence[Sequence[tuple[int, float]]]) -> Scored:
    """Return a text's scores. ranked: for each of its tokens (id, nats), itself first, then top-k."""
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


def _said(tokenizer: Any, text: str, before: int) -> tuple[list[int], list[int]]:
    """Return the tokens of a text and where each ends. before: characters in front of the text."""
    said = tokenizer(text, add_special_tokens=False, return_offsets_mapping=True)
    return list(said["input_ids"]), [before + end for _, end in said["offset_mapping"]]
