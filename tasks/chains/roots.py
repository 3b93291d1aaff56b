"""The roots of a chain as items: passages, ready questions, or empty items to begin with."""

from collections.abc import Iterator

import pyarrow as pa

from tasks.chains.chain import Where
from tasks.chains.item import Item, Value
from tasks.spec import digest, draw_seed
from tasks.trace_context import Row

ROOTS_OF_NOTHING = 20
"""Roots of a chain that begins with nothing and sets no number."""


def root_items(
    passages: pa.Table, questions: pa.Table, begins: str, where: Where, seed: int
) -> list[Item]:
    """Return the roots of a chain. passages: PASSAGES. questions: QUESTIONS; those that are held
    out are left out.
    """
    if begins == "nothing":
        return [_empty(number) for number in range(where.most or ROOTS_OF_NOTHING)]
    table = passages if begins == "passages" else _train(questions)
    if where.categories:
        table = table.filter(pa.compute.field("category").isin(where.categories))
    items = list(_of_passages(table) if begins == "passages" else _of_questions(table))
    if not where.most or len(items) <= where.most:
        return items
    drawn = sorted(items, key=lambda one: (draw_seed(seed, "roots", one.item_id), one.item_id))
    chosen = {one.item_id for one in drawn[: where.most]}
    return [one for one in items if one.item_id in chosen]


def _empty(number: int) -> Item:
    """Return a root without a passage, a question and a value."""
    return Item(digest("nothing", str(number))[:16], (), (), (), (), {})


def _train(questions: pa.Table) -> pa.Table:
    return questions.filter(pa.compute.field("split") == "train")


def _of_passages(table: pa.Table) -> Iterator[Item]:
    for row in table.select(["passage_id", "licence"]).to_pylist():
        yield Item(row["passage_id"], (), (row["passage_id"],), (), _licences(row), {})


def _of_questions(table: pa.Table) -> Iterator[Item]:
    for row in table.select(["question_id", "text", "accepted", "licence"]).to_pylist():
        yield Item(row["question_id"], (), (), (row["question_id"],), _licences(row), _asked(row))


def _asked(row: Row) -> dict[str, Value]:
    """Return the values of a question: its text, and the first right answer if one is known."""
    values = {"question.text": Value(row["text"], "visible")}
    if row["accepted"]:
        values["question.answer"] = Value(row["accepted"][0], "gold")
    return values


def _licences(row: Row) -> tuple[str, ...]:
    return (row["licence"],) if row["licence"] else ()
