"""An engine that uses a running OpenAI-compatible server: vLLM, NIM, Ollama, llama.cpp."""

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
"""HTTP statuses after which a request is sent again."""
REFUSED = frozenset({400, 413, 422})
"""HTTP statuses that reject one request for good."""
TOO_LONG = (
    b"context length",
    b"context_length",
    b"maximum context",
    b"max_model_len",
    b"too long",
    b"exceed",
)
"""Words in the error messages of servers that refuse a prompt because of its length."""
CONNECT_SECONDS = 10.0
PROBE_SECONDS = 4.0
"""A warning is logged if the server gives no first answer in this time; requests still wait."""
log = logging.getLogger(__name__)


class _Busy(Exception):
    """The server answered with a status that allows another attempt."""


_NO_ANSWER = (_Busy, aiohttp.ClientError, TimeoutError)


class EndpointEngine:
    """An engine over plain HTTP with one pool of connections.

    A typed client costs several times more CPU per request. Control tokens in prompts are
    neutralised (`control.py`). The server is asked for the raw text. A server that separates the
    reasoning (vLLM) also gives the token ids and decodes them; without them the completion is
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
        self._probing: asyncio.Task[None] | None = None
        self._reported = False
        self._raw: Mapping[str, bool] = RAW
        self._decodes = True
        self._opening: str | None = None
        self._control = known_control(spec.model, spec.tokenizer, spec.revision)
        _log_origin(spec, self._control.origin)

    async def ask(self, ask: Ask) -> Completion:
        """Return the server's answer.

        Raises EndpointUnreachable after the last attempt, and BadRecipe for an error that would
        repeat with every request.
        """
        url = f"{self._base}/{'completions' if ask.prompt else 'chat/completions'}"
        status, payload = await self._request(url, self._body(ask))
        if status in REFUSED:
            reason = "prompt_too_long" if too_long(payload) else "refused"
            return Completion(ask.key, "", reason, 0, 0)
        if status != 200:
            raise BadRecipe(
                f"{url} answered {status}: {payload[:200].decode(errors='replace')!r}; "
                "check base_url, model and key"
            )
        begun = bool(ask.prompt or ask.prefill)
        return await self._completion(ask.key, reply_of(payload, url), begun=begun)

    async def close(self) -> None:
        """Close the connections."""
        if self._probing:
            self._probing.cancel()
        if self._session:
            await self._session.close()

    def _body(self, ask: Ask) -> dict[str, object]:
        """Return the JSON body of a request. A raw prompt, the recipe's own text, stays as is."""
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
        messages = self._control.neutralised_messages(ask.messages)
        if not ask.prefill:
            return {**common, "messages": messages}
        begun = [*messages, {"role": "assistant", "content": ask.prefill}]
        continuing = {"continue_final_message": True, "add_generation_prompt": False}
        return {**common, **continuing, "messages": begun}

    async def _request(self, url: str, body: Mapping[str, object]) -> tuple[int, bytes]:
        """Return (status, payload). The raw text is requested until the server rejects that."""
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
        text = await self._detokenized(reply.text_ids) if reply.reasoning else reply.content
        if text is None:
            return Completion(key, reply.inline, reply.finish_reason, *counts, parsed=True)
        opening = await self._template_think_tag(reply) if text and not begun else ""
        return Completion(key, opening + self._control.visible(text), reply.finish_reason, *counts)

    async def _template_think_tag(self, reply: Reply) -> str:
        """Return the think tag with which the server's chat template ends every prompt.

        It is "" if there is none, or if the server does not show the prompt's tokens.
        """
        if self._opening is None:
            tail = await self._detokenized(reply.prompt_ids[-TAIL_TOKENS:])
            self._opening = opening_of(tail or "")
        return self._opening

    async def _detokenized(self, ids: tuple[int, ...]) -> str | None:
        """Return the text of tokens with its special tokens; None if the server cannot decode."""
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
        """The known control tokens of the model."""
        return self._control

    async def post(self, path: str, body: Mapping[str, object]) -> tuple[int, bytes]:
        """Return (status, payload) of a request to one of the server's paths.

        It has as many attempts as any request. Raises EndpointUnreachable after the last one.
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
        # A followed redirect would send the key to another server, so it counts as an error answer.
        async with session.post(url, data=body, allow_redirects=False) as response:
            payload = self._without_secret(await response.read())
            if response.status in RETRIED:
                raise _Busy(f"status {response.status}: {payload[:200].decode(errors='replace')!r}")
            return response.status, payload

    async def _probe(self, session: aiohttp.ClientSession) -> None:
        """Report a server that accepts connections but does not answer.

        Without this probe the first warning could come after timeout_seconds, half an hour.
        """
        timeout = aiohttp.ClientTimeout(total=PROBE_SECONDS)
        try:
            async with session.get(
                f"{self._base}/models", timeout=timeout, allow_redirects=False
            ) as response:
                await response.read()
        except _NO_ANSWER as exc:
            self._report(exc)

    def _report(self, exc: Exception) -> None:
        """Log that the server does not answer, once until it answers again."""
        if not self._reported:
            self._reported = True
            log.warning(
                "%s does not answer (%s). Is the server up? Every request is tried %d times; "
                "finished rows are kept",
                self._base,
                _why(exc),
                self._placement.attempts,
            )

    def _without_secret(self, payload: bytes) -> bytes:
        """Return a server's answer without the API key.

        Some servers repeat the key in error messages, and these are logged and stored.
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
        self._probing = asyncio.create_task(self._probe(self._session))
        return self._session


def too_long(payload: bytes) -> bool:
    """Return whether a server refused a request because its prompt is too long.

    >>> too_long(b'{"message": "maximum context length is 1024 tokens"}')
    True
    """
    return any(word in payload for word in TOO_LONG)


def _why(exc: Exception) -> str:
    return str(exc) or type(exc).__name__


def _log_origin(spec: TeacherSpec, origin: str) -> None:
    if origin:
        log.info("control tokens of %s: known by its %s", spec.model, origin)
    else:
        log.warning(
            "the control tokens of %s are not known: its tokenizer is not on this machine, and its "
            "name belongs to no known family. Set its tokenizer in the recipe to the folder or hub "
            "name of its tokenizer. Until then only the control tokens of the known families are "
            "neutralised",
            spec.model,
        )
