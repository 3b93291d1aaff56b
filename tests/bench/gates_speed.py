"""What the gates cost: rows of 1,000 characters per second and core, beside a bare loop that cuts
the same texts into tokens once.

`python -m tests.bench.gates_speed [--rows 600] [--runs 3] [--seed 1] [--built ROOT] [--gates]`.
Goal: at least 4,000 rows per second. Every run draws other rows, so that nothing is remembered from
the run before. Two worlds of free prose are measured: one in which every row shows passages of its
own, and one in which 24 rows share them, as in a corpus with several questions per section and
several samples per question. --built adds the rows of the newest corpus below ROOT as they are.
--gates adds the microseconds that each gate costs; a gate that comes later finds texts already cut.
"""

import argparse
import re
import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from random import Random

from tasks.store import tables
from tasks.verdicts.case import Case
from tasks.verdicts.gates import GATES, SHARD_ROWS, Gate, VerdictSpec, cases_of, judge_shard
from tests.bench.gate_world.prose import prose_rows
from tests.bench.measure import tell

CHARACTERS = 1000
"""Length of think block and answer together."""
ROWS_OF_A_HANDBOOK = 3
SHARED_BY = 24
WARM_UP = 64
"""Rows judged before the clock starts: patterns are compiled, and the words of grammar known."""
FAMILIES = frozenset({"handbook"})
MUSINGS = (
    "The passage on {heading} mentions {first} and {second}, so I read it twice.",
    "Whoever asks about {topic} could also mean {first}, yet the wording points to {second}.",
    "Section {label} speaks of {first}; that may matter for {second} or may not.",
    "First I put the question in my own words: what is wanted concerns {first} and {topic}.",
    "It would be easy to confuse {first} with {second} here.",
    "If {first} was the point, the text on {heading} would have said so before {second}.",
    "I should name the section that holds {second} and leave {first} aside.",
    "There is a line about {first} as well, next to {second}, but it answers something else.",
)
WORD = re.compile(r"\w+")
SPEC = VerdictSpec()


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rows", type=int, default=600)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--built", type=Path)
    parser.add_argument("--gates", action="store_true")
    options = parser.parse_args()
    seeds = range(options.seed, options.seed + options.runs)
    measure("new passages", [own_passages(options.rows, seed=seed) for seed in seeds])
    measure("shared passages", [shared_passages(options.rows, seed=seed) for seed in seeds])
    if options.built:
        rows = built(options.built)
        measure("built", [rows[start :: options.runs] for start in range(options.runs)])
    if options.gates:
        _tell_gates(own_passages(options.rows, seed=options.seed + options.runs))


def own_passages(count: int, *, seed: int) -> list[Case]:
    """Return rows of which no two show the same passages."""
    rows = prose_rows(count * ROWS_OF_A_HANDBOOK, seed=seed)[::ROWS_OF_A_HANDBOOK]
    return [lengthened(row, Random(f"{seed}/{number}")) for number, row in enumerate(rows)]


def shared_passages(count: int, *, seed: int) -> list[Case]:
    """Return rows of which 24 in a row show the same passages: eight samples of each question."""
    asked = prose_rows(-(-count * ROWS_OF_A_HANDBOOK // SHARED_BY), seed=1000 + seed)
    samples = SHARED_BY // ROWS_OF_A_HANDBOOK
    return [
        lengthened(row, Random(f"{seed}/{number}/{sample}"))
        for number, row in enumerate(asked)
        for sample in range(samples)
    ]


def lengthened(row: Case, rng: Random) -> Case:
    """Return a row whose think block muses until it has about 1,000 characters with its answer."""
    missing = CHARACTERS - len(row.think) - len(row.answer)
    said = list[str]()
    while sum(map(len, said)) + len(said) < missing:
        said.append(_musing(row, rng))
    think = " ".join((*said, row.think))
    return replace(row, think=think, raw=row.raw.replace(row.think, think))


def _musing(row: Case, rng: Random) -> str:
    passage = rng.choice(row.passages)
    words = [word.strip(".,") for word in passage.text.split() if len(word) > 4]
    return rng.choice(MUSINGS).format(
        heading=passage.heading.lower(),
        label=passage.section.split()[-1],
        topic=" ".join(row.question.rstrip("?").lower().split()[-2:]),
        first=rng.choice(words),
        second=rng.choice(words),
    )


def built(root: Path) -> list[Case]:
    """Return the rows of the newest verdicts below a store's root, as the gates saw them."""
    verdicts = tables(root, "verdicts")[-1]
    read = {
        stage: next(
            one.table.read()
            for one in tables(root, stage)
            if one.table.digest == verdicts.inputs[stage]
        )
        for stage in ("traces", "prompts", "passages", "questions")
    }
    batches = read["traces"].to_batches()
    return list(cases_of(batches, read["prompts"], read["passages"], read["questions"], {}))


def measure(world: str, runs: Sequence[list[Case]]) -> None:
    """Print the rows per second of the gates, and how often the bare loop fits into their time."""
    speeds, ratios = list[float](), list[float]()
    for rows in runs:
        _judge(rows[:WARM_UP])
        measured = rows[WARM_UP:]
        seconds, bare = _seconds(partial(_judge, measured)), _seconds(partial(_cut, measured))
        speeds.append(len(measured) / seconds)
        ratios.append(seconds / bare)
    tell(
        "gates_speed",
        world=world,
        rows_per_second=round(statistics.median(speeds)),
        against_bare_loop=statistics.median(ratios),
        characters=round(statistics.mean(_characters(runs))),
        goal=">= 4,000 rows per second",
    )


def _characters(runs: Sequence[list[Case]]) -> Iterator[int]:
    return (len(row.think) + len(row.answer) for rows in runs for row in rows)


def _judge(rows: Sequence[Case]) -> None:
    for start in range(0, len(rows), SHARD_ROWS):
        judge_shard(list(rows[start : start + SHARD_ROWS]), SPEC, FAMILIES)


def _cut(rows: Sequence[Case]) -> None:
    """Cut think block, answer, question and passages of every row into words."""
    for row in rows:
        for text in (row.think, row.answer, row.question, *(one.whole for one in row.passages)):
            WORD.findall(text)


def _seconds(work: Callable[[], None]) -> float:
    started = time.process_time()
    work()
    return time.process_time() - started


def _tell_gates(rows: Sequence[Case]) -> None:
    for gate in GATES:
        name = gate(rows[0], SPEC, FAMILIES).gate
        seconds = _seconds(partial(_ask, gate, rows))
        tell("gates_speed", gate=name, microseconds=round(seconds / len(rows) * 1e6))


def _ask(gate: Gate, rows: Sequence[Case]) -> None:
    for row in rows:
        gate(row, SPEC, FAMILIES)


if __name__ == "__main__":
    main()
