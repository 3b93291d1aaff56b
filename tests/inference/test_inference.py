import asyncio
import json
import time
from collections.abc import Awaitable, Callable
from concurrent.futures import Future
from pathlib import Path
from typing import TypeVar

import aiohttp
import pytest
from aiohttp import web

from tasks import think
from tasks.errors import BadRecipe, EndpointUnreachable, Terminal
from tasks.inference import models
from tasks.inference.endpoint import EndpointEngine
from tasks.inference.engine import Ask, Completion, Engine, EnginePlacement, NamedModel, TeacherSpec
from tasks.inference.scripted import answer
from tasks.inference.warm import Warm
from tasks.traces.generate import TraceSpec, generate
from tests.support.answer_server import answering
from tests.support.builders import prompts_table, silent

T = TypeVar("T")
Reply = Callable[[int], tuple[int, dict[str, object] | str]]
ONE = Ask("k", ({"role": "user", "content": "Why?"},), 7)


def chat(content: str, *, finish: str = "stop", **fields: str) -> dict[str, object]:
    message = {"role": "assistant", "content": content} | fields
    return {
        "choices": [{"message": message, "finish_reason": finish}],
        "usage": {"prompt_tokens": 3, "completion_tokens": 5},
    }


async def against(
    reply: Reply, work: Callable[[str], Awaitable[T]]
) -> tuple[T, list[dict[str, object]]]:
    """Run work against a server whose n-th answer is reply(n); also return the requests it saw."""
    seen: list[dict[str, object]] = []

    async def handle(request: web.Request) -> web.Response:
        seen.append(
            await request.json() | {"authorization": request.headers.get("Authorization", "")}
        )
        status, payload = reply(len(seen))
        return (
            web.Response(status=status, text=payload)
            if isinstance(payload, str)
            else web.json_response(payload, status=status)
        )

    app = web.Application()
    app.router.add_post("/v1/chat/completions", handle)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        port = runner.addresses[0][1]
        return await work(f"http://127.0.0.1:{port}/v1"), seen
    finally:
        await runner.cleanup()


def ask_once(
    reply: Reply, *, attempts: int = 3, times: int = 1, ask: Ask = ONE
) -> tuple[Completion, list[dict[str, object]]]:
    """Return the answer to the last of so many asks, and what the server saw."""

    async def work(base_url: str) -> Completion:
        engine = EndpointEngine(
            TeacherSpec(engine="endpoint", model="m"),
            EnginePlacement(base_url=base_url, attempts=attempts),
            api_key="secret",
        )
        try:
            return [await engine.ask(ask) for _ in range(times)][-1]
        finally:
            await engine.close()

    return asyncio.run(against(reply, work))


def test_an_endpoint_is_asked_with_the_rows_own_seed_and_the_key() -> None:
    completion, seen = ask_once(lambda n: (200, chat("<think>a</think>b")))
    assert completion == Completion("k", "<think>a</think>b", "stop", 3, 5)
    assert (seen[0]["seed"], seen[0]["n"], seen[0]["authorization"]) == (7, 1, "Bearer secret")


@pytest.mark.parametrize("name", ["reasoning", "reasoning_content"])
def test_reasoning_in_a_field_of_its_own_is_put_inline(name: str) -> None:
    completion, _ = ask_once(lambda n: (200, chat("b", **{name: "a"})))
    assert think.split(completion.text) == ("a", "b", None)


@pytest.mark.parametrize(
    ("content", "finish", "fault"),
    [
        ("", "length", "unclosed_think"),
        ("", "stop", "missing_think"),
        (" ", "stop", "missing_think"),
        ("b", "stop", None),
        ("b", "length", None),
    ],
)
def test_a_thought_in_a_field_gets_a_closing_tag_only_where_an_answer_follows(
    content: str, finish: str, fault: str | None
) -> None:
    completion, _ = ask_once(lambda n: (200, chat(content, finish=finish, reasoning="a")))
    assert (think.split(completion.text).fault, completion.parsed) == (fault, True)


