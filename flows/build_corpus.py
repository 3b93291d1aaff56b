"""The flow build-corpus: from documents to a verified corpus."""

import json
import logging
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from prefect import flow, get_run_logger
from prefect.context import FlowRunContext
from pydantic import BaseModel

from flows.chains import Sources, questions_of
from flows.clock import Clock, StageLine
from flows.ending import telling
from flows.plan import stored
from flows.plan.fault import Fault, refuse
from flows.plan.plan import of_settings, of_supply
from flows.plan.supply import of_tables
from flows.prune import prune
from flows.recipes.corpus import Recipe
from flows.recipes.load import Overlay, Root, laid_over
from flows.recipes.models import judge as judge_of
from flows.recipes.models import teachers, trusting
from flows.seen import PUBLISHED, announce, announce_broken, leave_changes, leave_links, remember
from tasks.audit.task import audit_traces, refuse_leaky_traces, score_traces
from tasks.audit.traces import PAGE
from tasks.corpus.assemble import offered_prompts
from tasks.corpus.describe import About
from tasks.corpus.findings import ChainLine
from tasks.corpus.task import assemble_corpus, data_docs
from tasks.corpus.trust import weak_spots
from tasks.corpus.upstream import Upstream
from tasks.critique.opinions import sentence
from tasks.critique.task import judge_coherence
from tasks.files import replace_text
from tasks.grounding.task import ground_passages
from tasks.inference.warm import WARM
from tasks.prompts.task import write_prompts
from tasks.sources.task import collect_documents, collect_questions
from tasks.store import Table
from tasks.traces.baseline import distinct_traces, earlier
from tasks.traces.task import RUNS, generate_traces, keep_baseline
from tasks.verdicts.task import judge_traces, measure_gates

SUMMARIES = "summaries"
"""Folder below the root with the latest summary of every corpus, by its fingerprint."""


class Summary(BaseModel):
    """The result of a build and the paths of its files.

    yield_: corpus rows per prompt; control prompts count only if the recipe accepts their rows.
    baseline_rows: control traces of this build and of earlier ones. judge: a sentence about the
    quality of the coherence judge, "" without a judge. weak_gates: planted faults of which the
    gates find less than half, "" for none. requests, tokens_per_second: of this run only. style:
    measures of the corpus by name. tables: all tables it was made from, as stage/fingerprint.
    """

    stages: list[StageLine]
    corpus: str
    rows: int
    yield_: float
    baseline_rows: int
    tokens_per_second: float
    requests: int
    fingerprint: str
    judge: str
    weak_gates: str = ""
    audit: str
    report: str
    card: str
    summary: str
    rejected: str
    data_docs: str
    style: dict[str, float]
    tables: list[str]

    def as_json(self) -> str:
        """Return the summary as JSON for scripts, in which `yield_` is named `yield`."""
        tree = self.model_dump()
        named = {("yield" if name == "yield_" else name): value for name, value in tree.items()}
        return json.dumps(named, indent=1) + "\n"


@dataclass(frozen=True)
class Built:
    """The tables of a build that training and probe need."""

    passages: Table
    prompts: Table
    traces: Table
    baselines: tuple[Table, ...]
    audits: Table
    corpus: Table
    probe_questions: Table
    judge: str
    weak_gates: str


@flow(name="build-corpus", on_failure=[announce_broken])
def build_corpus(recipe: Recipe, root: Root = Path("mill"), settings: Overlay = ()) -> Summary:
    """Build the corpus of a recipe. Tables that the store already has are not made again."""
    recipe, root, clock = laid_over(recipe, settings), root.absolute(), Clock()
    with telling(clock), WARM:
        return summary(recipe, build(recipe, root, clock), root, clock)


class Written(NamedTuple):
    """The tables up to the prompts; only chains need a model for them."""

    questions: Table
    probe_questions: Table
    passages: Table
    prompts: Table
    chains: tuple[ChainLine, ...] = ()


