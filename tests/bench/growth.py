"""How the cost of every stage grows with the size of a build: CPU seconds, peak memory, exponent.

`python -m tests.bench.growth [--sizes 10000 50000 200000] [--model static]`. Builds with the
scripted engine, each in a process of its own; a build of 300 prompts goes first, so that imports
count nowhere. Goals: exponent at most 1.1 from the smallest to the largest size, peak memory of
200,000 prompts at most 4 GiB, corpus stage of 50,000 rows at most 25 CPU seconds.

A fifth as many passages as prompts, and a twentieth as many held-out questions. `--model` names the
embedding model: static is a table of word vectors that costs next to nothing, so that what is done
with vectors is seen, and not the encoder.
"""

import argparse
import json
import math
import os
import random
import resource
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, cast
from unittest import mock

import psutil

from tasks import processes
from tests.bench.measure import tell

if TYPE_CHECKING:
    from flows.clock import Clock
    from flows.recipes.corpus import Recipe

    class MeasuringClock(Clock):
        """A clock with the cost of every stage that it ran."""

        costs: list["Cost"]


WARM_UP = 300
FORMS = 10
SECTIONS, SENTENCES, WORDS = 20, 3, 12
DIMENSIONS = 384


class Stopped(Exception):
    """The stages before a given one are done."""


class Cost(NamedTuple):
    """What a stage of a build cost. peak: GiB resident, worker processes included."""

    stage: str
    rows: int
    cpu: float
    peak: float