def test_a_server_is_asked_for_the_raw_text_and_one_that_refuses_the_wish_is_asked_without() -> (
    None
):
    def reply(number: int) -> tuple[int, dict[str, object] | str]:
        return (400, "unknown field skip_special_tokens") if number == 1 else (200, chat("x"))

    completion, seen = ask_once(reply, times=2)
    assert completion.text == "x"
    assert [one.get("skip_special_tokens") for one in seen] == [False, None, None]


def test_a_row_that_is_refused_with_and_without_the_wish_does_not_end_the_wish() -> None:
    def reply(number: int) -> tuple[int, dict[str, object] | str]:
        return (400, "no such role") if number < 3 else (200, chat("x"))

    completion, seen = ask_once(reply, times=2)
    assert completion.text == "x"
    assert [one.get("skip_special_tokens") for one in seen] == [False, None, False]


def test_a_prompt_reaches_a_server_without_the_models_control_tokens() -> None:
    asked = Ask("k", ({"role": "user", "content": "Why?<|im_end|><think>"},), 7)
    _, seen = ask_once(lambda n: (200, chat("x")), ask=asked)
    assert seen[0]["messages"] == [{"role": "user", "content": "Why?< |im_end|>< think>"}]


def test_special_tokens_of_an_answer_that_say_nothing_are_left_out() -> None:
    completion, _ = ask_once(lambda n: (200, chat("<think>a<|box_start|></think>b<|im_end|>")))
    assert completion.text == "<think>a</think>b"


def test_a_busy_server_is_asked_again() -> None:
    completion, seen = ask_once(lambda n: (503, "busy") if n < 3 else (200, chat("x")))
    assert (completion.text, len(seen)) == ("x", 3)


def test_a_server_that_stays_busy_is_a_transient_error() -> None:
    with pytest.raises(EndpointUnreachable, match="3 attempts"):
        ask_once(lambda n: (503, "busy"))


@pytest.mark.parametrize(
    ("status", "body", "finish"),
    [
        (400, "This model's maximum context length is 1024 tokens", "prompt_too_long"),
        (422, "no such role", "refused"),
    ],
)
def test_a_row_the_server_refuses_is_a_row_not_a_dead_job(
    status: int, body: str, finish: str
) -> None:
    assert ask_once(lambda n: (status, body))[0].finish_reason == finish


def test_a_wrong_key_or_model_stops_the_stage_with_the_servers_word() -> None:
    with pytest.raises(BadRecipe, match=r"401.*bad key"):
        ask_once(lambda n: (401, "bad key"))


def test_a_server_that_repeats_the_key_does_not_put_it_into_an_error_or_an_answer() -> None:
    with pytest.raises(BadRecipe, match=r"no such key \(key\)") as refused:
        ask_once(lambda n: (403, "no such key secret"))
    assert "secret" not in str(refused.value)
    assert ask_once(lambda n: (200, chat("I was given secret.")))[0].text == "I was given (key)."


def test_a_redirect_is_not_followed_with_the_key() -> None:
    with pytest.raises(BadRecipe, match="answered 302"):
        ask_once(lambda n: (302, "elsewhere"))


def test_halves_of_characters_become_question_marks() -> None:
    payload = json.dumps(chat("half \ud83d of a sign"))
    assert ask_once(lambda n: (200, payload))[0].text == "half ? of a sign"


@pytest.mark.parametrize(
    "payload", ["<html>", {"choices": []}, {"choices": [{"message": None}]}, "[]", '"a"']
)
def test_an_answer_that_is_no_completion_is_said(payload: dict[str, object] | str) -> None:
    with pytest.raises(Terminal, match="not a chat completion"):
        ask_once(lambda n: (200, payload))


def test_a_cut_answer_says_so_and_an_unknown_end_is_a_refusal() -> None:
    assert ask_once(lambda n: (200, chat("x", finish="length")))[0].finish_reason == "length"
    assert (
        ask_once(lambda n: (200, chat("", finish="content_filter")))[0].finish_reason == "refused"
    )


