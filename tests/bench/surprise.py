"""Recall and precision of the audit's `surprise` where the pocket teacher is at hand.

`python -m tests.bench.surprise [--rows 1000] [--control 1000] [--corpora 12] [--phrasings 10]
[--audit]`. Rows are problems that the pocket teacher knows, with the worked chains it was trained
to write. Into 1 % of them go notes of as many families as there are phrasings, so that hardly one
recurs. The same is done with whole sentences out of other rows' traces ("own words"): what a
teacher could well have said, but not here. --audit also tells what the audit finds without a
teacher.

The pocket teacher knows one small language and nothing else, so any note out of `leak_world` stands
out to it far more than to a real teacher. "own words" are the harder test.

| ten phrasings in 1 % of rows | recall | precision |
|---|---|---|
| goal | .80 | .95 |
"""

import argparse
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from random import Random
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa

from tasks import think
from tasks.audit.audit import AuditSpec, audit
from tasks.audit.style import Style
from tasks.audit.surprise import Nats, surprising
from tasks.audit.traces import TableRows
from tasks.inference.alone import score_with_transformers
from tasks.inference.models import POCKET
from tasks.inference.scoring import Text, text_tokens
from tasks.sources.problems import FAMILIES, draw
from tests.bench.leak_world.clean import Row, clean_rows
from tests.bench.leak_world.families import contaminate_mixed, mixed_family

RATE = 0.01
LONGEST = 1024


class Score(NamedTuple):
    recall: float
    precision: float


class Corpus(NamedTuple):
    """Clean rows, and how surprising their tokens are to the teacher."""

    rows: list[Row]
    nats: list[Nats]


class Teacher:
    """The pocket teacher by transformers, one row at a time."""

    def __init__(self) -> None:
        import torch
        from transformers import AutoModelForCausalLM, AutoTokenizer

        torch.set_num_threads(1)
        self._tokenizer: Any = AutoTokenizer.from_pretrained(POCKET)
        self._model = AutoModelForCausalLM.from_pretrained(POCKET, dtype=torch.float32).eval()

    def surprisal(self, row: Row) -> Nats:
        """Return the surprisal of a row's trace, as far as the teacher's window reaches."""
        asked = ({"role": "user", "content": row.prompt},)
        text = Text(row.id, asked, think.join(row.think, row.answer))
        tokens = text_tokens(self._tokenizer, text)
        room = LONGEST - len(tokens.prompt)
        return -score_with_transformers(
            self._model, tokens._replace(text=tokens.text[:room]), text
        ).nats


def problem_rows(count: int, *, seed: int) -> list[Row]:
    """Return problems of every family with their worked chains, and producer values drawn for them."""
    producers = [row.producer for row in clean_rows(count, seed=seed, style="table")]
    families = sorted(FAMILIES)
    drawn = [draw(families[n % len(families)], seed * 10**6 + n) for n in range(count)]
    return [
        Row(f"problem-{seed}-{n:06d}", one.prompt, one.prompt, one.think, one.answer, producer)
        for n, (one, producer) in enumerate(zip(drawn, producers, strict=True))
    ]


def notes(rows: list[Row], number: int, phrasings: int) -> tuple[list[Row], list[bool]]:
    """Return the rows with notes of as many families as phrasings in one in a hundred."""
    first = 20_000 + number * phrasings
    families = mixed_family(range(first, first + phrasings))
    return contaminate_mixed(rows, families, rate=RATE, seed=number)


def own_words(rows: list[Row], number: int, phrasings: int) -> tuple[list[Row], list[bool]]:
    """Return the rows with a sentence of another row's trace in one in a hundred."""
    rng = Random(f"own words:{number}")
    chosen = set(rng.sample(range(len(rows)), max(1, round(RATE * len(rows)))))
    return [_with_sentence(row, rows, rng) if n in chosen else row for n, row in enumerate(rows)], [
        n in chosen for n in range(len(rows))
    ]


def _with_sentence(row: Row, rows: Sequence[Row], rng: Random) -> Row:
    others = [one for one in rng.choice(rows).think.split(". ") if one not in row.think]
    own = row.think.split(". ")
    own.insert(rng.randrange(len(own) + 1), rng.choice(others or ["So it is done"]))
    return replace(row, think=". ".join(own))


Plant = Callable[[list[Row], int, int], tuple[list[Row], list[bool]]]


def with_teacher(
    clean: Corpus, planted: tuple[list[Row], list[bool]], control: list[Nats], teacher: Teacher
) -> Score:
    rows, leaked = planted
    nats = [
        teacher.surprisal(row) if hit else known
        for row, hit, known in zip(rows, leaked, clean.nats, strict=True)
    ]
    return _score([one.row for one in surprising(nats, control)], leaked)


def without(planted: tuple[list[Row], list[bool]], style: Style) -> Score:
    rows, leaked = planted
    return _score(np.flatnonzero(audit(_table(rows), AuditSpec(), style=style).flags), leaked)


def _score(flagged: Sequence[int] | np.ndarray, leaked: list[bool]) -> Score:
    right = sum(leaked[row] for row in flagged)
    return Score(right / max(sum(leaked), 1), right / len(flagged) if len(flagged) else 1.0)


def _table(rows: list[Row]) -> TableRows:
    named = ("id", "prompt", "think", "answer")
    columns = {name: [getattr(row, name) for row in rows] for name in named}
    return TableRows(pa.table(columns | {"fault": ["" for _ in rows]}))


def _tell(name: str, scores: list[Score]) -> None:
    recall, precision = (np.array(column) for column in zip(*scores, strict=True))
    print(
        f"{name}: recall {recall.mean():.3f} mean, {recall.min():.2f} worst; "
        f"precision {precision.mean():.3f} mean, {precision.min():.3f} worst",
        flush=True,
    )


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    for name, default in (("rows", 1000), ("control", 1000), ("corpora", 12), ("phrasings", 10)):
        parser.add_argument(f"--{name}", type=int, default=default)
    parser.add_argument("--audit", action="store_true")
    options = parser.parse_args()
    teacher, started = Teacher(), time.process_time()
    known = problem_rows(options.control, seed=31)
    control = [teacher.surprisal(row) for row in known]
    rows = problem_rows(options.rows, seed=32)
    clean = Corpus(rows, [teacher.surprisal(row) for row in rows])
    each = (time.process_time() - started) / (len(known) + len(rows))
    print(f"the teacher reads 1,000 rows in {1000 * each:.1f} CPU-seconds (transformers)")
    print(f"clean rows: {len(surprising(clean.nats, control))} of {len(rows)} flagged", flush=True)
    plants: dict[str, Plant] = {"notes": notes, "own words": own_words}
    style = Style.of(_table(known)) if options.audit else None
    for name, plant in plants.items():
        corpora = [plant(rows, number, options.phrasings) for number in range(options.corpora)]
        _tell(name, [with_teacher(clean, one, control, teacher) for one in corpora])
        if style:
            _tell(f"{name}, without the teacher", [without(one, style) for one in corpora])


if __name__ == "__main__":
    main()
