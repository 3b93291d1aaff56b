"""What the benches share: CPU of a child process, a bare client to compare with, and a line of
results.
"""

import asyncio
import os
import resource
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple


class Spent(NamedTuple):
    """What a command cost: wall and CPU seconds (user and system, with its children), and what it
    printed.
    """

    wall: float
    cpu: float
    out: str


def spend(arguments: Sequence[str], **environment: str) -> Spent:
    """Run `python ARGUMENTS` to its end and return what it cost; an error ends the bench with the
    command's own words.
    """
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    started = time.monotonic()
    done = subprocess.run(
        [sys.executable, *arguments],
        capture_output=True,
        text=True,
        env=os.environ | environment,
        check=False,
    )
    wall = time.monotonic() - started
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode:
        sys.exit(done.stdout + done.stderr)
    return Spent(
        wall, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, done.stdout
    )


def tell(bench: str, **figures: object) -> None:
    """Print one line of results."""
    print(
        f"{bench}: "
        + "  ".join(
            f"{name} {value:.3f}" if isinstance(value, float) else f"{name} {value}"
            for name, value in figures.items()
        )
    )


async def bare_loop(base_url: str, rows: int, out: str, window: int = 64) -> None:
    """Ask the server for every row with nothing but aiohttp, appending each answer to a file: the
    floor of any client.
    """
    import json

    import aiohttp

    url, limit = f"{base_url}/chat/completions", asyncio.Semaphore(window)
    with Path(out).open("a") as file:
        async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=window)) as session:

            async def one(number: int) -> None:
                body = {
                    "model": "m",
                    "messages": [{"role": "user", "content": f"row-{number:06d}: explain."}],
                    "max_tokens": 64,
                    "seed": number,
                }
                async with limit, session.post(url, json=body) as response:
                    answer = await response.json()
                file.write(
                    json.dumps({"row": number, "text": answer["choices"][0]["message"]["content"]})
                    + "\n"
                )
                file.flush()

            await asyncio.gather(*(one(number) for number in range(rows)))
