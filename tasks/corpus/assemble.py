"""The corpus from judged traces: select, deduplicate, decontaminate, split, check and describe."""

import json
import logging
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import pyarrow as pa
from pydantic import Field

from tasks import rows
from tasks.corpus.candidate import PROMPT, TRACE, Candidate, Rejection, candidates
from tasks.corpus.card import card
from tasks.corpus.counts import by_reason, control_ids, gate_rejects
from tasks.corpus.decontaminate import without_contaminated
from tasks.corpus.dedup import DedupSpec, without_duplicates
from tasks.corpus.describe import About, Chosen, control_arm, describe
from tasks.corpus.findings import Findings
from tasks.corpus.report import report
from tasks.corpus.select import (
    Selection,
    accepted_arms,
    best_of_n,
    within_share,
)
from tasks.corpus.split import missing, split
from tasks.corpus.suite import SuiteSpec, checked_column, validate
from tasks.corpus.trust import Checked, checked_rows, trust
from tasks.corpus.upstream import Upstream
from tasks.errors import EmptyTable, SuiteFailed, reasons_told
from tasks.held_out import DecontaminationSpec, held_out
from tasks.inference.embedding import MINILM
from tasks.parts import Stream
from tasks.spec import Spec
from tasks.store import Made, Table

log = logging.getLogger(__name__)
CHECKED = ["row_id", "prompt", "think", "answer", "family"]
"""Columns of CORPUS that the suite checks."""


class CorpusSpec(Spec):
    """Which of the passing traces become the corpus."""

    dedup: DedupSpec = DedupSpec()
    """Exact and near duplicates."""
    decontamination: DecontaminationSpec = DecontaminationSpec()
    """How held-out questions are kept out of the corpus."""
    quotas: dict[str, float] = Field(default_factory=dict)
    """Family → its largest share of the rows. Rows above it are left out."""
    validation: float = Field(0.1, ge=0, lt=1)
    """Share of the rows kept for validation, in every family and kind. Rows of one document are all
    in the same split.
    """
    control: bool = False
    """Accept rows of the control arm, which was asked without instructions, into the corpus."""
    suite: SuiteSpec = SuiteSpec()
    """What the finished corpus must satisfy."""
    embedding: str = MINILM
    """Embedding model for the similarity of answers to passages. It must be the model of the
    passages.
    """


@dataclass
class _Funnel:
    """The rows that are still in, and those that were removed."""

    kept: list[Candidate]
    rejected: list[Rejection] = field(default_factory=list)

    def take(self, selection: Selection) -> None:
        self.kept, dropped = selection
        self.rejected += dropped


def assemble(
    upstream: Upstream,
    spec: CorpusSpec,
    about: About,
    *,
    docs: Path,
) -> Made:
    """Return the CORPUS with its card, report and suite results.

    The result is refused if no row is left or the suite fails. docs: folder for the pages of the
    suite.
    """
    passing = _passing(upstream)
    funnel, hits = _select(passing, upstream.all_questions(), spec)
    faults = rows.rejected(
        sorted((one.trace_id, one.reason, one.detail) for one in funnel.rejected)
    )
    if not funnel.kept:
        refused = _nothing_left(upstream, funnel)
        return Made({}, rows.CORPUS, faults, rows_in=len(passing), refused=refused)
    validation = split(funnel.kept, share=spec.validation)
    _warn_of_missing_families(funnel.kept, validation, share=spec.validation)
    checked = checked_rows(funnel.kept, upstream.all_verdicts())
    try:
        columns = _columns(funnel.kept, validation, checked, about.teachers)
        suite = validate(columns, spec.suite, docs=docs)
    except SuiteFailed as exc:
        left = len(funnel.kept)
        return Made({}, rows.CORPUS, faults, rows_in=len(passing), rows_out=left, refused=exc)
    chosen = Chosen(
        kept=funnel.kept,
        rejected=funnel.rejected,
        validation=validation,
        benchmark_hits=hits,
        suite=suite,
        control=control_arm(passing, upstream, accepted=spec.control),
        trust=trust(checked, upstream.gate_checks.read(), upstream.coherence),
    )
    findings = describe(
        chosen,
        upstream,
        about,
        band=(spec.suite.think_min, spec.suite.think_max),
        embedding=spec.embedding,
    )
    return Made(
        {},
        rows.CORPUS,
        faults,
        rows_in=len(passing),
        streams=_splits(funnel.kept, validation, about.teachers),
        attach=lambda folder: _attach(folder, findings),
        pages=("report.html", "card.md", "suite.json"),
    )


