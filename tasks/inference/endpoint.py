"""Any OpenAI-compatible server that already runs: vLLM, NIM, Ollama, llama.cpp."""

import asyncio
import logging
from collections.abc import Mapping

import aiohttp
import orjson
from tenacity import (
    AsyncRetrying,
    retry_if_exception_type,
    stop_after_attempt,
    wait_exponential_jitter,
)

from tasks.errors import BadRecipe, EndpointUnreachable
from tasks.inference.chat import TAIL_TOKENS, opening_of
from tasks.inference.control import Control, known_control
from tasks.inference.engine import (
    Ask,
    Completion,
    EnginePlacement,
    TeacherSpec,
    sampling_of,
)
from tasks.inference.reply import RAW, Reply, parsed, reply_of

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
CONNECT_SECONDS = 10.0
GREETING_SECONDS = 4.0
"""A server that answers nothing for so long is reported, while its rows still wait."""
log = logging.getLogger(__name__)


class _Busy(Exception):
    """An answer that says: later."""


_NO_ANSWER = (_Busy, aiohttp.ClientError, TimeoutError)


class EndpointEngine:
    """Plain HTTP over one pool of connections; a typed client costs several times more a row.

    A prompt cannot spell a control token of the model: see `control.py`. A server is asked for the
    raw text and, if it runs a reasoning
    parser, for the tokens, which it also decodes (vLLM). An answer that comes only in parts is
    marked as parsed.
    """

    def __init__(self, spec: TeacherSpec, placement: EnginePlacement, *, api_key: str) -> None:
        self._placement = placement
        self._base = placement.base_url.rstrip("/")
        self._model = spec.model
        self._sampling = sampling_of(spec)
        self._headers = {"Content-Type": "application/json"} | (
            {"Authorization": f"Bearer {api_key}"} if api_key else {}
        )
        self._secret = api_key.encode()
        self._session: aiohttp.ClientSession | None = None
        self._greeting: asyncio.Task[None] | None = None
        self._reported = False
        self._raw: Mapping[str, bool] = RAW
        self._decodes = True
        self._opening: str | None = None
        self._control = known_control(spec.model, spec.tokenizer, spec.revision)
        _say_origin(spec, self._control.origin)

    async def ask(self, ask: Ask) -> Completion:
        """Return the server's answer; EndpointUnreachable after the last attempt, BadRecipe when it
        refuses every row alike.
        """
        url = f"{self._base}/{'completions' if ask.prompt else 'chat/completions'}"
        status, payload = await self._asked(url, self._body(ask))
        if status in REFUSED:
            reason = "prompt_too_long" if too_long(payload) else "refused"
            return Completion(ask.key, "", reason, 0, 0)
        if status != 200:
            raise BadRecipe(
                f"{url} answered {status}: {payload[:200].decode(errors='replace')!r}; check base_url, model and key"
            )
        begun = bool(ask.prompt or ask.prefill)
        return await self._completion(ask.key, reply_of(payload, url), begun=begun)

    async def close(self) -> None:
        """Close the connections."""
        if self._greeting:
            self._greeting.cancel()
        if self._session:
            await self._session.close()

    def _body(self, ask: Ask) -> dict[str, object]:
        """Return a request as the server takes it. A raw prompt is the recipe's own text and is
        sent as it is.
        """
        own = ask.sampling or self._sampling
        common = {
            "model": self._model,
            "temperature": own.temperature,
            "top_p": own.top_p,
            "max_tokens": ask.max_tokens or own.max_tokens,
            "n": 1,
            "seed": ask.seed,
        }
        if ask.prompt:
            return {**common, "prompt": ask.prompt + ask.prefill}
        messages = self._control.neutral(ask.messages)
        if not ask.prefill:
            return {**common, "messages": messages}
        begun = [*messages, {"role": "assistant", "content": ask.prefill}]
        going_on = {"continue_final_message": True, "add_generation_prompt": False}
        return {**common, **going_on, "messages": begun}

    async def _asked(self, url: str, body: Mapping[str, object]) -> tuple[int, bytes]:
        """Return (status, payload), asked for the raw text first; a server that refuses that wish
        is not asked for it again.
        """
        raw = self._raw
        status, payload = await self._send(url, {**body, **raw})
        if not raw or status not in REFUSED or too_long(payload):
            return status, payload
        plain = await self._send(url, body)
        if plain[0] == 200:
            self._raw = {}
        return plain

    async def _completion(self, key: str, reply: Reply, *, begun: bool) -> Completion:
        counts = reply.prompt_tokens, reply.completion_tokens
        text = await self._decoded(reply.said_ids) if reply.reasoning else reply.content
        if text is None:
            return Completion(key, reply.inline, reply.finish_reason, *counts, parsed=True)
        opening = await self._opened(reply) if text and not begun else ""
        return Completion(key, opening + self._control.spoken(text), reply.finish_reason, *counts)

    async def _opened(self, reply: Reply) -> str:
        """Return the think tag that the server's chat template puts at the end of every prompt, ""
        where there is none or none is told.
        """
        if self._opening is None:
            tail = await self._decoded(reply.prompt_ids[-TAIL_TOKENS:])
            self._opening = opening_of(tail or "")
        return self._opening

    async def _decoded(self, ids: tuple[int, ...]) -> str | None:
        """Return the text of tokens with all its special ones, decoded by the server itself; None
        where it does not do that.
        """
        if not ids or not self._decodes:
            return None
        url = f"{self._base.removesuffix('/v1')}/detokenize"
        status, payload = await self._send(url, {"model": self._model, "tokens": ids})
        if status == 200:
            return str(parsed(payload)["prompt"])
        self._decodes = False
        return None

    @property
    def base(self) -> str:
        """The server's address without /v1."""
        return self._base.removesuffix("/v1")

    @property
    def control(self) -> Control:
        """The control tokens of the model, as far as they are known here."""
        return self._control

    async def post(self, path: str, body: Mapping[str, object]) -> tuple[int, bytes]:
        """Return the server's status and answer to a request to one of its paths.

        It is tried as often as a row is; EndpointUnreachable after the last attempt.
        """
        return await self._send(f"{self.base}{path}", {"model": self._model, **body})

    async def _send(self, url: str, body: Mapping[str, object]) -> tuple[int, bytes]:
        encoded = orjson.dumps(body)
        try:
            sent = await self._post(url, encoded)
        except _NO_ANSWER as exc:
            self._report(exc)
            sent = await self._post_again(url, encoded)
        self._reported = False
        return sent

    async def _post_again(self, url: str, body: bytes) -> tuple[int, bytes]:
        retrying = AsyncRetrying(
            stop=stop_after_attempt(max(1, self._placement.attempts - 1)),
            wait=wait_exponential_jitter(multiplier=0.2, max=20),
            retry=retry_if_exception_type(_NO_ANSWER),
            reraise=True,
        )
        try:
            async for attempt in retrying:
                with attempt:
                    return await self._post(url, body)
        except _NO_ANSWER as exc:
            raise EndpointUnreachable(
                f"{url} did not answer in {self._placement.attempts} attempts ({_why(exc)}); "
                "finished rows are kept, run again once it is up"
            ) from exc
        raise EndpointUnreachable(f"{url}: no attempt was made")

    async def _post(self, url: str, body: bytes) -> tuple[int, bytes]:
        session = self._session or self._open()
        # A redirect would take the key elsewhere; it is an answer like any other, and not a good
        # one.
        async with session.post(url, data=body, allow_redirects=False) as response:
            payload = self._without_secret(await response.read())
            if response.status in RETRIED:
                raise _Busy(f"status {response.status}: {payload[:200].decode(errors='replace')!r}")
            return response.status, payload

    async def _greet(self, session: aiohttp.ClientSession) -> None:
        """Report a server that accepts connections and then says nothing: its first answer may be
        due only in half an hour.
        """
        timeout = aiohttp.ClientTimeout(total=GREETING_SECONDS)
        try:
            async with session.get(
                f"{self._base}/models", timeout=timeout, allow_redirects=False
            ) as response:
                await response.read()
        except _NO_ANSWER as exc:
            self._report(exc)

    def _report(self, exc: Exception) -> None:
        """Log that the server does not answer, once until it has answered again."""
        if not self._reported:
            self._reported = True
            log.warning(
                "%s does not answer (%s). Is the server up? Every request is tried %d times; finished rows are kept",
                self._base,
                _why(exc),
                self._placement.attempts,
            )

    def _without_secret(self, payload: bytes) -> bytes:
        """Return what a server said without the key: some repeat it when they complain, and what
        they say is logged and kept.
        """
        return payload.replace(self._secret, b"(key)") if self._secret else payload

    def _open(self) -> aiohttp.ClientSession:
        timeout = aiohttp.ClientTimeout(
            total=self._placement.timeout_seconds, sock_connect=CONNECT_SECONDS
        )
        connector = aiohttp.TCPConnector(limit=self._placement.window * self._placement.replicas)
        self._session = aiohttp.ClientSession(
            connector=connector,
            timeout=timeout,
            headers=self._headers,
            loop=asyncio.get_running_loop(),
        )
        self._greeting = asyncio.create_task(self._greet(self._session))
        return self._session


def too_long(payload: bytes) -> bool:
    return any(word in payload for word in TOO_LONG)


def _why(exc: Exception) -> str:
    return str(exc) or type(exc).__name__


def _say_origin(spec: TeacherSpec, origin: str) -> None:
    if origin:
        log.info("control tokens of %s: known by its %s", spec.model, origin)
    else:
        log.warning(
            "the control tokens of %s are not known: its tokenizer is not on this machine, and its "
            "name belongs to no known family. Set its tokenizer in the recipe to the folder or hub name "
            "of its tokenizer. Until then only the control tokens of the known families are neutralised",
            spec.model,
        )