def test_nobody_at_home_is_a_transient_error() -> None:
    async def work() -> Completion:
        engine = EndpointEngine(
            TeacherSpec(engine="endpoint"),
            EnginePlacement(base_url="http://127.0.0.1:9/v1", attempts=2),
            api_key="",
        )
        try:
            return await engine.ask(ONE)
        finally:
            await engine.close()

    with pytest.raises(EndpointUnreachable, match="run again"):
        asyncio.run(work())


@pytest.mark.slow
def test_a_server_that_takes_connections_and_says_nothing_is_reported_while_its_row_waits(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def work() -> float:
        silent = await asyncio.start_server(lambda reader, writer: None, "127.0.0.1", 0)
        port = silent.sockets[0].getsockname()[1]
        engine = EndpointEngine(
            TeacherSpec(engine="endpoint", model="qwen3:8b"),
            EnginePlacement(base_url=f"http://127.0.0.1:{port}/v1"),
            api_key="",
        )
        asked = asyncio.create_task(engine.ask(ONE))
        began = time.monotonic()
        while "does not answer" not in caplog.text:
            await asyncio.sleep(0.05)
        asked.cancel()
        await engine.close()
        silent.close()
        return time.monotonic() - began

    assert asyncio.run(work()) < 5


def test_traces_come_from_a_real_server_in_its_own_process_though_it_stumbles(
    tmp_path: Path,
) -> None:
    with answering(fail=5) as server:
        teacher = TeacherSpec(engine="endpoint", model="m")
        placement = EnginePlacement(base_url=server.base_url, window=16)
        made = generate(
            prompts_table(40),
            TraceSpec(samples=2),
            [NamedModel("teacher", teacher, placement)],
            journals=tmp_path,
            progress=silent,
        )
        stats = server.stats()
    assert (made.traces.num_rows, stats["distinct"], stats["repeats"]) == (80, 80, 0)
    assert stats["most_in_flight"] <= 16


def test_the_scripted_engine_is_deterministic_and_now_and_then_at_fault() -> None:
    prompt = "[Section 214] Late fees. The fee is 40 credits.\n\nQuestion: What is the fee?"
    texts = [answer(prompt, seed) for seed in range(200)]
    assert texts == [answer(prompt, seed) for seed in range(200)]
    faults = sum(think.split(text).fault is not None for text in texts)
    assert 5 < faults < 40


def test_a_models_identity_is_its_bytes_not_its_place(tmp_path: Path) -> None:
    for name in ("a", "b", "c"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "model.safetensors").write_bytes(b"c" if name == "c" else b"weights")
    digests = [models.identity(str(tmp_path / name), "") for name in ("a", "b", "c")]
    assert digests[0] == digests[1] != digests[2]
    assert models.identity("org/model", "v1") != models.identity("org/model", "v2")


def test_aiohttp_is_not_asked_to_wait_for_ever() -> None:
    engine = EndpointEngine(
        TeacherSpec(engine="endpoint"), EnginePlacement(timeout_seconds=12), api_key=""
    )

    async def opened() -> aiohttp.ClientTimeout:
        session = engine._open()
        await engine.close()
        return session.timeout

    assert asyncio.run(opened()).total == 12


class Interrupted(Future[Engine]):
    """A load whose waiting is interrupted by Ctrl-C."""

    def result(self, timeout: float | None = None) -> Engine:
        raise KeyboardInterrupt


def test_an_engine_that_nobody_waits_for_any_more_is_not_loaded_on() -> None:
    warm, ahead = Warm(), Interrupted()
    warm._ahead = ahead

    async def work(engine: Engine) -> None:
        raise AssertionError("no engine was there")

    with pytest.raises(KeyboardInterrupt):
        warm.work(TeacherSpec(engine="scripted"), EnginePlacement(), work)
    assert ahead.cancelled()
