"""Make a few rows from the prompt to the verdicts, in a temporary store."""

import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from flows.chains import Sources, questions_of
from flows.clock import WithoutPrefect
from flows.plan import stored
from flows.recipes.chains import chains_of
from flows.recipes.corpus import Recipe
from flows.recipes.models import teachers
from tasks.chains.item import items_of
from tasks.grounding.task import ground_passages
from tasks.inference.complete import JOURNALS
from tasks.inference.engine import Message
from tasks.inference.warm import WARM
from tasks.progress import watcher
from tasks.prompts.family import CHAIN, PromptSpec
from tasks.prompts.task import write_prompts
from tasks.sources.task import collect_documents, collect_questions
from tasks.store import Table
from tasks.traces.generate import Generated, generate
from tasks.verdicts.case import Case, Verdict
from tasks.verdicts.gates import VerdictSpec, cases_of, judge_case

SHOWN = 3
"""Items of a step, and lost items, that a preview shows."""
ROOTS = 2
"""Roots of a chain for each row of the preview; filters remove some."""


class Previewed(NamedTuple):
    """One row: its prompt, the answer, and the verdicts of the gates.

    lost: why the answer cannot be a trace, "" if it can. A lost row has no text and no verdicts.
    """

    family: str
    messages: tuple[Message, ...]
    think: str = ""
    answer: str = ""
    verdicts: tuple[Verdict, ...] = ()
    lost: str = ""

    @property
    def passed(self) -> bool:
        """Whether the row passes every gate."""
        return not self.lost and not any(one.failed for one in self.verdicts)


class PreviewedStage(NamedTuple):
    """A stage of a preview. wrote: what a step of a chain wrote for some items. lost: some of its
    lost items with their reasons.
    """

    name: str
    digest: str
    rows: int
    rejected: Mapping[str, int]
    wrote: tuple[str, ...] = ()
    lost: tuple[str, ...] = ()


class Preview(NamedTuple):
    """The rows of a preview. stages: before the traces."""

    stages: tuple[PreviewedStage, ...]
    rows: tuple[Previewed, ...]


def preview(recipe: Recipe, root: Path, *, rows: int) -> Preview:
    """Return a few rows of the recipe with their traces and verdicts. The store does not change.

    rows: number of prompts, the same for each family. root: folder of the store; documents and
    passages that it has are used.
    """
    with tempfile.TemporaryDirectory(prefix="tracemill-preview-") as folder, WARM:
        scratch = Path(folder)
        _link(recipe, root.absolute(), scratch)
        return _previewed(few_rows(recipe, rows), scratch)


def few_rows(recipe: Recipe, rows: int) -> Recipe:
    """Return the recipe with few prompts, one answer per prompt, no control prompts, and chains
    that begin with few roots.
    """
    families = tuple(one.model_copy(update={"share": 1.0}) for one in recipe.prompts.families)
    plan = {"rows": rows, "families": families, "control": 0.0, "saturation": 1.0}
    prompts = recipe.prompts.model_copy(update=plan)
    traces = recipe.traces.model_copy(update={"samples": 1})
    begins = {"most": ROOTS * rows}
    chains = tuple(
        one.model_copy(update={"where": one.where.model_copy(update=begins)})
        for one in chains_of(recipe)
    )
    return recipe.model_copy(update={"prompts": prompts, "traces": traces, "chains": chains})


def _link(recipe: Recipe, root: Path, scratch: Path) -> None:
    """Link documents and passages of the store into the temporary store."""
    documents = stored.documents(recipe, root) if (root / "documents").is_dir() else None
    passages = stored.passages(recipe, root, documents) if documents else None
    for table in (documents, passages):
        if table:
            place = scratch / table.path.relative_to(root)
            place.parent.mkdir(parents=True)
            place.symlink_to(table.path, target_is_directory=True)


def _previewed(recipe: Recipe, root: Path) -> Preview:
    """Return the preview, made by the stages as plain functions, without Prefect.

    Answers and verdicts are not published as tables, because the store refuses a table without an
    accepted row, and a preview has to show rejected rows too.
    """
    stages = WithoutPrefect()
    documents = stages.run(collect_documents, recipe.documents, root)
    questions = stages.run(collect_questions, recipe.questions, root)
    passages = stages.run(ground_passages, documents, recipe.grounding, root)
    if recipe.chains:
        probe = collect_questions.fn(recipe.probe.questions, root)
        questions = questions_of(
            recipe, root, stages, Sources(questions, probe, passages)
        ).questions
    plan = _askable(recipe.prompts, questions)
    prompts = stages.run(write_prompts, passages, questions, plan, root)
    made = generate(
        prompts.read(),
        recipe.traces,
        teachers(recipe)[:1],
        journals=root / JOURNALS,
        progress=watcher(),
    )
    cases = cases_of(made.traces.to_batches(), prompts.read(), passages.read(), questions.read())
    judged = {one.trace_id: one for one in cases}
    rows = _rows(prompts, made, judged, recipe.verdicts)
    return Preview(tuple(_stage(*one) for one in stages.tables), tuple(rows))


def _stage(name: str, table: Table) -> PreviewedStage:
    stage = PreviewedStage(name, table.digest, table.rows_out, table.rejected)
    if table.stage != "items":
        return stage
    lost = table.read_rejected().slice(0, SHOWN).to_pylist()
    return stage._replace(
        wrote=tuple(
            f"{path} = {value.text}"
            for item in items_of(table.read().slice(0, SHOWN))
            for path, value in item.written.items()
        ),
        lost=tuple(f"{one['reason']}: {one['detail']}" for one in lost),
    )


def _askable(spec: PromptSpec, questions: Table) -> PromptSpec:
    """Return the plan with no more rows than a family's chain has given questions for."""
    given = Counter(questions.read(["source"])["source"].to_pylist())
    fewest = [given[f"{CHAIN}{one.chain}"] for one in spec.families if one.ground == "chain"]
    rows = min([spec.rows, *(count * len(spec.families) for count in fewest)])
    return spec.model_copy(update={"rows": max(1, rows)})


def _rows(
    prompts: Table, made: Generated, cases: Mapping[str, Case], spec: VerdictSpec
) -> Iterator[Previewed]:
    """Yield every prompt with its answer and verdicts, in the order of the plan."""
    answered = {row["prompt_id"]: row["trace_id"] for row in made.traces.to_pylist()}
    lost = {row["parent_id"]: row["reason"] for row in made.rejected.to_pylist()}
    planned = prompts.read(["prompt_id", "family", "messages"]).to_pylist()
    families = frozenset(row["family"] for row in planned)
    for row in planned:
        prompt = Previewed(row["family"], tuple(row["messages"]))
        if row["prompt_id"] not in answered:
            yield prompt._replace(lost=lost[row["prompt_id"]])
            continue
        case = cases[answered[row["prompt_id"]]]
        verdicts = tuple(judge_case(case, spec, families))
        yield prompt._replace(think=case.think, answer=case.answer, verdicts=verdicts)