def write(
    recipe: Recipe, root: Path, clock: Clock, *, ahead: Callable[[], None] | None = None
) -> Written:
    """Return the tables up to the prompts, made by stages of the running flow.

    ahead: a function that starts other work; called before passages are made, if the store lacks
    them. Raises RecipeFaults for wrong settings, and, before anything is embedded, for documents
    that cannot give as many prompts as the recipe wants.
    """
    _check(recipe, of_settings(recipe))
    documents = clock.run(collect_documents, recipe.documents, root)
    questions = clock.run(collect_questions, recipe.questions, root)
    probe_questions = clock.run(collect_questions, recipe.probe.questions, root)
    sources = (documents.read(), questions.read(), probe_questions.read())
    _check(recipe, of_supply(recipe, of_tables(*sources, recipe.grounding)))
    if ahead and not stored.passages(recipe, root, documents):
        ahead()
    passages = clock.run(ground_passages, documents, recipe.grounding, root)
    asked = questions_of(recipe, root, clock, Sources(questions, probe_questions, passages))
    prompts = clock.run(write_prompts, passages, asked.questions, recipe.prompts, root)
    return Written(asked.questions, probe_questions, passages, prompts, asked.steps)


def _check(recipe: Recipe, faults: Sequence[Fault]) -> None:
    """Log every warning of the plan; raise RecipeFaults for faults that stop a build.

    The log level is INFO, because the command has already shown the warnings on the terminal.
    """
    log = get_run_logger() if FlowRunContext.get() else logging.getLogger(__name__)
    for fault in faults:
        if not fault.stops:
            log.info("warning: %s", fault)
    refuse(recipe.name, faults)


def build(recipe: Recipe, root: Path, clock: Clock) -> Built:
    """Return the tables up to the corpus, made by stages of the running flow."""
    with_code = ", ".join(trusting(recipe))
    _warn_of_foreign_code(with_code)
    asked = teachers(recipe)
    first = asked[0]
    written = write(recipe, root, clock, ahead=lambda: WARM.begin(first.model, first.placement))
    prompts = written.prompts
    traces = clock.run(generate_traces, prompts, recipe.traces, asked, root)
    own = clock.run(keep_baseline, traces, prompts, asked, root, recipe.name)
    baselines = (own, *earlier(root, own, batch=traces.rows - own.rows_in))
    scores = _scores(recipe, root, clock, traces=traces, prompts=prompts, baselines=baselines)
    audits = clock.run(
        audit_traces, traces, prompts, baselines, recipe.audit, root, recipe.name, scores
    )
    refuse_leaky_traces(audits, recipe.audit)
    upstream = _judged(recipe, root, clock, written=written, traces=traces, audits=audits)
    judge = sentence(upstream.coherence)
    answering = {one.name: one.model.model for one in asked}
    about = About(recipe.name, answering, judge, with_code, chains=written.chains)
    corpus = clock.run(assemble_corpus, upstream, recipe.corpus, root, about)
    return Built(
        passages=written.passages,
        prompts=prompts,
        traces=traces,
        baselines=baselines,
        audits=audits,
        corpus=corpus,
        probe_questions=written.probe_questions,
        judge=judge,
        weak_gates=weak_spots(upstream.gate_checks.read()),
    )


def _warn_of_foreign_code(models: str) -> None:
    """Log which models run code of their own; "" for none."""
    if models:
        get_run_logger().warning(
            "trust_remote_code is on for %s: code of the model's repository runs here, with all "
            "your permissions",
            models,
        )


def _judged(
    recipe: Recipe, root: Path, clock: Clock, *, written: Written, traces: Table, audits: Table
) -> Upstream:
    """Return the tables that a corpus is made from: what gates and judge say of the traces, and
    what the gates are worth.
    """
    shown = (traces, written.prompts, written.passages, written.questions)
    verdicts = clock.run(judge_traces, *shown, audits, recipe.verdicts, root)
    gate_checks = clock.run(measure_gates, *shown, verdicts, recipe.verdicts, root)
    judge = judge_of(recipe, recipe.coherence)
    coherence = clock.run(judge_coherence, *shown, verdicts, recipe.coherence, judge, root)
    return Upstream(
        traces=traces,
        prompts=written.prompts,
        verdicts=verdicts,
        coherence=coherence,
        passages=written.passages,
        questions=written.questions,
        probe_questions=written.probe_questions,
        gate_checks=gate_checks,
    )


