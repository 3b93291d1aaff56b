"""Make a few rows from the prompt to the verdicts, in a temporary store."""

import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from flows.plan import stored
from flows.recipes.corpus import Recipe
from flows.recipes.models import teachers
from tasks.grounding.task import ground_passages
from tasks.inference.complete import JOURNALS
from tasks.inference.engine import Message
from tasks.inference.warm import WARM
from tasks.progress import watcher
from tasks.prompts.task import write_prompts
from tasks.sources.task import collect_documents, collect_questions
from tasks.store import Table
from tasks.traces.generate import Generated, generate
from tasks.verdicts.case import Case, Verdict
from tasks.verdicts.gates import VerdictSpec, cases_of, judge_case


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


class Preview(NamedTuple):
    """The rows of a preview. tables: of the stages before the traces."""

    tables: tuple[Table, ...]
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
    """Return the recipe with few prompts, one answer per prompt, and no control prompts."""
    families = tuple(one.model_copy(update={"share": 1.0}) for one in recipe.prompts.families)
    plan = {"rows": rows, "families": families, "control": 0.0, "saturation": 1.0}
    prompts = recipe.prompts.model_copy(update=plan)
    traces = recipe.traces.model_copy(update={"samples": 1})
    return recipe.model_copy(update={"prompts": prompts, "traces": traces})


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
    documents = collect_documents.fn(recipe.documents, root)
    questions = collect_questions.fn(recipe.questions, root)
    passages = ground_passages.fn(documents, recipe.grounding, root)
    prompts = write_prompts.fn(passages, questions, recipe.prompts, root)
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
    return Preview((documents, questions, passages, prompts), tuple(rows))


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
