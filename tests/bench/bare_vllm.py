"""CPU of the pocket build's traces and gates, beside bare vLLM on the very same requests.

`python -m tests.bench.bare_vllm [--runs 1] [--recipe deployments/recipes/pocket.yaml]`. Goal: traces
and gates together cost at most 1.3 times as much CPU as bare vLLM, each with its start.

Both ask the same prompts with the same seeds and settings, with one engine in one process. CPU is
that of all processes: for the build these are the stages, Ray and its workers. No Prefect server
runs. The start of the engine, with imports and Ray, is told apart from the answers.
"""

import argparse
import json
import os
import statistics
import tempfile
from pathlib import Path
from typing import NamedTuple

import psutil

import deployments.cli.main  # noqa: F401  quiet environment
from tests.bench.measure import spend, tell

POCKET = Path(__file__).parents[2] / "deployments" / "recipes" / "pocket.yaml"
PARTS = ("ours", "bare")


class Part(NamedTuple):
    """What one of the two cost: CPU seconds by name. tokens: completion tokens of the traces."""

    cpu: dict[str, float]
    tokens: int
    starts: int


def main() -> None:
    """Run the build, then bare vLLM on its requests, each in a process of its own."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--runs", type=int, default=1)
    parser.add_argument("--recipe", type=Path, default=POCKET)
    parser.add_argument("--part", choices=PARTS, help="for the bench itself: run one of the two")
    parser.add_argument("--folder", type=Path, help="for the bench itself: folder of the build")
    options = parser.parse_args()
    if options.part:
        part = ours if options.part == "ours" else bare
        made = part(options.recipe, options.folder)
        (options.folder / f"{options.part}.json").write_text(json.dumps(made._asdict()))
        return
    found = [_one_run(options.recipe) for _ in range(options.runs)]
    for name in found[0]:
        tell("bare_vllm", part=name, cpu=statistics.median(run[name] for run in found))
    ratios = [_ratios(run) for run in found]
    for name in ratios[0]:
        tell("bare_vllm", ratio=name, times=statistics.median(run[name] for run in ratios))
    print("goal: traces and gates, with starts <= 1.3")


def _one_run(recipe: Path) -> dict[str, float]:
    """Return the CPU seconds of every part of both."""
    costs: dict[str, float] = {}
    with tempfile.TemporaryDirectory() as folder:
        for part in PARTS:
            command = ["-m", "tests.bench.bare_vllm", "--part", part, "--folder", folder]
            spend([*command, "--recipe", str(recipe)])
            made = Part(**json.loads(Path(folder, f"{part}.json").read_text()))
            tell("bare_vllm", part=part, tokens=made.tokens, engine_starts=made.starts)
            costs |= {f"{part} {name}": cpu for name, cpu in made.cpu.items()}
    return costs


def _ratios(costs: dict[str, float]) -> dict[str, float]:
    traced = costs["ours traces"] + costs["ours verdicts"]
    started = costs["ours imports"] + costs["ours start"]
    bare_whole = costs["bare start"] + costs["bare answers"]
    whole = sum(cpu for name, cpu in costs.items() if name.startswith("ours "))
    return {
        "traces without starts": costs["ours traces"] / costs["bare answers"],
        "traces and gates, without starts": traced / costs["bare answers"],
        "traces, with starts": (started + costs["ours traces"]) / bare_whole,
        "traces and gates, with starts": (started + traced) / bare_whole,
        "whole build": whole / bare_whole,
    }


def ours(path: Path, folder: Path) -> Part:
    """Return the CPU seconds of every stage of a build, and of the engine's start alone."""
    from unittest import mock

    from flows import build_corpus
    from flows.clock import Clock
    from flows.recipes.load import load_recipe
    from flows.recipes.models import teachers
    from tasks.inference.warm import WARM

    recipe = load_recipe(path)
    (teacher,) = teachers(recipe)
    costs: dict[str, float] = {"imports": _cpu()}

    async def nothing(engine: object) -> None:
        return None

    def add(name: str, before: float) -> None:
        costs[name] = costs.get(name, 0.0) + _cpu() - before

    class Measuring(Clock):
        def run(self, stage, *args, **kwargs):
            if stage.name == "generate_traces":
                before = _cpu()
                WARM.work(teacher.model, teacher.placement, nothing)
                add("start", before)
            before = _cpu()
            made = stage.fn(*args, **kwargs)
            add(made.stage, before)
            return made

    with WARM, mock.patch.object(WARM, "begin"):
        build_corpus.build(recipe, folder / "mill", Measuring())
    return Part(costs, _tokens(folder / "mill"), WARM.loads)


def _tokens(root: Path) -> int:
    """Return the completion tokens of all answers to the prompts, rejected ones included."""
    from tasks.inference.journal import Journal
    from tasks.store import tables

    traces = tables(root, "traces")[-1]
    (journal,) = [name for kind, name in traces.inputs.items() if kind.startswith("model:")]
    keys = traces.table.read(["trace_id"])["trace_id"].to_pylist()
    keys += traces.table.read_rejected()["row_id"].to_pylist()
    book = Journal(root / "journal" / f"{journal}.sqlite")
    return sum(book.read(key).completion_tokens for key in keys)


def bare(path: Path, folder: Path) -> Part:
    """Return the CPU seconds of the start of `vllm.LLM` and of its answers to the same requests."""
    from flows.recipes.load import load_recipe
    from flows.recipes.models import teachers
    from tasks.inference.offline import _set_cpu_variables, engine_arguments
    from tasks.store import tables
    from tasks.traces.generate import plan_traces

    recipe = load_recipe(path)
    (teacher,) = teachers(recipe)
    prompts = tables(folder / "mill", "prompts")[-1].table.read()
    asks = [one.ask for one in plan_traces(prompts, recipe.traces, teacher, shard_rows=512)]
    before = _cpu()
    # The engine of the build gets as many threads, in the same number of processes.
    os.environ["OMP_NUM_THREADS"] = str(max(1, (os.cpu_count() or 1) - 1))
    _set_cpu_variables(teacher.placement)
    from vllm import LLM, SamplingParams

    spec = teacher.model
    engine = LLM(**engine_arguments(spec, teacher.placement))
    tokenizer = engine.get_tokenizer()
    costs = {"start": _cpu() - before}
    before = _cpu()
    asked = [
        {
            "prompt_token_ids": tokenizer.apply_chat_template(
                list(ask.messages), add_generation_prompt=True, return_dict=False
            )
        }
        for ask in asks
    ]
    sampling = [
        SamplingParams(
            temperature=spec.temperature,
            top_p=spec.top_p,
            max_tokens=spec.max_tokens,
            seed=ask.seed,
        )
        for ask in asks
    ]
    outputs = engine.generate(asked, sampling, use_tqdm=False)
    costs["answers"] = _cpu() - before
    return Part(costs, sum(len(one.outputs[0].token_ids) for one in outputs), starts=1)


def _cpu() -> float:
    """Return the CPU seconds of this process and of all its descendants, ended ones included."""
    own = psutil.Process()
    return sum(map(_seconds, [own, *own.children(recursive=True)]))


def _seconds(process: psutil.Process) -> float:
    try:
        used = process.cpu_times()
    except psutil.NoSuchProcess:
        return 0.0
    return float(used.user + used.system + used.children_user + used.children_system)


if __name__ == "__main__":
    main()
