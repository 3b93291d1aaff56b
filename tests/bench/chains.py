"""Chains: kills, the cost of an ask, calls per question, and questions of the pocket teacher.

python -m tests.bench.chains kills --moments 20    # the same bytes after kill -9, nothing asked twice
python -m tests.bench.chains cost --asks 4000      # CPU of an ask beyond the bare engine
python -m tests.bench.chains calls                 # answers read per accepted question, scripted engine
python -m tests.bench.chains pocket --passages 100 # answerable, rightly answered questions (real vLLM)
"""

import argparse
import asyncio
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from random import Random

import pyarrow.parquet as pq

import deployments.cli.main  # noqa: F401  quiet environment
from flows.recipes.corpus import Recipe
from tasks.chains.ask import Asking
from tasks.chains.chain import Ask, Where, placed
from tasks.chains.item import Item, Value
from tasks.chains.library import built_in, chain_of
from tasks.chains.roots import root_items
from tasks.chains.step import run
from tasks.chains.world import World
from tasks.inference.complete import ask_all
from tasks.inference.engine import NamedModel, TeacherSpec
from tasks.inference.scripted import ScriptedEngine
from tasks.sources.problems.facts import Fact, distinct_facts, passage_of
from tests.bench.measure import tell
from tests.support.builders import recipe, write_rulebook
from tests.support.builds import answered, kill_when
from tests.support.chain_stages import run_chains

SCRIPTED = NamedModel("teacher", TeacherSpec(engine="scripted"))


