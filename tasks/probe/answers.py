"""What was said to the probe: both models' answers, joined with what every gate found in them."""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass

import pyarrow as pa

from tasks import rows, think
from tasks.store import Made, Table

BASELINE, STUDENT = "baseline", "student"
LEAKS = frozenset({"leakage", "audit"})
"""Gates whose failure means producer state."""


@dataclass(frozen=True)
class Answer:
    """One model's answer to one question of the probe. faults: gate → reason, of the gates that
    failed it. known: a right answer is known.
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
        """Whether the answer is the known one, from a whole trace."""
        return self.known and "correctness" not in self.faults and "structure" not in self.faults

    @property
    def leaked(self) -> bool:
        """Whether producer state was found in it."""
        return bool(LEAKS & self.faults.keys())


def both(base: pa.Table, student: pa.Table) -> Made:
    """Return the answers of both models as one table of TRACES, so that every gate looks at them
    alike.
    """
    joined = pa.concat_tables([base, student])
    return Made({"traces": joined}, rows.TRACES, rows.rejected([]), rows_in=joined.num_rows)


def style(base: pa.Table, prompts: pa.Table, recipe: str) -> Made:
    """Return the base model's answers as BASELINES: how it wrote before it was trained."""
    asked = {row["prompt_id"]: row["messages"][-1]["content"] for row in prompts.to_pylist()}
    kept = [
        {
            "trace_id": row["trace_id"],
            "prompt": asked[row["prompt_id"]],
            "think": row["think"],
            "answer": row["answer"],
            "recipe": recipe,
        }
        for row in base.to_pylist()
        if row["think"]
    ]
    table = rows.table_of(kept, rows.BASELINES)
    faults = rows.rejected(
        [(row["trace_id"], row["fault"], "") for row in base.to_pylist() if not row["think"]]
    )
    return Made(
        {"baselines": table}, rows.BASELINES, faults, rows_in=base.num_rows, may_be_empty=True
    )


@dataclass(frozen=True)
class Asked:
    """The tables that a probe is weighed from. coherence: VERDICTS of the judge, empty when none
    was asked.
    """

    prompts: Table
    questions: Table
    base: Table
    student: Table
    verdicts: Table
    coherence: Table


def answers(asked: Asked) -> Iterator[Answer]:
    """Yield every answer of both models, the baseline's first."""
    prompts = {row["prompt_id"]: row for row in asked.prompts.read().to_pylist()}
    known = {
        row["question_id"]
        for row in asked.questions.read(["question_id", "accepted"]).to_pylist()
        if row["accepted"]
    }
    verdicts = pa.concat_tables([asked.verdicts.read(), asked.coherence.read()]).to_pylist()
    faults: dict[str, dict[str, str]] = defaultdict(dict)
    for one in verdicts:
        if one["state"] == "failed":
            faults[one["trace_id"]][one["gate"]] = one["reason"]
    judged = {
        one["trace_id"]
        for one in verdicts
        if one["gate"] == "coherence" and one["state"] != "not_checked"
    }
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
                faults=faults[row["trace_id"]],
                judged=row["trace_id"] in judged,
            )


def opened(answer: Answer) -> bool:
    """Whether a think block was begun."""
    return think.OPEN in answer.raw or bool(answer.think)


def table_of(every: list[Answer]) -> pa.Table:
    """Return ANSWERS."""
    own = (
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
    made = [
        {name: getattr(one, name) for name in own}
        | {"correct": one.correct, "faults": list(one.faults.values())}
        for one in every
    ]
    return rows.table_of(made, rows.ANSWERS)
