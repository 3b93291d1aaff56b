"""The judge's opinions as a table: what a model makes of a sample of the traces that passed every
gate.
"""

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from tasks import rows
from tasks.critique.agreement import Judgement
from tasks.critique.coherence import CoherenceSpec, Judged, judge_coherence
from tasks.inference.engine import NamedModel
from tasks.store import Made, Table
from tasks.verdicts.case import FAILED
from tasks.verdicts.gates import cases_of

AGREEMENT = "agreement.json"


def opinions_table(
    traces: pa.Table,
    prompts: pa.Table,
    passages: pa.Table,
    questions: pa.Table,
    verdicts: pa.Table,
    spec: CoherenceSpec,
    judge: NamedModel,
    *,
    journals: Path,
) -> Made:
    """Return a row of VERDICTS for every trace of the sample; what the judge is worth lies beside
    it.
    """
    failed = verdicts.filter(pa.compute.field("state") == FAILED)["trace_id"]
    passing = traces.filter(pa.compute.invert(pa.compute.is_in(traces["trace_id"], failed)))
    batches = passing.to_batches(rows.CHUNK_ROWS)
    cases = list(cases_of(batches, prompts, passages, questions))
    judged = judge_coherence(cases, spec, judge, journals=journals, traces=traces.num_rows)
    return _made(judged, passing.num_rows)


def nobody_asked(passing: int, spec: CoherenceSpec, judge: NamedModel, journals: Path) -> Made:
    """Return the table of a recipe that asks no judge. passing: traces that passed every gate."""
    return _made(judge_coherence([], spec, judge, journals=journals), passing)


def _made(judged: Judged, passing: int) -> Made:
    made = [{"trace_id": trace_id, **one.columns()} for trace_id, one in judged.verdicts.items()]
    faults = [
        (trace_id, one.reason, one.gate) for trace_id, one in judged.verdicts.items() if one.failed
    ]
    return Made(
        {"coherence": rows.table_of(made, rows.VERDICTS)},
        rows.VERDICTS,
        rows.rejected(faults),
        rows_in=passing,
        rows_out=passing - len(faults),
        may_be_empty=True,
        attach=lambda folder: _attach(folder, judged),
    )


def sentence(opinions: Table) -> str:
    """Return what the judge is worth and what it said; "" when nobody was asked."""
    told: str = (
        json.loads((opinions.path / AGREEMENT).read_bytes())["sentence"] if opinions.rows else ""
    )
    return told


def _attach(folder: Path, judged: Judged) -> None:
    told = {
        "sentence": judged.sentence(),
        "trusted": judged.trusted,
        "asked": judged.asked,
        "called": judged.called,
        "abstained": judged.abstained,
        "plants": vars(judged.agreement),
        "precision": judged.agreement.precision,
        "recall": judged.agreement.recall,
        "precision_interval": list(judged.agreement.interval),
        "false_alarms": judged.agreement.false_alarms,
    }
    (folder / AGREEMENT).write_text(
        json.dumps(told, indent=1, sort_keys=True) + "\n", encoding="utf-8"
    )
    checks = rows.table_of(list(_counted(judged.faulty)), rows.JUDGE_CHECKS)
    pq.write_table(checks, folder / rows.JUDGE_CHECKS_FILE)


def _counted(faulty: Sequence[Judgement]) -> Iterator[dict[str, str | int]]:
    """Yield a row of JUDGE_CHECKS for every kind of fault in every family."""
    said = Counter((one.plant.case.family, one.plant.kind, one.opinion) for one in faulty)
    for family, fault in sorted({(family, fault) for family, fault, _ in said}):
        own = {
            opinion: number for (*cell, opinion), number in said.items() if cell == [family, fault]
        }
        yield {
            "family": family,
            "fault": fault,
            "planted": sum(own.values()),
            "found": own.get("incoherent", 0),
            "abstained": own.get("abstained", 0),
        }
