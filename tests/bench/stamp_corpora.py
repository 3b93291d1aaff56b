"""Clean corpora for the bench `stamps`: worked problems, the leak world's styles, real traces
recombined, and strong openers.
"""

import re
from collections.abc import Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path
from random import Random

from tasks.audit.reading import RowFile
from tasks.sources.problems import draw
from tests.bench.leak_world.clean import STYLES, Row, clean_rows

KINDS = {"lookup": 7, "irac": 2, "addition": 2, "equation": 1, "date": 1}
"""Families of problems, and how many of thirteen rows each has."""
PARAGRAPHS = (3, 9)
RECOMBINED = ("paragraphs", "sentences")


def corpus(source: str, rows: int, *, seed: int) -> list[Row]:
    """Return clean rows. source: "problems", a style of the leak world, or "paragraphs:FILE" or
    "sentences:FILE" of real traces.
    """
    if source == "problems":
        return problems(rows, seed=seed)
    if source in STYLES:
        return clean_rows(rows, seed=seed, style=source)
    how, _, path = source.partition(":")
    return recombined(Path(path), rows, how=how, seed=seed)


def problems(rows: int, *, seed: int) -> list[Row]:
    """Return worked problems of several families, as the pocket teacher writes them."""
    rng, families = Random(f"problems:{seed}"), list(KINDS)
    drawn = rng.choices(families, list(KINDS.values()), k=rows)
    return [_problem(family, number, seed) for number, family in enumerate(drawn)]


def _problem(family: str, number: int, seed: int) -> Row:
    made = draw(family, seed * 100_000 + number)
    return Row(f"p{number}", made.prompt, "", made.think, made.answer, {})


def recombined(path: Path, rows: int, *, how: str, seed: int) -> list[Row]:
    """Return rows of pieces of real traces: the beginning of one, pieces of the middle of others,
    the end of another.
    """
    rng, traces = Random(f"recombined:{seed}"), _pieces(path, how)
    glue = "\n\n" if how == "paragraphs" else " "
    return [_recombined(traces, number, glue, rng) for number in range(rows)]


def _recombined(traces: Sequence[Sequence[str]], number: int, glue: str, rng: Random) -> Row:
    first, last = rng.choice(traces), rng.choice(traces)
    middle = [
        rng.choice(trace[1:-1] or trace)
        for trace in rng.choices(traces, k=rng.randint(*PARAGRAPHS))
    ]
    think = glue.join([first[0], *middle, last[-1]])
    return Row(f"r{number}", "", "", think, "Done.", {})


@cache
def _pieces(path: Path, how: str) -> list[list[str]]:
    cut = r"\n\s*\n" if how == "paragraphs" else r"(?<=[.!?])\s+"
    thinks = [
        think for batch in RowFile.open(path).batches() for think in batch["think"].to_pylist()
    ]
    pieces = [[piece for piece in re.split(cut, think.strip()) if piece] for think in thinks]
    return [each for each in pieces if len(each) >= 3]


OPENERS = (
    ("Decide by IRAC. ", "Issue: whether "),
    ("Compute it. ", "Let me set up the numbers first: "),
)
HABIT = "Okay, the user "
HABITS = ("asks this: ", "wants to know it. ", "says that ", "asks about ", "needs an answer on ")


def with_openers(rows: Sequence[Row], *, seed: int) -> list[Row]:
    """Return rows with three strong openers: two that a kind of prompt always has, and a habit of
    the teacher in half of the others.
    """
    rng = Random(f"openers:{seed}")
    return [_opened(row, rng) for row in rows]


def _opened(row: Row, rng: Random) -> Row:
    luck = rng.random()
    for place, (asked, opener) in enumerate(OPENERS):
        if luck < 0.25 * (place + 1):
            subject = " ".join(row.prompt.split()[:8]).rstrip(".?:") or "it holds"
            think = f"{opener}{subject}.\n{row.think}"
            return replace(row, prompt=asked + row.prompt, think=think)
    if rng.random() < 0.5:
        rest = row.think[:1].lower() + row.think[1:]
        return replace(row, think=HABIT + rng.choice(HABITS) + rest)
    return row
