"""Plants: rows of which it is known whether the think block reasons about its question, because
half of them were spoilt here.
"""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import cycle, islice
from random import Random
from typing import NamedTuple

from tasks.spec import digest, draw_seed
from tasks.verdicts.case import Case
from tasks.verdicts.faults import FAULTS, planted

SOUND = "sound"
KINDS = ("foreign_think", "foreign_trace", "altered_think")
"""How a row is spoilt: another row's think block before the row's own answer; another row's think
block and answer; the row's own think block with other numbers and names in it.
"""
POOL = 16
"""Rows looked at for every plant due; a large corpus need not be read to the end."""
LENDERS = 60
"""Rows of a family that lend a faulty row its names, values and answers."""
_NUMBER = re.compile(r"\d+")
_WORD = re.compile(r"[^\W\d_]+")
_TOKEN = re.compile(r"\d+|[^\W\d_]+")
_NAME = re.compile(r"(?<=[a-z,] )[A-Z][^\W\d_]+\b(?! \d| [A-Z])")
"""A capitalised word within a sentence; of a title and a name, or a title and a number, not the
title.
"""


class Plant(NamedTuple):
    """A row to measure a judge on. kind: SOUND, one of KINDS or one of FAULTS."""

    case: Case
    kind: str

    @property
    def planted(self) -> bool:
        """Whether the row was spoilt."""
        return self.kind != SOUND


def plants(cases: Sequence[Case], *, count: int, seed: int) -> list[Plant]:
    """Return up to count plants, half of them sound; the same ones whatever the order of the cases.

    cases: rows that passed every other gate; those left as they are count as sound. Where the rows
    suffice no row is in both halves, and no prompt is used twice before every prompt has been used
    once.
    """
    rows = _spread(cases, seed)[: POOL * count]
    half = min(count // 2, len(rows))
    spoilt = list(islice(_spoilt(rows, start=half, seed=seed), half))
    return [*(Plant(case, SOUND) for case in rows[: len(spoilt)]), *spoilt]


def faulty(cases: Sequence[Case], *, count: int, seed: int) -> list[Plant]:
    """Return up to count rows with a fault of FAULTS in each; the same ones whatever the order of
    the cases.

    Every kind of every family has its turn, in an order that the seed draws, before any has a
    second one. A kind for which a family has no place is left out.
    """
    by_family: dict[str, list[Case]] = {}
    for case in _spread(cases, seed)[: POOL * count]:
        by_family.setdefault(case.family, []).append(case)
    cells = sorted(
        ((family, kind) for family in by_family for kind in FAULTS),
        key=lambda cell: digest(str(seed), "fault", *cell),
    )
    queues = [_faulty(by_family[family], kind, seed=seed) for family, kind in cells]
    return list(islice(_in_turn(queues), count))


def _faulty(rows: Sequence[Case], kind: str, *, seed: int) -> Iterator[Plant]:
    for case in rows:
        if made := planted(case, rows[:LENDERS], kind, seed=seed):
            yield Plant(made, kind)


def _in_turn(queues: Sequence[Iterator[Plant]]) -> Iterator[Plant]:
    """Yield one plant of every queue, then a second one, until all are empty."""
    left = list(queues)
    while left:
        taken = [(queue, next(queue, None)) for queue in left]
        yield from (one for _, one in taken if one)
        left = [queue for queue, one in taken if one]


def foreign(case: Case, others: Sequence[Case], seed: int) -> Case | None:
    """Return another row of the family that asks something else for certain: another prompt that
    shares no passage.
    """
    shown = set(case.passages)
    due = [
        one
        for one in others
        if one.family == case.family
        and one.prompt != case.prompt
        and shown.isdisjoint(one.passages)
    ]
    return min(due, key=lambda one: digest(str(seed), case.trace_id, one.trace_id), default=None)


def altered(case: Case, others: Sequence[Case], seed: int) -> Case | None:
    """Return the row with every number and name of its think block changed to one that its prompt
    does not hold.

    None when no number of several digits and no name comes from the prompt: changing "step 1" makes
    no other question.
    """
    rng = Random(draw_seed(seed, "altered", case.trace_id))
    held = {*_NUMBER.findall(case.prompt), *_WORD.findall(case.prompt)}
    names = sorted(
        {name for one in others if one.family == case.family for name in _NAME.findall(one.think)}
        - held
    )
    changed = {
        number: _other_number(rng, number, held)
        for number in dict.fromkeys(_NUMBER.findall(case.think))
    }
    changed |= {
        name: rng.choice(names) for name in dict.fromkeys(_NAME.findall(case.think)) if names
    }
    if not any(len(old) > 1 and old in held for old in changed):
        return None
    return replace(
        case, think=_TOKEN.sub(lambda found: changed.get(found[0], found[0]), case.think)
    )


def _spread(cases: Sequence[Case], seed: int) -> list[Case]:
    """Return the cases in a drawn order, a first trace of every prompt before any second."""
    drawn = sorted(cases, key=lambda case: digest(str(seed), "plant", case.trace_id))
    seen: Counter[str] = Counter()
    ranked = []
    for case in drawn:
        ranked.append((seen[case.prompt], case))
        seen[case.prompt] += 1
    return [case for _, case in sorted(ranked, key=lambda pair: pair[0])]


def _spoilt(rows: Sequence[Case], *, start: int, seed: int) -> Iterator[Plant]:
    """Yield a spoilt row for every row that can be spoilt, beginning behind the sound ones, the
    kinds in turn.
    """
    for case, turn in zip([*rows[start:], *rows[:start]], cycle(range(len(KINDS))), strict=False):
        made = (
            Plant(found, kind)
            for kind in (*KINDS[turn:], *KINDS[:turn])
            if (found := _spoil(case, kind, rows, seed))
        )
        yield from islice(made, 1)


def _spoil(case: Case, kind: str, rows: Sequence[Case], seed: int) -> Case | None:
    if kind == "altered_think":
        return altered(case, rows, seed)
    other = foreign(case, rows, seed)
    if other is None:
        return None
    return replace(
        case, think=other.think, answer=other.answer if kind == "foreign_trace" else case.answer
    )


def _other_number(rng: Random, number: str, taken: set[str]) -> str:
    """Return a number of as many digits that is not taken; now and then one digit is added, in case
    all of that length are.
    """
    digits = len(number)
    while True:
        other = rng.choice("123456789") + "".join(rng.choices("0123456789", k=digits - 1))
        if other != number and other not in taken:
            return other
        digits += rng.random() < 0.1
