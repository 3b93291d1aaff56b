"""A server as a scorer: vLLM's `prompt_logprobs` on `/v1/completions`, asked with token ids."""

from collections.abc import Mapping, Sequence
from itertools import accumulate
from typing import Any, NoReturn

from tasks.errors import BadRecipe
from tasks.inference.chat import TAIL_TOKENS, opening_of
from tasks.inference.endpoint import EndpointEngine, too_long
from tasks.inference.reply import parsed
from tasks.inference.scoring import (
    NO_TOKENS,
    TOO_LONG,
    Scored,
    Text,
    Tokens,
    faulty,
    scored,
)


class EndpointScorer:
    """Scores over HTTP. The server's own tokenizer and chat template make the token ids.

    Raises BadRecipe where the server does not offer this: of the servers that speak OpenAI's
    protocol only vLLM returns the log-probabilities of a prompt.
    """

    def __init__(self, engine: EndpointEngine) -> None:
        self._engine = engine
        self._opening: str | None = None

    async def ask(self, ask: Text) -> Scored:
        """Return the text's scores; EndpointUnreachable after the last attempt."""
        tokens = await self._tokens(ask)
        if not tokens.text:
            return faulty(ask.key, NO_TOKENS, len(tokens.prompt))
        body = {
            "prompt": [*tokens.prompt, *tokens.text],
            "max_tokens": 1,
            "temperature": 0,
            "prompt_logprobs": ask.top,
        }
        status, payload = await self._engine.post("/v1/completions", body)
        if status != 200 and too_long(payload):
            return faulty(ask.key, TOO_LONG, len(tokens.prompt))
        if status != 200:
            self._cannot("/v1/completions", status, payload)
        ranked = _ranked(parsed(payload), tokens)
        if not ranked:
            self._cannot("prompt_logprobs", status, payload)
        return scored(ask, tokens, ranked)

    async def close(self) -> None:
        """Close the connections."""
        await self._engine.close()

    async def _tokens(self, text: Text) -> Tokens:
        if text.prompt:
            prompt, _ = await self._said(text.prompt, 0)
            return Tokens(prompt, *await self._said(text.text, 0))
        messages = self._engine.control.neutral(text.messages)
        asked = {"messages": messages, "add_generation_prompt": True}
        prompt = [int(token) for token in (await self._tokenized(asked))["tokens"]]
        said = text.text.removeprefix(await self._opened(prompt))
        return Tokens(prompt, *await self._said(said, len(text.text) - len(said)))

    async def _said(self, text: str, before: int) -> tuple[list[int], list[int]]:
        asked = {"prompt": text, "add_special_tokens": False, "return_token_strs": True}
        told = await self._tokenized(asked)
        ends = _ends(told.get("token_strs") or [], text)
        ids = [int(token) for token in told["tokens"]]
        return ids, [before + end for end in ends] if len(ends) == len(ids) else [0] * len(ids)

    async def _tokenized(self, asked: Mapping[str, object]) -> dict[str, Any]:
        status, payload = await self._engine.post("/tokenize", asked)
        told: dict[str, Any] = parsed(payload) if status == 200 else {}
        if "tokens" not in told:
            self._cannot("/tokenize", status, payload)
        return told

    async def _opened(self, prompt: Sequence[int]) -> str:
        """Return the think tag at the end of every prompt of the server's chat template."""
        if self._opening is None:
            tail = {"tokens": prompt[-TAIL_TOKENS:]}
            status, payload = await self._engine.post("/detokenize", tail)
            told = parsed(payload) if status == 200 else {}
            if "prompt" not in told:
                self._cannot("/detokenize", status, payload)
            self._opening = opening_of(str(told["prompt"]))
        return self._opening

    def _cannot(self, what: str, status: int, payload: bytes) -> NoReturn:
        raise BadRecipe(
            f"the server at {self._engine.base} cannot score a text: no {what} (status {status}, "
            f"{payload[:200].decode(errors='replace')!r}). Scoring needs vLLM's /tokenize, /detokenize and prompt_logprobs on "
            "/v1/completions; use a vLLM server, or engine: vllm"
        )


def _ends(spelt: Sequence[str], text: str) -> list[int]:
    """Return how many characters of a text each token's end lies behind; none where it is unknown.

    spelt: the tokens as the vocabulary spells them, one sign for each byte or for each character.
    """
    ends = list(accumulate(map(len, spelt)))
    whole = text.encode()
    if not ends or ends[-1] not in (len(whole), len(text)):
        return []
    if ends[-1] == len(text):
        return ends
    return [len(whole[:end].decode(errors="ignore")) for end in ends]


def _ranked(reply: Any, tokens: Tokens) -> list[list[tuple[int, float]]]:
    """Return for every token of the text (id, nats), itself first, then the likeliest; or none."""
    told = reply["choices"][0].get("prompt_logprobs") or []
    last = told[len(tokens.prompt) :] if len(told) == len(tokens.prompt) + len(tokens.text) else []
    return [_position(position, token) for position, token in zip(last, tokens.text, strict=False)]


def _position(position: Mapping[str, Mapping[str, float]], token: int) -> list[tuple[int, float]]:
    ranked = sorted(position.items(), key=lambda one: one[1]["rank"])
    return [
        (token, position[str(token)]["logprob"]),
        *((int(one), told["logprob"]) for one, told in ranked),
    ]
