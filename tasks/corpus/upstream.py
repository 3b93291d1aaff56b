"""The tables from which a corpus is made."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain

import pyarrow as pa

from tasks.held_out import as_held_out
from tasks.store import Table


@dataclass(frozen=True)
class Upstream:
    """The input tables of the corpus stage."""

    traces: Table
    prompts: Table
    verdicts: Table
    coherence: Table
    passages: Table
    questions: Table
    probe_questions: Table
    gate_checks: Table

    def all_verdicts(self) -> Iterator[pa.RecordBatch]:
        """Yield the verdicts of the gates, then those of the judge, in batches."""
        return chain(self.verdicts.batches(), self.coherence.batches())

    def all_questions(self) -> pa.Table:
        """Return all questions, with the probe's questions marked as held out. A student must not
        be trained on the questions that measure it.
        """
        probe = as_held_out(self.probe_questions.read())
        return pa.concat_tables([self.questions.read(), probe])