def _scores(
    recipe: Recipe,
    root: Path,
    clock: Clock,
    *,
    traces: Table,
    prompts: Table,
    baselines: tuple[Table, ...],
) -> Table | None:
    """Return the teacher's scores of its traces; None if the recipe does not want them."""
    spec = recipe.audit.surprise
    if not spec.traces:
        return None
    (teacher,) = teachers(recipe)
    return clock.run(
        score_traces, traces, prompts, baselines, spec, teacher.model, teacher.placement, root
    )


def summary(recipe: Recipe, built: Built, root: Path, clock: Clock) -> Summary:
    """Return the summary of a build; also write it below the root and show it in Prefect."""
    run, corpus = RUNS.pop(built.traces.fingerprint, None), built.corpus
    made = Summary(
        stages=clock.lines,
        corpus=str(corpus.path),
        rows=corpus.rows,
        yield_=round(corpus.rows / offered_prompts(built.prompts, recipe.corpus), 4),
        baseline_rows=distinct_traces(built.baselines),
        tokens_per_second=(
            round(run.completion_tokens / run.seconds, 1) if run and run.seconds else 0.0
        ),
        requests=run.requests if run else 0,
        fingerprint=corpus.fingerprint,
        judge=built.judge,
        weak_gates=built.weak_gates,
        audit=str(built.audits.path / PAGE),
        report=str(corpus.path / "report.html"),
        card=str(corpus.path / "card.md"),
        summary=str(summary_file(root, corpus.fingerprint)),
        rejected=str(corpus.path / "rejected.parquet"),
        data_docs=str(data_docs(root, corpus.fingerprint) / "index.html"),
        style=style(corpus.read(["think", "answer", "family"])),
        tables=[
            *clock.tables,
            *(table.path.relative_to(root).as_posix() for table in built.baselines),
        ],
    )
    _keep(made)
    _show(recipe, made, root)
    return made


def summary_file(root: Path, fingerprint: str) -> Path:
    """Return the path of a corpus' summary.

    It is outside of the table, because it has facts about a run.
    """
    return root / SUMMARIES / f"{fingerprint}.json"


def _keep(made: Summary) -> None:
    place = Path(made.summary)
    place.parent.mkdir(exist_ok=True)
    replace_text(place, made.as_json())


def style(rows: pa.Table) -> dict[str, float]:
    """Return measures of a corpus by name, to show drift: lengths and the share of each family.

    rows: CORPUS with think, answer and family. Lengths are in characters.
    """
    lengths = {}
    for column in ("think", "answer"):
        characters = pc.utf8_length(rows[column])
        for name, at in (("median", 0.5), ("longest tenth", 0.9)):
            length = float(np.quantile(characters, at))
            lengths[f"{column} characters, {name}"] = round(length, 1)
    families = Counter(rows["family"].to_pylist())
    return lengths | {
        f"family {name}": round(count / rows.num_rows, 4)
        for name, count in sorted(families.items())
    }


def _show(recipe: Recipe, made: Summary, root: Path) -> None:
    """Record the build, prune the store, and show changes, links and an event in Prefect."""
    summary = json.loads(made.as_json())
    keep = recipe.placement.keep
    ledger = remember(root, recipe.name, summary, builds=keep.builds)
    prune(root, days=keep.days)
    leave_changes(ledger.before, summary)
    leave_links(root, {page: summary[page] for page in ("report", "audit", "data_docs")})
    if ledger.new:
        announce(PUBLISHED, recipe.name, made.fingerprint, rows=made.rows, corpus=made.corpus)
