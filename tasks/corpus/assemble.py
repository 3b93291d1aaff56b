"""From judged traces to the corpus: selected, deduplicated, decontaminated, split, checked,
described.
"""

import json
import logging
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pyarrow as pa
from pydantic import Field

from tasks import rows
from tasks.corpus.candidate import TRACE, Candidate, Rejection, candidates
from tasks.corpus.card import card
from tasks.corpus.decontaminate import DecontaminationSpec, held_out, without_contaminated
from tasks.corpus.dedup import DedupSpec, without_duplicates
from tasks.corpus.findings import ControlArm, Example, Findings
from tasks.corpus.report import report
from tasks.corpus.select import (
    CONTROL,
    Selection,
    accepted_arms,
    best_of_n,
    within_share,
)
from tasks.corpus.similarity import similarities
from tasks.corpus.split import missing, split
from tasks.corpus.suite import SuiteSpec, checked_column, validate
from tasks.corpus.trust import Trust, checked_rows, trust
from tasks.corpus.upstream import Upstream
from tasks.errors import EmptyTable, SuiteFailed
from tasks.inference.embedding import MINILM
from tasks.spec import Spec
from tasks.store import Made, Table

log = logging.getLogger(__name__)
CHECKED = ["row_id", "prompt", "think", "answer", "family"]


class CorpusSpec(Spec):
    """What of the passing traces becomes the corpus."""

    dedup: DedupSpec = DedupSpec()
    """Exact and near duplicates."""
    decontamination: DecontaminationSpec = DecontaminationSpec()
    """Held-out questions."""
    quotas: dict[str, float] = Field(default_factory=dict)
    """Largest share of a family; what is above it is left out."""
    validation: float = Field(0.1, ge=0, lt=1)
    """Share of rows kept for validation, of every family and kind; a document is never in both."""
    control: bool = False
    """Accept rows of the control arm, which answers bare prompts, into the corpus."""
    suite: SuiteSpec = SuiteSpec()
    """What the corpus must be as a whole."""
    embedding: str = MINILM
    """Embedding model for the similarity of answers to passages; it must be the passages' own
    model.
    """


@dataclass
class _Line:
    """The rows still on the line, and those taken off it."""

    kept: list[Candidate]
    rejected: list[Rejection] = field(default_factory=list)

    def take(self, selection: Selection) -> None:
        self.kept, dropped = selection
        self.rejected += dropped


def assemble(
    upstream: Upstream,
    spec: CorpusSpec,
    *,
    name: str,
    teachers: Mapping[str, str],
    judge: str,
    docs: Path,
    trusting: str = "",
    fingerprint: str = "",
) -> Made:
    """Return the corpus with card, report and suite results beside it; refused when it is not what
    the Spec says.
    """
    verdicts = pa.concat_tables([upstream.verdicts.read(), upstream.coherence.read()])
    passing = list(
        candidates(
            upstream.traces.batches(TRACE),
            upstream.prompts.read(),
            verdicts,
            upstream.passages.read(),
            upstream.questions.read(),
        )
    )
    line, hits = _select(passing, upstream.measured_on(), spec)
    faults = rows.rejected(sorted((one.trace_id, one.reason, one.detail) for one in line.rejected))
    if not line.kept:
        empty = EmptyTable(
            f"none of {upstream.traces.rows:,} traces is left; rejected by verdicts: "
            f"{rows.reasons_told(_gate_rejects(upstream))}; by the corpus: "
            f"{rows.reasons_told(_reasons(line))}"
        )
        return Made({}, rows.CORPUS, faults, rows_in=len(passing), refused=empty)
    validation = split(line.kept, share=spec.validation)
    _say_missing(line.kept, validation, share=spec.validation)
    parts = _parts(line.kept, validation, teachers)
    try:
        suite = validate(_columns(line.kept, validation, verdicts, teachers), spec.suite, docs=docs)
    except SuiteFailed as exc:
        return Made(parts, rows.CORPUS, faults, rows_in=len(passing), refused=exc)
    arm = _control_arm(passing, upstream, spec)
    findings = _findings(
        line,
        upstream,
        spec,
        arm,
        name=name,
        teacher=", ".join(sorted(set(teachers.values()))),
        judge=judge,
        trusting=trusting,
        fingerprint=fingerprint,
        suite=suite,
        hits=hits,
        validation=validation,
        trusted=trust(line.kept, verdicts, upstream.gate_checks.read(), upstream.coherence),
    )
    return Made(
        parts,
        rows.CORPUS,
        faults,
        rows_in=len(passing),
        attach=lambda folder: _attach(folder, findings),
        pages=("report.html", "card.md", "suite.json"),
    )


def offered_prompts(prompts: Table, spec: CorpusSpec) -> int:
    """Return how many prompts could make a row of the corpus: the control arm's only where the Spec
    accepts them.
    """
    return prompts.rows if spec.control else prompts.rows - len(_bare(prompts))


def _select(
    passing: list[Candidate], questions: pa.Table, spec: CorpusSpec
) -> tuple[_Line, Counter[str]]:
    line = _Line(passing)
    line.take(accepted_arms(line.kept, control=spec.control))
    line.take(best_of_n(line.kept))
    line.take(without_duplicates(line.kept, spec.dedup))
    selection, hits = without_contaminated(
        line.kept, held_out(questions, spec.decontamination), spec.decontamination
    )
    line.take(selection)
    for family, share in sorted(spec.quotas.items()):
        line.take(within_share(line.kept, share=share, belongs=[family]))
    general = sorted({one.family for one in line.kept if one.general})
    line.take(within_share(line.kept, share=spec.suite.general_max, belongs=general))
    return line, hits


