"""Items: the rows of a chain's steps, with every value that was written on the way to them."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal, NamedTuple

import pyarrow as pa

from tasks import rows
from tasks.spec import canonical, digest

Role = Literal["visible", "note", "gold"]
"""visible: the call that writes a trace may see it. note: only the producer may. gold: a known
answer; gates see it, and no call that writes a trace does.
"""


class Value(NamedTuple):
    """A value that a step wrote."""

    text: str
    role: Role


@dataclass(frozen=True)
class Item:
    """A row of one step.

    lineage: ids of all items that it was made from, the oldest first. passage_ids: its root
    passages, the first one first. question_ids: its root questions. licences: of all roots. values:
    "step.field" → the newest value of that name, the ancestors' values included.
    """

    item_id: str
    lineage: tuple[str, ...]
    passage_ids: tuple[str, ...]
    question_ids: tuple[str, ...]
    licences: tuple[str, ...]
    values: Mapping[str, Value]

    def text(self, name: str) -> str:
        """Return a value by name, "" if the item has none of this name."""
        return self.values[name].text if name in self.values else ""

    @property
    def parent(self) -> str:
        """Id of the item that it was made from, "" for a root."""
        return self.lineage[-1] if self.lineage else ""

    @property
    def written(self) -> Mapping[str, Value]:
        """The values that its own step wrote: those of the newest step."""
        last = next(reversed(list(self.values)), "").partition(".")[0]
        return {name: one for name, one in self.values.items() if name.startswith(f"{last}.")}

    def child(
        self,
        step: str,
        values: Mapping[str, Value],
        *,
        passages: Sequence[str] = (),
        vote: int | None = None,
    ) -> "Item":
        """Return an item made from this one by a step that wrote some values.

        values: by field. passages: the root passages of the child, if they are not this item's.
        Equal values from the same parent give the same item_id, unless they are two votes. vote:
        number of the answer among the answers for this item.
        """
        written = {f"{step}.{field}": one for field, one in values.items()}
        content = canonical({name: one.text for name, one in written.items()})
        cast = () if vote is None else (f"vote {vote}",)
        return replace(
            self,
            item_id=digest(step, self.item_id, content, *passages, *cast)[:16],
            lineage=(*self.lineage, self.item_id),
            passage_ids=tuple(passages) or self.passage_ids,
            values={name: one for name, one in self.values.items() if name not in written}
            | written,
        )


def table_of(items: Iterable[Item]) -> pa.Table:
    """Return items as the table ITEMS."""
    return rows.table_of([_row(one) for one in items], rows.ITEMS)


def items_of(table: pa.Table) -> list[Item]:
    """Return the items of ITEMS, in the order of the table."""
    return [
        _item(row)
        for batch in table.to_batches(max_chunksize=rows.CHUNK_ROWS)
        for row in batch.to_pylist()
    ]


def _row(one: Item) -> dict[str, Any]:
    return vars(one) | {
        "values": [
            {"name": name, "text": value.text, "role": value.role}
            for name, value in one.values.items()
        ]
    }


def _item(row: dict[str, Any]) -> Item:
    return Item(
        item_id=row["item_id"],
        lineage=tuple(row["lineage"]),
        passage_ids=tuple(row["passage_ids"]),
        question_ids=tuple(row["question_ids"]),
        licences=tuple(row["licences"]),
        values={one["name"]: Value(one["text"], one["role"]) for one in row["values"]},
    )
