"""The tables from which a corpus is made."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain

import pyarrow as pa

from tasks import rows
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
        probe = self.probe_questions.read()
        held_out = pa.array(["held_out"] * probe.num_rows, pa.string())
        place = probe.schema.get_field_index("split")
        probe = probe.set_column(place, rows.QUESTIONS.field("split"), held_out)
        return pa.concat_tables([self.questions.read(), probe])
