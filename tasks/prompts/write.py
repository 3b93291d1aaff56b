"""The table PROMPTS, from passages and questions."""

import pyarrow as pa

from tasks import rows
from tasks.prompts.family import BARE, PromptSpec
from tasks.prompts.plan import Passage, Planned, Question, Visible, plan
from tasks.prompts.render import render, template_text
from tasks.spec import canonical, digest
from tasks.store import Made

CLOSED_BOOK = "plain"
"""Template of what a closed-book row shows: the question alone."""


def write(passages: pa.Table, questions: pa.Table, spec: PromptSpec) -> Made:
    """Return PROMPTS. A prompt that reads like an earlier one is rejected.

    passages: PASSAGES. questions: QUESTIONS.
    """
    cells: dict[str, str] = {}
    faults: list[tuple[str, str, str]] = []
    tables: list[pa.Table] = []
    fresh: list[dict[str, object]] = []
    for planned in plan(spec, _passages(passages), _questions(questions)):
        row = prompt_of(planned)
        prompt_id, cell = str(row["prompt_id"]), planned.producer.cell
        if first := cells.get(prompt_id):
            faults.append((prompt_id, "duplicate_prompt", f"{cell} reads like {first}"))
            continue
        cells[prompt_id] = cell
        fresh.append(row)
        if len(fresh) == rows.CHUNK_ROWS:
            tables.append(rows.table_of(fresh, rows.PROMPTS))
            fresh = []
    table = pa.concat_tables([*tables, rows.table_of(fresh, rows.PROMPTS)])
    rows_in = len(cells) + len(faults)
    return Made({"prompts": table}, rows.PROMPTS, rows.rejected(faults), rows_in=rows_in)


def prompt_of(planned: Planned) -> dict[str, object]:
    """Return a row of PROMPTS. The template gets only the visible side."""
    messages = render(planned.visible, planned.template)
    return {
        "prompt_id": digest(canonical([dict(message) for message in messages]))[:16],
        "messages": messages,
        "question": planned.visible.question,
        "passage_ids": list(planned.passage_ids),
        "question_id": planned.question_id,
        "general": planned.general,
        "control": planned.control,
        "family": planned.producer.family,
        "cell": planned.producer.cell,
        "canary": planned.producer.canary,
        "notes": list(planned.producer.notes),
        "row_messages": _row_messages(planned),
    }


def _row_messages(planned: Planned) -> list[dict[str, str]]:
    """Return what the row of the corpus shows, if it hides passages that the teacher saw."""
    if not planned.closed_book or planned.control:
        return []
    return render(Visible(planned.visible.question, ()), CLOSED_BOOK)


def templates_digest(spec: PromptSpec) -> str:
    """Return a digest of the texts of all templates in use."""
    names = [*(family.template for family in spec.families), *([BARE] if spec.control else [])]
    closed = [CLOSED_BOOK] if any(family.closed_book for family in spec.families) else []
    return digest(*map(template_text, [*names, *closed]))


def _passages(table: pa.Table) -> list[Passage]:
    names = ["passage_id", "document_id", "section", "heading", "text", "neighbours", "category"]
    lines = table.select(names).to_pylist()
    return [Passage(**row | {"neighbours": tuple(row["neighbours"])}) for row in lines]


def _questions(table: pa.Table) -> list[Question]:
    """Return the questions that may be asked, without the held-out ones."""
    asked = table.filter(pa.compute.field("split") == "train")
    columns = ["question_id", "text", "category", "source", "passage_ids", "notes"]
    return [_question(**row) for row in asked.select(columns).to_pylist()]


def _question(passage_ids: list[str], notes: list[str], **row: str) -> Question:
    return Question(**row, passage_ids=tuple(passage_ids), notes=tuple(notes))
