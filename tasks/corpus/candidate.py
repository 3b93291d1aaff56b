"""A trace that passed every gate, with everything that the corpus needs of it."""

import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import NamedTuple

import pyarrow as pa
import pyarrow.compute as pc

from tasks import think
from tasks.ngrams import words
from tasks.spec import digest
from tasks.trace_context import Row, context_views

TRACE = ["trace_id", "prompt_id", "model", "sample", "think", "answer", "seed"]
"""Columns of TRACES that a row of the corpus uses."""
PROMPT = [
    "prompt_id",
    "messages",
    "row_messages",
    "passage_ids",
    "question_id",
    "general",
    "control",
    "family",
    "cell",
]
"""Columns of PROMPTS that a row of the corpus uses."""
RANKED = ["correctness", "grounding", "fluency"]
"""Gates whose scores rank several answers to one prompt."""


class Rejection(NamedTuple):
    """A passing trace that is left out of the corpus. reason: a snake_case noun."""

    trace_id: str
    reason: str
    detail: str


NO_SCORES: Mapping[str, float] = {}
"""The scores of a trace without any score other than 0."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A passing trace with its prompt, its provenance, and gate → score for all scores other than
    0.

    All candidates of a build are in memory at a time, but their texts are in Arrow (`RowView`).
    """

    trace: Row
    prompt: Row
    scores: Mapping[str, float]
    sources: tuple[Row, ...]
    known_answer: bool
    kind: str = ""
    """The kind of question within its family: the category of its question, else its wording."""

    @property
    def trace_id(self) -> str:
        return str(self.trace["trace_id"])

    @property
    def family(self) -> str:
        return str(self.prompt["family"])

    @property
    def general(self) -> bool:
        return bool(self.prompt["general"])

    @property
    def control(self) -> bool:
        """Whether it belongs to the control arm, which was asked without instructions."""
        return bool(self.prompt["control"])

    @property
    def question(self) -> str:
        """The user's turn, as the row shows it."""
        return str(self.messages[-1]["content"])

    @property
    def messages(self) -> list[dict[str, str]]:
        """The messages that the row shows. A closed-book row hides passages of the teacher."""
        shown: list[dict[str, str]] = self.prompt["row_messages"] or self.prompt["messages"]
        return shown

    @property
    def completion(self) -> str:
        return f"{self.trace['think']}\n{self.trace['answer']}"

    @property
    def conversation(self) -> str:
        """The user's turn and the completion."""
        return f"{self.question}\n{self.completion}"

    @property
    def words(self) -> list[str]:
        """The words of the completion. They are split at every call, because the stored words would
        take more memory than the row.
        """
        return words(self.completion)

    @property
    def documents(self) -> tuple[str, ...]:
        """Ids of the documents that it uses, sorted."""
        return tuple(sorted({source["document_id"] for source in self.sources}))

    def row(self, teachers: Mapping[str, str]) -> dict[str, object]:
        """Return the candidate as a row of CORPUS. teachers: name of a model → the model."""
        trace, prompt = self.trace, self.prompt
        turn = {"role": "assistant", "content": think.join(trace["think"], trace["answer"])}
        return {
            "row_id": digest(self.trace_id, "row")[:16],
            "prompt": self.question,
            "think": trace["think"],
            "answer": trace["answer"],
            "messages": [*self.messages, turn],
            "family": self.family,
            "general": self.general,
            "verified": self.known_answer,
            "provenance": {
                "trace_id": self.trace_id,
                "prompt_id": prompt["prompt_id"],
                "sample": trace["sample"],
                "seed": trace["seed"],
                "teacher": teachers[trace["model"]],
                "question_id": prompt["question_id"],
                "passage_ids": prompt["passage_ids"],
                "document_ids": list(self.documents),
                "sources": sorted({source["source"] for source in self.sources}),
                "licences": sorted({source["licence"] for source in self.sources} - {""}),
            },
        }


def candidates(
    traces: Iterable[pa.RecordBatch],
    prompts: pa.Table,
    verdicts: Iterable[pa.RecordBatch],
    passages: pa.Table,
    questions: pa.Table,
) -> Iterator[Candidate]:
    """Yield the traces that no gate failed, in the order of `traces`.

    traces: batches of TRACES with the columns TRACE. prompts: PROMPTS with the columns PROMPT.
    verdicts: batches of VERDICTS. passages: PASSAGES. questions: QUESTIONS.
    """
    scores, failed = _verdicts(verdicts)
    joined = context_views(
        traces,
        prompts,
        passages.select(["passage_id", "document_id", "source", "licence"]),
        questions.select(["question_id", "accepted", "category", "source", "licence"]),
    )
    for trace, prompt, shown, question in joined:
        trace_id = trace["trace_id"]
        if trace_id in failed:
            continue
        yield Candidate(
            trace,
            prompt,
            scores.get(trace_id, NO_SCORES),
            (*shown, *_sources(question)),
            known_answer=bool(question and question["accepted"]),
            kind=sys.intern(_kind(prompt, question)),
        )


def _kind(prompt: Row, question: Row | None) -> str:
    return str(question["category"] if question else prompt["cell"].rpartition("/")[2])


def _sources(question: Row | None) -> Iterator[Row]:
    """Yield the question as a source of its row, if there is a question."""
    if question:
        yield {
            "document_id": f"question:{question['question_id']}",
            "source": question["source"],
            "licence": question["licence"],
        }


def _verdicts(
    verdicts: Iterable[pa.RecordBatch],
) -> tuple[dict[str, dict[str, float]], set[str]]:
    """Return (trace_id → gate → score other than 0, ids of the traces that failed a gate)."""
    scores: dict[str, dict[str, float]] = {}
    failed: set[str] = set()
    for batch in verdicts:
        failing = batch.filter(pc.field("state") == "failed")
        failed.update(failing.column("trace_id").to_pylist())
        ranked = batch.filter(pc.field("gate").isin(RANKED) & (pc.field("score") != 0))
        for row in ranked.select(["trace_id", "gate", "score"]).to_pylist():
            scores.setdefault(row["trace_id"], {})[sys.intern(row["gate"])] = row["score"]
    return scores, failed
