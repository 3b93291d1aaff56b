"""The answers of both models to the probe, with the faults that the gates found in them."""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

import pyarrow as pa

from tasks import rows, think
from tasks.store import Made, Table

BASELINE, STUDENT = "baseline", "student"
"""Names of the two models."""
COLUMNS = (
    "answer_id",
    "question_id",
    "sample",
    "model",
    "kind",
    "prompt",
    "raw",
    "think",
    "answer",
    "finish_reason",
    "tokens",
    "known",
)
"""Columns of ANSWERS that are fields of an Answer."""
LEAKS = frozenset({"leakage", "audit"})
"""Gates whose failure means producer state."""


@dataclass(frozen=True)
class Answer:
    """One model's answer to one question of the probe.

    faults: gate → reason, for the gates that it failed. known: a right answer is known. judged: the
    judge of coherence read it.
    """

    answer_id: str
    question_id: str
    sample: int
    model: str
    kind: str
    prompt: str
    raw: str
    think: str
    answer: str
    finish_reason: str
    tokens: int
    known: bool
    faults: dict[str, str]
    judged: bool

    @property
    def correct(self) -> bool:
        """Return whether the answer is a known right one, in a well-formed trace."""
        return self.known and "correctness" not in self.faults and "structure" not in self.faults

    @property
    def leaked(self) -> bool:
        """Return whether producer state was found in it."""
        return bool(LEAKS & self.faults.keys())


def joined(base: pa.Table, student: pa.Table) -> Made:
    """Return the answers of both models as one table of TRACES, so that all gates treat them
    alike.
    """
    joined = pa.concat_tables([base, student])
    return Made({"traces": joined}, rows.TRACES, rows.rejected([]), rows_in=joined.num_rows)


def style_of(base: pa.Table, prompts: pa.Table, recipe: str) -> Made:
    """Return BASELINES: the base model's answers, which show its style before training."""
    asked = {row["prompt_id"]: row["messages"][-1]["content"] for row in prompts.to_pylist()}
    answered = base.to_pylist()
    kept = [
        {
            "trace_id": row["trace_id"],
            "prompt": asked[row["prompt_id"]],
            "think": row["think"],
            "answer": row["answer"],
            "recipe": recipe,
        }
        for row in answered
        if row["think"]
    ]
    faults = [(row["trace_id"], row["fault"], "") for row in answered if not row["think"]]
    return Made(
        {"baselines": rows.table_of(kept, rows.BASELINES)},
        rows.BASELINES,
        rows.rejected(faults),
        rows_in=base.num_rows,
        may_be_empty=True,
    )


@dataclass(frozen=True)
class Asked:
    """The input tables of a probe. coherence: VERDICTS of the judge, empty without a judge."""

    prompts: Table
    questions: Table
    base: Table
    student: Table
    verdicts: Table
    coherence: Table


def answers(asked: Asked) -> Iterator[Answer]:
    """Yield every answer of both models, those of the baseline first."""
    prompts = {row["prompt_id"]: row for row in asked.prompts.read().to_pylist()}
    questions = asked.questions.read(["question_id", "accepted"]).to_pylist()
    known = {row["question_id"] for row in questions if row["accepted"]}
    found = _found(pa.concat_tables([asked.verdicts.read(), asked.coherence.read()]))
    for model, table in ((BASELINE, asked.base), (STUDENT, asked.student)):
        for row in table.read().to_pylist():
            prompt = prompts[row["prompt_id"]]
            yield Answer(
                answer_id=row["trace_id"],
                question_id=row["prompt_id"],
                sample=row["sample"],
                model=model,
                kind=prompt["family"],
                prompt=prompt["messages"][-1]["content"],
                raw=row["raw"],
                think=row["think"],
                answer=row["answer"],
                finish_reason=row["finish_reason"],
                tokens=row["completion_tokens"],
                known=prompt["question_id"] in known,
                faults=found.faults[row["trace_id"]],
                judged=row["trace_id"] in found.judged,
            )


class _Found(NamedTuple):
    """What the gates found. faults: trace_id → gate → reason. judged: ids that the judge read."""

    faults: dict[str, dict[str, str]]
    judged: set[str]


def _found(verdicts: pa.Table) -> _Found:
    faults: dict[str, dict[str, str]] = defaultdict(dict)
    judged = set()
    for one in verdicts.to_pylist():
        if one["state"] == "failed":
            faults[one["trace_id"]][one["gate"]] = one["reason"]
        if one["gate"] == "coherence" and one["state"] != "not_checked":
            judged.add(one["trace_id"])
    return _Found(faults, judged)


def opened(answer: Answer) -> bool:
    """Return whether the answer opens a think block."""
    return think.OPEN in answer.raw or bool(answer.think)


def table_of(every: list[Answer]) -> pa.Table:
    """Return ANSWERS."""
    return rows.table_of(list(map(_row, every)), rows.ANSWERS)


def _row(one: Answer) -> dict[str, object]:
    return {name: getattr(one, name) for name in COLUMNS} | {
        "correct": one.correct,
        "faults": list(one.faults.values()),
    }
