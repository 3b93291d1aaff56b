"""The detector that uses the teacher's own scores: the texts that the teacher scores, and the
findings in these scores.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

import numpy as np
import pyarrow as pa
from pydantic import Field

from tasks import think
from tasks.audit.batch import Batch
from tasks.audit.finding import Example, Finding, excerpt_of
from tasks.audit.surprise import Nats, Surprising, surprising
from tasks.inference.engine import Message
from tasks.inference.scoring import Text
from tasks.spec import Spec, digest


class SurpriseSpec(Spec):
    """How many traces the teacher scores, to find text that it would not have written."""

    traces: int = Field(default=0, ge=0)
    """Most traces of a build that the teacher scores; 0 turns this detector off. The teacher is
    loaded once more for it and reads each trace once.
    """
    control: int = Field(default=1000, ge=200)
    """Most traces of the control arm that the teacher scores. They show how surprising the
    teacher's own text is; with fewer than 200, the detector finds nothing.
    """


def texts_to_score(
    traces: pa.Table,
    prompts: pa.Table,
    baselines: Sequence[pa.Table],
    spec: SurpriseSpec,
    system_prompt: str,
) -> list[Text]:
    """Return the texts to score: control traces with their bare prompts, and traces with the
    prompts that were sent.

    traces: TRACES. prompts: PROMPTS. baselines: BASELINES tables. If there are more traces than the
    spec allows, a sample is drawn by their ids.
    """
    system = ({"role": "system", "content": system_prompt},) if system_prompt else ()
    asked = prompts.filter(~prompts["control"].to_numpy()).select(["prompt_id", "messages"])
    sent = {row["prompt_id"]: (*system, *row["messages"]) for row in asked.to_pylist()}
    own = [
        Text(row["trace_id"], sent[row["prompt_id"]], _text(row))
        for row in traces.to_pylist()
        if row["prompt_id"] in sent
    ]
    bare = {row["trace_id"]: _bare(row) for table in baselines for row in table.to_pylist()}
    return [*_drawn(list(bare.values()), spec.control), *_drawn(own, spec.traces)]


class Reading(NamedTuple):
    """A trace with the teacher's scores. nats: (tokens,) log-probabilities. ends: the number of
    characters up to the end of each token.
    """

    trace_id: str
    text: str
    nats: Nats
    ends: list[int]


class SurpriseDetector:
    """Finds rows with a stretch that the teacher would not have written after the prompt it was
    sent.
    """

    def __init__(self, rows: Sequence[Reading], control: Sequence[Nats]) -> None:
        found = surprising([-row.nats for row in rows], [-nats for nats in control])
        surprising_rows = [(rows[one.row], one) for one in found]
        self._examples = {row.trace_id: _quoted(row, one) for row, one in surprising_rows}
        self._ids: dict[int, str] = {}

    def learn(self, batch: Batch) -> None:
        """Note which rows are surprising."""
        ids = batch.rows.column("id").to_pylist()
        places = (place for place, trace_id in enumerate(ids) if trace_id in self._examples)
        self._ids |= {batch.first_row + place: ids[place] for place in places}

    def look(self, batch: Batch) -> None:
        """Do nothing: the teacher has scored the rows before the audit."""

    def findings(self) -> list[Finding]:
        """Return one finding: all surprising rows, with their stretches as examples."""
        if not self._ids:
            return []
        rows = np.array(sorted(self._ids), np.int64)
        return [Finding("surprise", rows, self._quote, rows, baseline_share=0.0)]

    def _quote(self, batch: Batch, row: int) -> Example:
        return self._examples[self._ids[batch.first_row + row]]


def detector_of(
    scores: pa.Table, traces: pa.Table, baselines: Sequence[pa.Table]
) -> SurpriseDetector:
    """Return the detector for a build's traces. scores: SCORES of traces and control traces."""
    control = {trace_id for table in baselines for trace_id in table["trace_id"].to_pylist()}
    scored = {row["text_id"]: row for row in scores.to_pylist()}
    own = scored.keys() - control
    rows = [
        Reading(trace_id, _text(row), _nats(scored[trace_id]), scored[trace_id]["ends"])
        for row in traces.to_pylist()
        if (trace_id := row["trace_id"]) in own
    ]
    return SurpriseDetector(rows, [_nats(row) for key, row in scored.items() if key in control])


def _quoted(row: Reading, one: Surprising) -> Example:
    """Return the stretch as text, or the whole text if the ends of its tokens are unknown."""
    if not row.ends[-1]:
        return excerpt_of(row.text, 0, len(row.text))
    first = row.ends[one.stretch.first - 1] if one.stretch.first else 0
    return excerpt_of(row.text, first, row.ends[one.stretch.last - 1])


def _nats(row: Mapping[str, list[float]]) -> Nats:
    return np.array(row["nats"], np.float32)


def _text(trace: Mapping[str, str]) -> str:
    return think.join(trace["think"], trace["answer"]) if not trace["fault"] else trace["raw"]


def _bare(row: Mapping[str, str]) -> Text:
    asked: tuple[Message, ...] = ({"role": "user", "content": row["prompt"]},)
    return Text(row["trace_id"], asked, think.join(row["think"], row["answer"]))


def _drawn(texts: list[Text], most: int) -> Iterator[Text]:
    ordered = sorted(texts, key=lambda text: digest(text.key))
    yield from sorted(ordered[:most], key=lambda text: text.key)
