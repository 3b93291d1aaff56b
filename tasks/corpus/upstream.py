"""The tables that a corpus is made from."""

from dataclasses import dataclass

import pyarrow as pa

from tasks import rows
from tasks.store import Table


@dataclass(frozen=True)
class Upstream:
    """The tables the flow hands over."""

    traces: Table
    prompts: Table
    verdicts: Table
    coherence: Table
    passages: Table
    questions: Table
    probe_questions: Table
    gate_checks: Table

    def measured_on(self) -> pa.Table:
        """Return every question, the probe's among those held out: what a student is measured on,
        it must not be taught.
        """
        probe = self.probe_questions.read()
        held_out = pa.array(["held_out"] * probe.num_rows, pa.string())
        return pa.concat_tables(
            [
                self.questions.read(),
                probe.set_column(
                    probe.schema.get_field_index("split"), rows.QUESTIONS.field("split"), held_out
                ),
            ]
        )
