"""A local OpenAI-compatible server that answers at once (or late, or wrongly) and counts what it
was asked, row by row.

A prompt that carries the mark row-NUMBER gets a fixed trace, any other the scripted engine's.

`python -m tests.support.answer_server PORT [--delay SECONDS] [--sigma S] [--fail N] [--leak NOTE]
[--manual]`. Delays are log-normal around --delay when sigma > 0; the first N requests are answered
with 503. Answers to requests with a system message begin their reasoning with the note. With
--manual it answers as one who has read the manual of tests.support.manual. GET /stats tells; POST /reset
forgets.
"""

import argparse
import asyncio
import collections
import hashlib
import json
import math
import random
import re
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from tasks import think
from tasks.inference.scripted import answer
from tests.support.manual import reply

ROW = re.compile(r"row-(\d+)")
TEXT = "<think>\nThe question asks for a reason. I weigh two readings and keep the second of row-{row}.\n</think>\n\nThe answer is 42."
TOKENS = 30


class Answers:
    """The application and its counts."""

    def __init__(
        self, delay: float, sigma: float, fail: int, leak: str, *, manual: bool = False
    ) -> None:
        self.delay, self.sigma, self.fail, self.leak = delay, sigma, fail, leak
        self.reply = reply if manual else answer
        self.reset()

    def reset(self) -> None:
        self.rows: collections.Counter[str] = collections.Counter()
        self.in_flight = self.most_in_flight = 0

    async def __call__(self, scope: dict[str, Any], receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            return
        body = b""
        while True:
            message = await receive()
            body += message.get("body", b"")
            if not message.get("more_body"):
                break
        status, payload = await self._route(scope["path"], body)
        await send(
            {
                "type": "http.response.start",
                "status": status,
                "headers": [(b"content-type", b"application/json")],
            }
        )
        await send({"type": "http.response.body", "body": payload})

    async def _route(self, path: str, body: bytes) -> tuple[int, bytes]:
        if path.endswith("/completions"):
            return await self._answer(body)
        if path == "/reset":
            self.reset()
        repeats = sum(count - 1 for count in self.rows.values())
        stats = {
            "total": self.rows.total(),
            "distinct": len(self.rows),
            "repeats": repeats,
            "most_in_flight": self.most_in_flight,
            "in_flight": self.in_flight,
        }
        return 200, json.dumps(stats).encode()

    async def _answer(self, body: bytes) -> tuple[int, bytes]:
        if self.fail > 0:
            self.fail -= 1
            return 503, b'{"error": "busy"}'
        asked = json.loads(body)
        prompt = asked["messages"][-1]["content"]
        found = ROW.search(prompt)
        row = found[1] if found else hashlib.sha256(prompt.encode()).hexdigest()[:12]
        self.in_flight += 1
        self.most_in_flight = max(self.most_in_flight, self.in_flight)
        if self.delay:
            await asyncio.sleep(self._delay_of(row))
        self.in_flight -= 1
        self.rows[f"{row}/{asked.get('seed')}"] += 1
        text = TEXT.format(row=row) if found else self.reply(prompt, asked["seed"])
        if self.leak and asked["messages"][0]["role"] == "system":
            text = text.replace(think.OPEN, f"{think.OPEN}{self.leak} ", 1)
        message = {"role": "assistant", "content": text}
        choice = {"index": 0, "message": message, "finish_reason": "stop"}
        usage = {
            "prompt_tokens": 20,
            "completion_tokens": min(TOKENS, asked.get("max_tokens", TOKENS)),
        }
        return 200, json.dumps({"id": "x", "choices": [choice], "usage": usage}).encode()

    def _delay_of(self, row: str) -> float:
        drawn = random.Random(row).gauss(0, 1)
        return self.delay * math.exp(self.sigma * drawn - self.sigma**2 / 2)


class Server:
    """A running server as its client sees it."""

    def __init__(self, port: int) -> None:
        self.address = f"http://127.0.0.1:{port}"
        self.base_url = f"{self.address}/v1"

    def stats(self) -> dict[str, Any]:
        with urllib.request.urlopen(f"{self.address}/stats", timeout=10) as response:
            return dict(json.load(response))

    def reset(self) -> None:
        urllib.request.urlopen(
            urllib.request.Request(f"{self.address}/reset", method="POST", data=b""), timeout=10
        ).close()


@contextmanager
def answering(
    *, delay: float = 0, sigma: float = 0, fail: int = 0, leak: str = "", manual: bool = False
) -> Iterator[Server]:
    """Run a server in a process of its own, on a free port."""
    command = [
        sys.executable,
        "-m",
        "tests.support.answer_server",
        "0",
        "--delay",
        str(delay),
        "--sigma",
        str(sigma),
        "--fail",
        str(fail),
        "--leak",
        leak,
        *(["--manual"] if manual else []),
    ]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    try:
        server = Server(int(process.stdout.readline()))
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            try:
                server.stats()
                break
            except OSError:
                time.sleep(0.05)
        yield server
    finally:
        process.kill()
        process.wait()


def main() -> None:
    import socket

    import uvicorn

    parser = argparse.ArgumentParser()
    parser.add_argument("port", type=int)
    for name, kind in (("delay", float), ("sigma", float), ("fail", int), ("leak", str)):
        parser.add_argument(f"--{name}", type=kind, default=kind())
    parser.add_argument("--manual", action="store_true")
    options = parser.parse_args()
    listener = socket.create_server(("127.0.0.1", options.port), backlog=4096)
    print(listener.getsockname()[1], flush=True)
    config = uvicorn.Config(
        Answers(options.delay, options.sigma, options.fail, options.leak, manual=options.manual),
        log_level="critical",
        lifespan="off",
        access_log=False,
    )
    uvicorn.Server(config).run(sockets=[listener])


if __name__ == "__main__":
    main()