def _passing(upstream: Upstream) -> list[Candidate]:
    found = candidates(
        upstream.traces.batches(TRACE),
        upstream.prompts.read(PROMPT),
        upstream.all_verdicts(),
        upstream.passages.read(),
        upstream.questions.read(),
    )
    return list(found)


def _nothing_left(upstream: Upstream, funnel: _Funnel) -> EmptyTable:
    by_gates = reasons_told(gate_rejects(upstream))
    by_corpus = reasons_told(by_reason(funnel.rejected))
    return EmptyTable(
        f"none of {upstream.traces.rows:,} traces is left; rejected by verdicts: {by_gates}; "
        f"by the corpus: {by_corpus}"
    )


def offered_prompts(prompts: Table, spec: CorpusSpec) -> int:
    """Return the number of prompts that may become rows. Prompts of the control arm count only if
    the Spec accepts them.
    """
    return prompts.rows if spec.control else prompts.rows - len(control_ids(prompts))


def _select(
    passing: list[Candidate], questions: pa.Table, spec: CorpusSpec
) -> tuple[_Funnel, Counter[str]]:
    funnel = _Funnel(passing)
    funnel.take(accepted_arms(funnel.kept, control=spec.control))
    funnel.take(best_of_n(funnel.kept))
    funnel.take(without_duplicates(funnel.kept, spec.dedup))
    benchmarks = held_out(questions, spec.decontamination)
    selection, hits = without_contaminated(funnel.kept, benchmarks, spec.decontamination)
    funnel.take(selection)
    for family, share in sorted(spec.quotas.items()):
        funnel.take(within_share(funnel.kept, share=share, belongs=[family]))
    general = sorted({one.family for one in funnel.kept if one.general})
    funnel.take(within_share(funnel.kept, share=spec.suite.general_max, belongs=general))
    return funnel, hits


def _warn_of_missing_families(kept: list[Candidate], validation: set[str], *, share: float) -> None:
    """Log the families without rows in a split. Metrics on this split do not measure them."""
    if share and not validation:
        log.warning(
            "the validation split is empty: all %d rows share documents or texts, so none of them "
            "is independent of the training rows; give the corpus a second document",
            len(kept),
        )
        return
    for name, families in missing(kept, validation).items():
        if families and validation:
            log.warning(
                "the %s split holds no row of %s: the family has only one group of related rows, "
                "or all its groups are too large for the split",
                name,
                ", ".join(families),
            )


def _columns(
    kept: list[Candidate], validation: set[str], checked: Checked, teachers: Mapping[str, str]
) -> dict[str, pa.ChunkedArray]:
    """Return the columns that the suite checks. Texts that it does not check are dropped while the
    rows are made.
    """
    made = pa.concat_tables([one.select(CHECKED) for one in _tables(kept, teachers)])
    columns = dict(zip(CHECKED, made.columns, strict=True))
    splits = ["validation" if one.trace_id in validation else "train" for one in kept]
    flags = {
        "general": [int(one.general) for one in kept],
        "verified": [int(one.known_answer) for one in kept],
        "split": splits,
    }
    flags |= {checked_column(gate): marks.astype(int) for gate, marks in checked.items()}
    return columns | {name: pa.chunked_array([values]) for name, values in flags.items()}


def _splits(
    kept: list[Candidate], validation: set[str], teachers: Mapping[str, str]
) -> dict[str, Stream]:
    """Return split → rows. `datasets.load_dataset` takes the names of the splits from the file
    names.
    """
    train = [one for one in kept if one.trace_id not in validation]
    held = [one for one in kept if one.trace_id in validation]
    named = {"train": train} | ({"validation": held} if held else {})
    return {
        name: Stream(len(several), partial(_tables, several, teachers))
        for name, several in named.items()
    }


def _tables(found: list[Candidate], teachers: Mapping[str, str]) -> Iterator[pa.Table]:
    """Yield the rows as tables of CORPUS. Only the rows of one table are Python objects at a
    time.
    """
    for low in range(0, max(1, len(found)), rows.CHUNK_ROWS):
        several = found[low : low + rows.CHUNK_ROWS]
        yield rows.table_of([one.row(teachers) for one in several], rows.CORPUS)


def _attach(folder: Path, findings: Findings) -> None:
    (folder / "card.md").write_text(card(findings), encoding="utf-8")
    (folder / "report.html").write_text(report(findings), encoding="utf-8")
    lines = [line._asdict() for line in findings.suite]
    suite = json.dumps(lines, indent=1, sort_keys=True, default=str)
    (folder / "suite.json").write_text(suite + "\n", encoding="utf-8")
