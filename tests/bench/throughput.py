"""Tokens a second of bare `vllm.LLM` and of `generate`, on the same prompts, in the steady state.

`python -m tests.bench.throughput [--prompts 240] [--samples 4] [--runs 3]`. Goal: at least 0.95 of
bare vLLM. Both engines are loaded once and idle while the other runs; runs alternate. The first run
warms up and does not count.
"""

import argparse
import asyncio
import multiprocessing
import os
import statistics
import tempfile
import time
from multiprocessing.connection import Connection
from pathlib import Path

import deployments.cli.main  # noqa: F401  quiet environment
from tasks import rows
from tasks.inference.complete import Completions, ask_all
from tasks.inference.engine import EnginePlacement, NamedModel, TeacherSpec
from tasks.inference.journal import Journal
from tasks.inference.sharded import ShardedEngine
from tasks.sources.problems import FAMILIES, draw
from tasks.traces.generate import TraceSpec, collect, plan_traces
from tests.bench.measure import tell

SPEC, PLACEMENT = TeacherSpec(), EnginePlacement(window=128)


def prompts(count: int) -> list[str]:
    """Return prompts from every family in turn."""
    names = sorted(FAMILIES)
    return [draw(names[number % len(names)], number).prompt for number in range(count)]


def bare(pipe: Connection, texts: list[str], seeds: list[int]) -> None:
    """Serve runs of bare vLLM: every message asks for one run, every answer is (tokens, seconds)."""
    os.environ["VLLM_CPU_KVCACHE_SPACE"] = str(PLACEMENT.kv_cache_gib)
    from vllm import LLM, SamplingParams

    from tasks.inference.offline import engine_arguments

    engine = LLM(**engine_arguments(SPEC, PLACEMENT))
    tokenizer = engine.get_tokenizer()
    asked = [
        {
            "prompt_token_ids": tokenizer.apply_chat_template(
                [{"role": "user", "content": text}], add_generation_prompt=True, return_dict=False
            )
        }
        for text in texts
    ]
    sampling = [
        SamplingParams(
            temperature=SPEC.temperature, top_p=SPEC.top_p, max_tokens=SPEC.max_tokens, seed=seed
        )
        for seed in seeds
    ]
    pipe.send("ready")
    while pipe.recv():
        started = time.monotonic()
        outputs = engine.generate(asked, sampling, use_tqdm=False)
        pipe.send(
            (
                sum(len(output.outputs[0].token_ids) for output in outputs),
                time.monotonic() - started,
            )
        )


async def ours(engine: ShardedEngine, asked: list[object], folder: Path) -> tuple[int, float]:
    """Return (tokens, seconds) of one run through journal and window, to the finished table."""
    book, tokens = Journal(folder / "journal.sqlite"), []

    def keep(completion: object) -> None:
        book.append(completion)  # type: ignore[arg-type]
        tokens.append(completion.completion_tokens)  # type: ignore[attr-defined]

    started = time.monotonic()
    await ask_all([row.ask for row in asked], engine, window=PLACEMENT.window, keep=keep)  # type: ignore[attr-defined]
    collect(asked, Completions(book))  # type: ignore[arg-type]
    seconds = time.monotonic() - started
    book.close()
    return sum(tokens), seconds


async def compare(options: argparse.Namespace) -> None:
    """Alternate the two and tell the median ratio."""
    texts = prompts(options.prompts)
    table = rows.table_of(
        [_prompt(number, text) for number, text in enumerate(texts)], rows.PROMPTS
    )
    asked = list(
        plan_traces(
            table, TraceSpec(samples=options.samples), NamedModel("teacher", SPEC), shard_rows=64
        )
    )
    here, there = multiprocessing.get_context("spawn").Pipe()
    seeds = [row.ask.seed for row in asked]
    repeated = [row.ask.messages[-1]["content"] for row in asked]
    process = multiprocessing.get_context("spawn").Process(
        target=bare, args=(there, repeated, seeds)
    )
    process.start()
    # With its own end closed here, a child that dies ends the bench instead of hanging it.
    there.close()
    here.recv()
    engine = await ShardedEngine.start(SPEC, PLACEMENT)
    ratios, speeds = [], []
    for number in range(options.runs + 1):
        here.send(True)
        bare_tokens, bare_seconds = await asyncio.to_thread(here.recv)
        with tempfile.TemporaryDirectory() as folder:
            our_tokens, our_seconds = await ours(engine, asked, Path(folder))  # type: ignore[arg-type]
        if number:
            ratios.append((our_tokens / our_seconds) / (bare_tokens / bare_seconds))
            speeds.append(
                (our_tokens / our_seconds, bare_tokens / bare_seconds, our_tokens == bare_tokens)
            )
    here.send(False)
    await engine.close()
    process.kill()
    print(
        "ours, bare tokens/s, same token count:",
        [(round(a), round(b), same) for a, b, same in speeds],
    )
    tell("throughput", rows=len(asked), ratio=statistics.median(ratios), goal=">= 0.95")


def _prompt(number: int, text: str) -> dict[str, object]:
    return {
        "prompt_id": f"q{number:06d}",
        "messages": [{"role": "user", "content": text}],
        "question": text,
        "passage_ids": [],
        "question_id": "",
        "general": False,
        "control": False,
        "family": "",
        "cell": "",
        "canary": "",
        "notes": [],
        "row_messages": [],
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--prompts", type=int, default=240)
    parser.add_argument("--samples", type=int, default=4)
    parser.add_argument("--runs", type=int, default=3)
    asyncio.run(compare(parser.parse_args()))


if __name__ == "__main__":
    main()
