"""Any OpenAI-compatible server that already runs: vLLM, NIM, Ollama, llama.cpp."""

import asyncio
import json
from typing import Any

import aiohttp
import orjson
from tenacity import (
    AsyncRetrying,
    retry_if_exception_type,
    stop_after_attempt,
    wait_exponential_jitter,
)

from tasks import think
from tasks.errors import BadRecipe, EndpointUnreachable, Terminal
from tasks.inference.engine import Ask, Completion, EnginePlacement, TeacherSpec

RETRIED = frozenset({408, 409, 425, 429, 500, 502, 503, 504})
REFUSED = frozenset({400, 413, 422})
TOO_LONG = (
    b"context length",
    b"context_length",
    b"maximum context",
    b"max_model_len",
    b"too long",
    b"exceed",
)


class _Busy(Exception):
    """An answer that says: later."""


class EndpointEngine:
    """Plain HTTP over one pool of connections; a typed client costs several times more a row."""

    def __init__(self, spec: TeacherSpec, placement: EnginePlacement, *, api_key: str) -> None:
        self._placement = placement
        self._url = placement.base_url.rstrip("/") + "/chat/completions"
        self._common = {
            "model": spec.model,
            "temperature": spec.temperature,
            "top_p": spec.top_p,
            "max_tokens": spec.max_tokens,
            "n": 1,
        }
        self._headers = {"Content-Type": "application/json"} | (
            {"Authorization": f"Bearer {api_key}"} if api_key else {}
        )
        self._secret = api_key.encode()
        self._session: aiohttp.ClientSession | None = None

    async def ask(self, ask: Ask) -> Completion:
        """Return the server's answer; EndpointUnreachable after the last attempt, BadRecipe when it refuses every row alike."""
        shorter = {"max_tokens": ask.max_tokens} if ask.max_tokens else {}
        body = orjson.dumps(self._common | {"messages": ask.messages, "seed": ask.seed} | shorter)
        try:
            status, payload = await self._post(body)
        except (_Busy, aiohttp.ClientError, TimeoutError):
            status, payload = await self._post_again(body)
        if status in REFUSED:
            return Completion(
                ask.key,
                "",
                "prompt_too_long" if any(word in payload for word in TOO_LONG) else "refused",
                0,
                0,
            )
        if status != 200:
            raise BadRecipe(
                f"{self._url} answered {status}: {payload[:200].decode(errors='replace')!r}; check base_url, model and key"
            )
        return _completion(ask.key, payload, self._url)

    async def close(self) -> None:
        """Close the connections."""
        if self._session:
            await self._session.close()

    async def _post_again(self, body: bytes) -> tuple[int, bytes]:
        retrying = AsyncRetrying(
            stop=stop_after_attempt(max(1, self._placement.attempts - 1)), wait=wait_exponential_jitter(multiplier=0.2, max=20),
            retry=retry_if_exception_type((_Busy, aiohttp.ClientError, TimeoutError)), reraise=True,
        )  # fmt: skip
        try:
            async for attempt in retrying:
                with attempt:
                    return await self._post(body)
        except (_Busy, aiohttp.ClientError, TimeoutError) as exc:
            raise EndpointUnreachable(
                f"{self._url} did not answer in {self._placement.attempts} attempts ({exc or type(exc).__name__}); "
                "finished rows are kept, run again once it is up"
            ) from exc
        raise EndpointUnreachable(f"{self._url}: no attempt was made")

    async def _post(self, body: bytes) -> tuple[int, bytes]:
        session = self._session or self._open()
        # A redirect would take the key elsewhere; it is an answer like any other, and not a good one.
        async with session.post(self._url, data=body, allow_redirects=False) as response:
            payload = self._without_secret(await response.read())
            if response.status in RETRIED:
                raise _Busy(f"status {response.status}: {payload[:200].decode(errors='replace')!r}")
            return response.status, payload

    def _without_secret(self, payload: bytes) -> bytes:
        """Return what a server said without the key: some repeat it when they complain, and what they say is logged and kept."""
        return payload.replace(self._secret, b"(key)") if self._secret else payload

    def _open(self) -> aiohttp.ClientSession:
        timeout = aiohttp.ClientTimeout(total=self._placement.timeout_seconds)
        connector = aiohttp.TCPConnector(limit=self._placement.window * self._placement.replicas)
        self._session = aiohttp.ClientSession(
            connector=connector,
            timeout=timeout,
            headers=self._headers,
            loop=asyncio.get_running_loop(),
        )
        return self._session


def _parsed(payload: bytes) -> Any:
    """Return an answer's JSON. Some servers spell halves of characters, which no encoding takes: they become question marks."""
    try:
        return orjson.loads(payload)
    except orjson.JSONDecodeError:
        return orjson.loads(
            json.dumps(json.loads(payload), ensure_ascii=False).encode(errors="replace")
        )


def _completion(key: str, payload: bytes, url: str) -> Completion:
    try:
        answer = _parsed(payload)
        choice = answer["choices"][0]
        message, usage = choice["message"], answer.get("usage") or {}
        content = message.get("content") or ""
        reasoning = message.get("reasoning") or message.get("reasoning_content") or ""
        finish = choice.get("finish_reason") or "stop"
        text = think.from_fields(str(reasoning), str(content)) if reasoning else str(content)
        tokens = int(usage.get("prompt_tokens") or 0), int(usage.get("completion_tokens") or 0)
    except (orjson.JSONDecodeError, LookupError, TypeError, AttributeError, ValueError) as exc:
        raise Terminal(
            f"{url} answered something that is no chat completion: {payload[:200].decode(errors='replace')!r}"
        ) from exc
    finish = finish if finish in ("stop", "length") else "refused"
    return Completion(key, text, finish, *tokens)
