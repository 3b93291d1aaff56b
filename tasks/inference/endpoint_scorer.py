"""Scores from a vLLM server: `prompt_logprobs` of `/v1/completions`, requested by token ids."""

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
    """A scorer that uses a server over HTTP; the server tokenizes and applies its chat template.

    Raises BadRecipe if the server cannot score: of the OpenAI-compatible servers only vLLM returns
    the log-probabilities of a prompt.
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
            self._refuse("/v1/completions", status, payload)
        ranked = _ranked(parsed(payload), tokens)
        if not ranked:
            self._refuse("prompt_logprobs", status, payload)
        return scored(ask, tokens, ranked)

    async def close(self) -> None:
        """Close the connections."""
        await self._engine.close()

    async def _tokens(self, text: Text) -> Tokens:
        if text.prompt:
            prompt, _ = await self._text_tokens(text.prompt, offset=0)
            return Tokens(prompt, *await self._text_tokens(text.text, offset=0))
        messages = self._engine.control.neutralised_messages(text.messages)
        request = {"messages": messages, "add_generation_prompt": True}
        prompt = [int(token) for token in (await self._tokenize(request))["tokens"]]
        answer = text.text.removeprefix(await self._template_think_tag(prompt))
        offset = len(text.text) - len(answer)
        return Tokens(prompt, *await self._text_tokens(answer, offset=offset))

    async def _text_tokens(self, text: str, *, offset: int) -> tuple[list[int], list[int]]:
        """Return (token ids, end offsets) of a text that begins at character `offset`."""
        request = {"prompt": text, "add_special_tokens": False, "return_token_strs": True}
        reply = await self._tokenize(request)
        ids = [int(token) for token in reply["tokens"]]
        ends = _token_ends(reply.get("token_strs") or [], text)
        if len(ends) != len(ids):
            return ids, [0] * len(ids)
        return ids, [offset + end for end in ends]

    async def _tokenize(self, request: Mapping[str, object]) -> dict[str, Any]:
        status, payload = await self._engine.post("/tokenize", request)
        reply: dict[str, Any] = parsed(payload) if status == 200 else {}
        if "tokens" not in reply:
            self._refuse("/tokenize", status, payload)
        return reply

    async def _template_think_tag(self, prompt: Sequence[int]) -> str:
        """Return the think tag with which the server's chat template ends every prompt, or ""."""
        if self._opening is None:
            tail = {"tokens": prompt[-TAIL_TOKENS:]}
            status, payload = await self._engine.post("/detokenize", tail)
            reply = parsed(payload) if status == 200 else {}
            if "prompt" not in reply:
                self._refuse("/detokenize", status, payload)
            self._opening = opening_of(str(reply["prompt"]))
        return self._opening

    def _refuse(self, missing: str, status: int, payload: bytes) -> NoReturn:
        raise BadRecipe(
            f"the server at {self._engine.base} cannot score a text: no {missing} "
            f"(status {status}, {payload[:200].decode(errors='replace')!r}). Scoring needs vLLM's "
            "/tokenize, /detokenize and prompt_logprobs on /v1/completions; use a vLLM server, "
            "or engine: vllm"
        )


def _token_ends(spelling: Sequence[str], text: str) -> list[int]:
    """Return the number of characters of the text up to each token's end; [] if it is unknown.

    spelling: the tokens as the vocabulary spells them, with one sign per byte or per character.
    """
    ends = list(accumulate(map(len, spelling)))
    encoded = text.encode()
    if not ends or ends[-1] not in (len(encoded), len(text)):
        return []
    if ends[-1] == len(text):
        return ends
    return [len(encoded[:end].decode(errors="ignore")) for end in ends]


def _ranked(reply: Any, tokens: Tokens) -> list[list[tuple[int, float]]]:
    """Return (id, nats) for every token of the text: itself first, then the likeliest tokens.

    The list is empty if the server gave no log-probabilities.
    """
    positions = reply["choices"][0].get("prompt_logprobs") or []
    if len(positions) != len(tokens.prompt) + len(tokens.text):
        return []
    of_text = zip(positions[len(tokens.prompt) :], tokens.text, strict=True)
    return [_ranked_at(position, token) for position, token in of_text]


def _ranked_at(position: Mapping[str, Mapping[str, float]], token: int) -> list[tuple[int, float]]:
    by_rank = sorted(position.items(), key=lambda one: one[1]["rank"])
    own = (token, position[str(token)]["logprob"])
    return [own, *((int(name), entry["logprob"]) for name, entry in by_rank)]