def kills(moments: int) -> None:
    """Kill a process that runs the chain `inspired` at so many moments, and let it go on."""
    with tempfile.TemporaryDirectory() as folder:
        made = recipe(
            write_rulebook(Path(folder) / "rules"), questions={}, chains=["inspired"], prompts={}
        )
        written = Path(folder) / "recipe.json"
        written.write_text(made.model_dump_json())
        whole = run_chains(made, Path(folder) / "whole")
        total = answered(Path(folder) / "whole")
        same = killed = again = 0
        for number in range(moments):
            root = Path(folder) / f"mill{number}"
            process = subprocess.Popen(
                [sys.executable, "-m", "tests.support.chain_stages", written, root],
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
                start_new_session=True,
            )
            killed += kill_when(process, _reached(root, 1 + number * total // moments))
            same += run_chains(made, root) == whole
            again += answered(root) - total
    tell("chains kills", killed=killed, same=f"{same} of {moments}", asked_again=again)


def _reached(root: Path, point: int) -> Callable[[], bool]:
    return lambda: answered(root) >= point


def cost(asks: int) -> None:
    """Print the CPU of an ask of a chain beyond that of the bare engine, in milliseconds."""
    step = Ask.model_validate(
        {"name": "question", "ask": "inspired", "sees": ["passage.text"], "returns": "text"}
    )
    items = [
        Item(f"i{number:06}", (), ("p0",), (), (), {"seed.text": Value(f"fact {number}", "note")})
        for number in range(asks)
    ]
    step = step.model_copy(update={"ask": str(_template()), "sees": ("seed.text",)})
    with tempfile.TemporaryDirectory() as folder:
        world = World(pq.read_table(_passages(Path(folder))))
        started = time.process_time()
        made = Asking(step, 0, world, SCRIPTED, Path(folder)).answers(items)
        ours = time.process_time() - started
    requests = [
        Asking(step, 0, world, SCRIPTED, Path())._request(f"Fact {n}", items[n], 0, 0)
        for n in range(asks)
    ]
    started = time.process_time()
    asyncio.run(
        ask_all(requests, ScriptedEngine(SCRIPTED.model), window=64, keep=lambda answer: None)
    )
    bare = time.process_time() - started
    each = 1000 * (ours - bare * made.answers / asks) / made.answers
    tell("chains cost", asks=made.answers, ms_each=round(each, 3), goal="<= 1.0")


def _template() -> Path:
    path = Path(tempfile.gettempdir()) / "tracemill_bench_seed.jinja"
    path.write_text("{{ seed.text }}\nWrite a sentence about it, and nothing else.")
    return path


def _passages(folder: Path) -> Path:
    from tasks import rows
    from tasks.grounding.ground import GroundingSpec, cut
    from tasks.sources.collect import documents
    from tasks.sources.spec import DocumentSpec

    made = documents(DocumentSpec()).parts["documents"]
    several = list(cut(made, GroundingSpec()))
    for one, other in pairwise(several):
        one["neighbours"] = [other["passage_id"]]
    table = rows.table_of(several, rows.PASSAGES)
    pq.write_table(table, folder / "passages.parquet")
    return folder / "passages.parquet"


def calls() -> None:
    """Print, for each built-in chain, the answers read per question, with the scripted engine."""
    with tempfile.TemporaryDirectory() as folder:
        passages = pq.read_table(_passages(Path(folder)))
        world = World(passages)
        for name in built_in():
            chain = chain_of(name)
            if chain.begins not in ("passages", "nothing"):
                continue
            items = root_items(passages, _no_questions(), chain.begins, Where(most=60), 0)
            read = 0
            for place in placed(chain):
                stepped = run(items, place, 0, world, SCRIPTED, journals=Path(folder))
                read += stepped.answered.answers if stepped.answered else 0
                items = list({one.item_id: one for one in stepped.made}.values())
            each = round(read / len(items), 2) if items else None
            tell("chains calls", chain=name, answers=read, questions=len(items), each=each)


def _no_questions() -> object:
    from tasks import rows

    return rows.table_of([], rows.QUESTIONS)


def pocket(passages: int) -> None:
    """Print how many of 100 passages give a question that the pocket teacher answers rightly."""
    rng = Random(5)
    with tempfile.TemporaryDirectory() as folder:
        docs = Path(folder) / "docs"
        docs.mkdir()
        known: dict[str, list[Fact]] = {}
        for number in range(passages):
            facts = distinct_facts(rng, 3)
            text = passage_of(facts)
            known[text.strip()] = facts
            (docs / f"d{number:03}.txt").write_text(text + "\n")
        tree = {
            "name": "bench",
            "documents": {"sources": [{"path": str(docs)}]},
            "chains": ["tests/bench/chain_world/inspired.yaml"],
            "grounding": {"min_words": 3},
        }
        run_chains(Recipe.model_validate(tree), Path(folder) / "mill")
        questions = [
            row
            for path in (Path(folder) / "mill" / "questions").glob("*/questions.parquet")
            for row in pq.read_table(path).to_pylist()
            if row["source"] == "chain:inspired"
        ]
        texts = {
            row["passage_id"]: row["text"].strip()
            for path in (Path(folder) / "mill" / "passages").glob("*/passages.parquet")
            for row in pq.read_table(path).to_pylist()
        }
    right = sum(
        _right(row["text"], row["accepted"][0], known[texts[row["passage_ids"][0]]])
        for row in questions
    )
    tell(
        "chains pocket",
        passages=passages,
        questions=len(questions),
        right_per_100=round(100 * right / passages, 1),
        goal=">= 80",
    )


def _right(question: str, answer: str, facts: list[Fact]) -> bool:
    """Return whether a line of the passage answers the question with this value."""
    given = answer.rpartition(" [")[0] or answer
    return any(
        question == one and given.casefold() == need.value.casefold()
        for fact in facts
        for need in fact.needs
        for one in need.questions
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=("kills", "cost", "calls", "pocket"))
    parser.add_argument("--moments", type=int, default=20)
    parser.add_argument("--asks", type=int, default=4000)
    parser.add_argument("--passages", type=int, default=100)
    given = parser.parse_args()
    match given.what:
        case "kills":
            kills(given.moments)
        case "cost":
            cost(given.asks)
        case "calls":
            calls()
        case _:
            pocket(given.passages)


if __name__ == "__main__":
    main()