def main() -> None:
    """Build every size and print a table of stages."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sizes", type=int, nargs="+", default=[10_000, 50_000, 200_000])
    parser.add_argument("--model", default="static")
    options = parser.parse_args()
    costs = {}
    for size in sorted(options.sizes):
        with tempfile.TemporaryDirectory() as folder, processes.pool(1) as alone:
            costs[size] = alone.submit(measured, size, Path(folder), options.model).result()
        for cost in costs[size]:
            tell("growth", prompts=size, **cost._asdict())
    print(table(costs))


def table(costs: dict[int, list[Cost]]) -> str:
    """Return a line per stage: CPU seconds and peak GiB of every size, and the exponent."""
    sizes = sorted(costs)
    lines = [
        "stage".ljust(12) + "".join(f"{size:>12,} CPU s   GiB" for size in sizes) + "  exponent"
    ]
    for number, first in enumerate(costs[sizes[0]]):
        across = [costs[size][number] for size in sizes]
        cells = "".join(f"{cost.cpu:>18.1f} {cost.peak:>5.2f}" for cost in across)
        lines.append(f"{first.stage:<12}{cells}{exponent(sizes, across):>10.2f}")
    return "\n".join(lines)


def exponent(sizes: Sequence[int], costs: Sequence[Cost]) -> float:
    """Return e in CPU ~ size^e between the smallest and the largest size, nan for one size."""
    if len(sizes) < 2 or not costs[0].cpu:
        return math.nan
    return math.log(costs[-1].cpu / costs[0].cpu) / math.log(sizes[-1] / sizes[0])


def measured(size: int, folder: Path, model: str) -> list[Cost]:
    """Return what each stage of one build cost, after a small build that loads the libraries."""
    path = word_vectors(folder / "model") if model == "static" else model
    build(WARM_UP, folder / "warm", path)
    return build(size, folder / "build", path)


def build(size: int, folder: Path, model: str) -> list[Cost]:
    """Build a corpus of so many prompts, stage by stage in this process."""
    from flows import build_corpus

    write_world(folder, size)
    clock = measuring_clock()
    # A leak would end the build before its corpus is made; the audit itself is a stage and runs.
    with mock.patch.object(build_corpus, "refuse_leaky_traces"):
        build_corpus.build(recipe_of(folder, size, model), folder / "mill", clock)
    return clock.costs


def measuring_clock(stop_before: str = "") -> "MeasuringClock":
    """Return a clock that measures stages and runs them without a Prefect server.

    It raises Stopped before the stage function of this name.
    """
    from prefect import Task

    from flows.clock import Clock
    from tasks.store import Table

    class Measuring(Clock):
        def __init__(self) -> None:
            super().__init__()
            self.costs: list[Cost] = []

        def run(self, stage: Task[..., Table], *args: object, **kwargs: object) -> Table:
            if stage.name == stop_before:
                raise Stopped
            with _measuring() as spent:
                made = stage.fn(*args, **kwargs)
            self.costs.append(Cost(made.stage, made.rows, *spent))
            print(self.costs[-1], file=sys.stderr, flush=True)  # a long bench may not end
            return made

    return cast("MeasuringClock", Measuring())


def recipe_of(folder: Path, size: int, model: str) -> "Recipe":
    """Return the recipe of the world in this folder."""
    from flows.recipes.corpus import Recipe

    forms = [f"{verb} does the office say about {{topic}}?" for verb in ("What", "How much")]
    forms += [f"Which {word} of {{topic}} is named?" for word in VOCABULARY[: FORMS - 2]]
    index = {"model": model}
    return Recipe.model_validate(
        {
            "name": "growth",
            "documents": {
                "sources": [{"path": str(folder / "documents"), "licence": "Apache-2.0"}]
            },
            "questions": {"sources": [{"path": str(folder / "held_out.jsonl"), "held_out": True}]},
            "grounding": {"index": index},
            "prompts": {
                "rows": size,
                "families": [{"name": "handbook_qa", "share": 1, "forms": forms}],
            },
            "models": {"teacher": {"engine": "scripted"}},
            "traces": {"samples": 1},
            "corpus": {"embedding": model, "suite": {"min_rows": 3}},
        }
    )


def write_world(folder: Path, size: int) -> None:
    """Write documents with a fifth as many sections as prompts, and the held-out questions."""
    rng = random.Random(1)
    (folder / "documents").mkdir(parents=True)
    for number in range(math.ceil(size / 5 / SECTIONS)):
        body = "\n".join(_section(rng, number * SECTIONS + place) for place in range(SECTIONS))
        (folder / "documents" / f"part_{number:05d}.md").write_text(
            f"---\ntitle: Part {number}\n---\n# Part {number}\n\n{body}"
        )
    items = [{"question": _sentence(rng, 6)} for _ in range(max(3, size // 20))]
    (folder / "held_out.jsonl").write_text("".join(json.dumps(one) + "\n" for one in items))


def _section(rng: random.Random, number: int) -> str:
    said = " ".join(_sentence(rng, WORDS) for _ in range(SENTENCES))
    heading = " ".join(rng.choices(VOCABULARY, k=3)).capitalize()
    return (
        f"## Section {number + 1}. {heading}\n\n{said} The fee is {rng.randrange(900)} credits.\n"
    )


def _sentence(rng: random.Random, words: int) -> str:
    return " ".join(rng.choices(VOCABULARY, k=words)).capitalize() + "."


def _vocabulary() -> list[str]:
    """Return words that can be spoken, no two alike."""
    rng = random.Random(0)
    parts = [consonant + vowel for consonant in "bdfgklmnprstvz" for vowel in "aeiou"]
    return sorted({"".join(rng.choices(parts, k=rng.randint(2, 3))) for _ in range(3000)})


VOCABULARY = _vocabulary()


def word_vectors(folder: Path) -> str:
    """Write an embedding model that is one random vector per token, and return its folder."""
    import numpy as np
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.models import StaticEmbedding
    from tokenizers import Tokenizer

    from tasks.inference.embedding import _minilm

    tokenizer = Tokenizer.from_file(str(next(Path(_minilm()).rglob("tokenizer.json"))))
    weights = np.random.default_rng(0).normal(size=(tokenizer.get_vocab_size(), DIMENSIONS))
    static = StaticEmbedding(tokenizer, embedding_weights=weights.astype(np.float32))
    SentenceTransformer(modules=[static], device="cpu").save(str(folder))
    return str(folder)


@contextmanager
def _measuring() -> Iterator[list[float]]:
    """Fill the list with CPU seconds and peak GiB of this process and its children in the block."""
    spent: list[float] = []
    done = threading.Event()
    peaks: list[int] = []
    watch = threading.Thread(target=_watch, args=(done, peaks), daemon=True)
    Path("/proc/self/clear_refs").write_text("5")
    before = _cpu()
    watch.start()
    yield spent
    spent.append(_cpu() - before)
    done.set()
    watch.join()
    spent.append(max([_own_peak(), *peaks]) / 2**30)


def _cpu() -> float:
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.process_time() + children.ru_utime + children.ru_stime


def _own_peak() -> int:
    status = Path("/proc/self/status").read_text()
    line = next(line for line in status.splitlines() if line.startswith("VmHWM"))
    return int(line.split()[1]) * 1024


def _watch(done: threading.Event, peaks: list[int]) -> None:
    own = psutil.Process(os.getpid())
    while not done.wait(0.2):
        peaks.append(own.memory_info().rss + sum(map(_resident, own.children(recursive=True))))


def _resident(process: psutil.Process) -> int:
    try:
        return int(process.memory_info().rss)
    except psutil.NoSuchProcess:
        return 0


if __name__ == "__main__":
    main()
