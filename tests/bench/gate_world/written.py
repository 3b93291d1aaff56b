"""Sound rows in free prose, written by hand with faults planted by hand (`written.yaml`).

Rows that a check was mended on measure it no more: write new ones to measure the next change.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple, TypedDict, cast

import yaml

from tasks.verdicts.case import Case, Passage

INSTRUCTION = "Answer from the passages below only. Cite the section that you rely on in brackets."


class _Row(TypedDict):
    question: str
    think: str
    answer: str
    faults: dict[str, str]


class _Handbook(TypedDict):
    trade: str
    passages: list[tuple[str, str, str]]
    rows: list[_Row]


class Written(NamedTuple):
    """A sound row and its spoilt copies. spoilt: kind of fault → the row with another answer."""

    case: Case
    spoilt: dict[str, Case]


def written_rows() -> Iterator[Written]:
    """Yield every row of the file in its order."""
    text = Path(__file__).with_suffix(".yaml").read_text(encoding="utf-8")
    for handbook in cast(list[_Handbook], yaml.safe_load(text)):
        passages = tuple(Passage(label, text, head) for label, head, text in handbook["passages"])
        for number, row in enumerate(handbook["rows"]):
            name = f"{handbook['trade']}-{number}"
            yield Written(
                _case(name, passages, row, row["answer"]),
                {kind: _case(name, passages, row, text) for kind, text in row["faults"].items()},
            )


def _case(name: str, passages: tuple[Passage, ...], row: _Row, answer: str) -> Case:
    lines = "\n".join(f"[{one.section}] {one.whole}" for one in passages)
    return Case(
        trace_id=name,
        prompt=f"{INSTRUCTION}\n\n{lines}\n\nQuestion: {row['question']}",
        question=row["question"],
        think=row["think"],
        answer=answer,
        raw=f"<think>\n{row['think']}\n</think>\n\n{answer}",
        fault="",
        family="written",
        cell=f"written/{name}",
        canary="canary-0000000000000000",
        passages=passages,
    )
