"""From the teacher's scores of traces to findings: which texts are scored, and what is found in
them.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

import numpy as np
import pyarrow as pa
from pydantic import Field

from tasks import think
from tasks.audit.batch import Batch
from tasks.audit.found import Found, Seen, seen
from tasks.audit.surprise import Nats, Surprising, surprising
from tasks.inference.engine import Message
from tasks.inference.scoring import Text
from tasks.spec import Spec, digest


class SurpriseSpec(Spec):
    """How many traces the teacher reads again, to find text that it would not have written."""

    traces: int = Field(default=0, ge=0)
    """Most traces of a build that the teacher scores; 0 turns this detector off. The teacher is
    loaded once more for it, and reads each trace once.
    """
    control: int = Field(default=1000, ge=200)
    """Most traces of the control arm that the teacher scores to learn how surprising its own text
    is; with fewer than 200 at hand nothing is found."""


def texts_to_score(
    traces: pa.Table,
    prompts: pa.Table,
    baselines: Sequence[pa.Table],
    spec: SurpriseSpec,
    system_prompt: str,
) -> list[Text]:
    """Return the control arm's traces under their bare prompts, and the others as they were asked.

    Where there are more than the spec allows, the ones are drawn by their ids.
    """
    system = ({"role": "system", "content": system_prompt},) if system_prompt else ()
    asked = prompts.filter(~prompts["control"].to_numpy()).select(["prompt_id", "messages"])
    sent = {row["prompt_id"]: (*system, *row["messages"]) for row in asked.to_pylist()}
    own = [
        Text(row["trace_id"], sent[row["prompt_id"]], _said(row))
        for row in traces.to_pylist()
        if row["prompt_id"] in sent
    ]
    bare = {row["trace_id"]: _bare(row) for table in baselines for row in table.to_pylist()}
    return [*_drawn(list(bare.values()), spec.control), *_drawn(own, spec.traces)]


class Reading(NamedTuple):
    """A trace as the teacher read it. ends: characters of the text up to each token's end."""

    trace_id: str
    text: str
    nats: Nats
    ends: list[int]


class SurpriseDetector:
    """Rows with a stretch that the teacher would not have written after the prompt it was sent."""

    def __init__(self, rows: Sequence[Reading], control: Sequence[Nats]) -> None:
        found = surprising([-row.nats for row in rows], [-nats for nats in control])
        self._seen = {rows[one.row].trace_id: _spelt(rows[one.row], one) for one in found}
        self._ids: dict[int, str] = {}

    def learn(self, batch: Batch) -> None:
        """Note which rows are surprising."""
        ids = batch.rows.column("id").to_pylist()
        places = (place for place, trace_id in enumerate(ids) if trace_id in self._seen)
        self._ids |= {batch.first_row + place: ids[place] for place in places}

    def look(self, batch: Batch) -> None:
        """The teacher has read the rows already."""

    def found(self) -> list[Found]:
        """Return one finding: all surprising rows, with the stretches as what leaked."""
        rows = np.array(sorted(self._ids), np.int64)
        return [Found("surprise", rows, self._spell, rows, baseline_share=0.0)] if len(rows) else []

    def _spell(self, batch: Batch, row: int) -> Seen:
        return self._seen[self._ids[batch.first_row + row]]


def detector_of(
    scores: pa.Table, traces: pa.Table, baselines: Sequence[pa.Table]
) -> SurpriseDetector:
    """Return the detector that a table of SCORES makes of a build's traces."""
    control = {trace_id for table in baselines for trace_id in table["trace_id"].to_pylist()}
    read = {row["text_id"]: row for row in scores.to_pylist()}
    rows = [
        Reading(row["trace_id"], _said(row), _nats(read[row["trace_id"]]), own["ends"])
        for row in traces.to_pylist()
        if (own := read.get(row["trace_id"])) and row["trace_id"] not in control
    ]
    return SurpriseDetector(rows, [_nats(row) for key, row in read.items() if key in control])


def _spelt(row: Reading, one: Surprising) -> Seen:
    """Return the stretch as text; all of the text where it is not known where its tokens end."""
    if not row.ends[-1]:
        return seen(row.text, 0, len(row.text))
    first = row.ends[one.stretch.first - 1] if one.stretch.first else 0
    return seen(row.text, first, row.ends[one.stretch.last - 1])


def _nats(row: Mapping[str, list[float]]) -> Nats:
    return np.array(row["nats"], np.float32)


def _said(trace: Mapping[str, str]) -> str:
    return think.join(trace["think"], trace["answer"]) if not trace["fault"] else trace["raw"]


def _bare(row: Mapping[str, str]) -> Text:
    asked: tuple[Message, ...] = ({"role": "user", "content": row["prompt"]},)
    return Text(row["trace_id"], asked, think.join(row["think"], row["answer"]))


def _drawn(texts: list[Text], most: int) -> Iterator[Text]:
    ordered = sorted(texts, key=lambda text: digest(text.key))
    yield from sorted(ordered[:most], key=lambda text: text.key)