def _say_missing(kept: list[Candidate], validation: set[str], *, share: float) -> None:
    """Log the families that a split lacks: what is measured on it says nothing about them."""
    if share and not validation:
        log.warning(
            "the validation split is empty: all %d rows share documents or texts, so none can be "
            "kept apart from training; give the corpus a second document",
            len(kept),
        )
        return
    for name, families in missing(kept, validation).items():
        if families and validation:
            log.warning(
                "the %s split holds no row of %s: every group of its rows is too large to part, "
                "or it has one group alone",
                name,
                ", ".join(families),
            )


def _columns(
    kept: list[Candidate],
    validation: set[str],
    verdicts: pa.Table,
    teachers: Mapping[str, str],
) -> dict[str, list[object]]:
    made = pa.concat_tables(_tables(kept, teachers)).select(CHECKED)
    columns: dict[str, list[object]] = {column: made[column].to_pylist() for column in CHECKED}
    columns["general"] = [int(one.general) for one in kept]
    columns["verified"] = [int(one.known_answer) for one in kept]
    columns["split"] = ["validation" if one.trace_id in validation else "train" for one in kept]
    for gate, checked in checked_rows(verdicts).items():
        columns[checked_column(gate)] = [int(one.trace_id in checked) for one in kept]
    return columns


def _parts(
    kept: list[Candidate], validation: set[str], teachers: Mapping[str, str]
) -> dict[str, pa.Table]:
    """Return the splits; the file names are what `datasets.load_dataset` reads splits from."""
    train = [one for one in kept if one.trace_id not in validation]
    held = [one for one in kept if one.trace_id in validation]
    parts = {"train": pa.concat_tables(_tables(train, teachers))}
    return parts | ({"validation": pa.concat_tables(_tables(held, teachers))} if held else {})


def _tables(found: list[Candidate], teachers: Mapping[str, str]) -> Iterator[pa.Table]:
    """Yield the rows as tables of the corpus; only one table's rows are Python objects at a time."""
    for low in range(0, max(1, len(found)), rows.CHUNK_ROWS):
        several = found[low : low + rows.CHUNK_ROWS]
        yield rows.table_of([one.row(teachers) for one in several], rows.CORPUS)


def _findings(
    line: _Line,
    upstream: Upstream,
    spec: CorpusSpec,
    arm: ControlArm,
    *,
    name: str,
    teacher: str,
    judge: str,
    trusting: str,
    fingerprint: str,
    suite: list[dict[str, object]],
    hits: Counter[str],
    validation: set[str],
    trusted: Trust,
) -> Findings:
    kept = line.kept
    return Findings(
        name=name,
        teacher=teacher,
        prompts=upstream.prompts.rows,
        asked=upstream.traces.rows_in,
        trace_rejects=dict(upstream.traces.rejected),
        verdict_rejects=_gate_rejects(upstream),
        corpus_rejects=_selected_out(line),
        passing=upstream.coherence.rows_out,
        judge=judge,
        trusting=trusting,
        fingerprint=fingerprint,
        control=arm,
        rows=len(kept),
        validation=len(validation),
        families=dict(sorted(Counter(one.family for one in kept).items())),
        general=sum(one.general for one in kept),
        verified=sum(one.known_answer for one in kept),
        think_lengths=[len(one.trace["think"]) for one in kept],
        band=(spec.suite.think_min, spec.suite.think_max),
        similarities=similarities(kept, upstream.passages.path, spec.embedding),
        benchmark_hits=dict(sorted(hits.items())),
        sources=_sources(kept),
        suite=suite,
        examples=_examples(kept),
        trust=trusted,
    )


def _gate_rejects(upstream: Upstream) -> dict[str, int]:
    return dict(upstream.verdicts.rejected) | dict(upstream.coherence.rejected)


def _control_arm(passing: list[Candidate], upstream: Upstream, spec: CorpusSpec) -> ControlArm:
    bare = _bare(upstream.prompts)
    traces = sum(
        prompt_id in bare
        for prompt_id in upstream.traces.read(["prompt_id"])["prompt_id"].to_pylist()
    )
    return ControlArm(len(bare), traces, sum(one.control for one in passing), accepted=spec.control)


def _bare(prompts: Table) -> set[str]:
    """Return the ids of the control arm's prompts."""
    return {
        row["prompt_id"]
        for row in prompts.read(["prompt_id", "control"]).to_pylist()
        if row["control"]
    }


def _examples(kept: list[Candidate]) -> list[Example]:
    """Return the first row of every family."""
    first = {one.family: one for one in reversed(kept)}
    return [
        Example(family, one.question, one.trace["think"], one.trace["answer"])
        for family, one in sorted(first.items())
    ]


def _sources(kept: list[Candidate]) -> dict[tuple[str, str], int]:
    """Return (source, licence) → rows that stand on it."""
    counted: Counter[tuple[str, str]] = Counter()
    for one in kept:
        counted.update(
            {(source["source"].split("#")[0], source["licence"]) for source in one.sources}
        )
    return dict(sorted(counted.items()))


def _reasons(line: _Line) -> dict[str, int]:
    return dict(sorted(Counter(one.reason for one in line.rejected).items()))


def _selected_out(line: _Line) -> dict[str, int]:
    """Return reason → rows without the control arm's, of which card and report tell apart."""
    return {reason: count for reason, count in _reasons(line).items() if reason != CONTROL}


def _attach(folder: Path, findings: Findings) -> None:
    (folder / "card.md").write_text(card(findings), encoding="utf-8")
    (folder / "report.html").write_text(report(findings), encoding="utf-8")
    (folder / "suite.json").write_text(
        json.dumps(findings.suite, indent=1, sort_keys=True, default=str) + "\n", encoding="utf-8"
    )
