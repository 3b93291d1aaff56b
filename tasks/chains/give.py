"""What chains give: QUESTIONS, without what repeats and without what is held out."""

from collections.abc import Container, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import pyarrow as pa

from tasks import rows
from tasks.chains.chain import Chain, Draw, Gives, placed
from tasks.chains.item import Item, items_of
from tasks.held_out import DecontaminationSpec, as_held_out, found_in, held_out
from tasks.ngrams import words
from tasks.spec import Spec, digest
from tasks.store import Made

SOURCE = "chain:"
"""Prefix of the source of a question that a chain wrote."""


class Giver(Spec):
    """What the table of questions needs to know of a chain."""

    gives: Gives
    """What it gives."""
    drawn: tuple[str, ...] = ()
    """The values that it draws from lists: words of the producer, which no trace may repeat."""


class GiveSpec(Spec):
    """What the table of questions is made from, apart from the items."""

    chains: dict[str, Giver]
    """The chains by name."""
    decontamination: DecontaminationSpec
    """When a question counts as held out."""


Identity = tuple[tuple[str, ...], tuple[str, ...]]
"""Words of a question, and the passages that are shown with it."""


class Given(NamedTuple):
    """A question of a chain, before it is checked."""

    chain: str
    item: Item
    giver: Giver

    @property
    def gives(self) -> Gives:
        """Return what the chain gives."""
        return self.giver.gives

    @property
    def text(self) -> str:
        """Return the question."""
        return self.item.text(self.gives.question).strip()

    @property
    def passage_ids(self) -> tuple[str, ...]:
        """Return the passages that may be shown with the question."""
        return self.item.passage_ids if self.gives.shown == "passages" else ()

    @property
    def identity(self) -> Identity:
        """Return what makes two questions the same: their words, and the passages shown."""
        return tuple(words(self.text)), self.passage_ids

    @property
    def gold(self) -> str:
        """Return the known right answer, "" without one."""
        return self.item.text(self.gives.gold).strip() if self.gives.gold else ""


def newest(tables: Sequence[pa.Table], *, every_level: bool) -> list[Item]:
    """Return the items of a chain's levels; without every_level, those of which no newer item was
    made.
    """
    several = [items_of(table) for table in tables]
    if every_level:
        return [item for items in several for item in items]
    kept: list[list[Item]] = []
    followed: set[str] = set()
    for items in reversed(several):
        kept.append([item for item in items if item.item_id not in followed])
        followed |= {one for item in items for one in item.lineage}
    return [item for items in reversed(kept) for item in items]


def give_questions(
    questions: pa.Table, probe: pa.Table, items: Mapping[str, Sequence[Item]], spec: GiveSpec
) -> Made:
    """Return QUESTIONS: the ready ones, then those of the chains.

    questions: QUESTIONS of the sources. probe: QUESTIONS of the probe. items: name of a chain → its
    last items. A question that repeats another, holds a held-out question, is empty, or repeats a
    part of its own answer is rejected.
    """
    sought = held_out(pa.concat_tables([questions, as_held_out(probe)]), spec.decontamination)
    seen: set[Identity] = {(tuple(words(text)), ()) for text in questions["text"].to_pylist()}
    made: list[dict[str, Any]] = []
    lost: list[rows.Rejected] = []
    for one in _given(items, spec.chains):
        reason, detail = _refused(one, seen)
        if not reason and (hit := found_in(one.text, sought, spec.decontamination)):
            reason, detail = "contaminated", f"{hit[0]}: {hit[1]}"
        if reason:
            lost.append(rows.Rejected(one.item.item_id, reason, f"{one.chain}: {detail}"))
            continue
        seen.add(one.identity)
        made.append(_row(one))
    table = pa.concat_tables([questions, rows.table_of(made, rows.QUESTIONS)])
    return Made(
        {"questions": table},
        rows.QUESTIONS,
        rows.rejected(lost),
        rows_in=table.num_rows + len(lost),
        may_be_empty=True,
    )


def _given(items: Mapping[str, Sequence[Item]], chains: Mapping[str, Giver]) -> Iterator[Given]:
    for name, several in items.items():
        yield from (Given(name, item, chains[name]) for item in several)


def _refused(one: Given, seen: Container[Identity]) -> tuple[str, str]:
    """Return (reason, detail) why a question is not given, ("", "") if it is."""
    tokens = tuple(words(one.text))
    if not tokens:
        return "empty_question", one.item.item_id
    if one.identity in seen:
        return "duplicate_question", one.text[:200]
    if one.gives.question_from_gold and one.gold and _gives_away(tokens, one.gold):
        return "gives_the_answer_away", f"{one.text[:120]} / {one.gold[:80]}"
    return "", ""


def _gives_away(question: tuple[str, ...], gold: str) -> bool:
    """Return whether a question holds its answer, or three words in a row of a long one."""
    answer = tuple(words(gold))
    length = min(3, len(answer)) if len(answer) > 5 else len(answer)
    parts = {answer[n : n + length] for n in range(len(answer) - length + 1)}
    runs = {question[n : n + length] for n in range(len(question) - length + 1)}
    held = parts & runs
    return bool(held) and (len(answer) <= 5 or len(held) > 0.3 * len(parts))


def _row(one: Given) -> dict[str, Any]:
    return {
        "question_id": digest(one.chain, one.item.item_id)[:16],
        "text": one.text,
        "accepted": [one.gold] if one.gold else [],
        "answer_type": one.gives.answer_type,
        "category": one.chain,
        "split": "train",
        "source": f"{SOURCE}{one.chain}",
        "licence": " AND ".join(sorted(one.item.licences)),
        "passage_ids": list(one.passage_ids),
        "lineage": [*one.item.lineage, one.item.item_id],
        "notes": _notes(one),
    }


def _notes(one: Given) -> list[str]:
    """Return the producer's words behind a question, for the search for leaks."""
    texts = (one.item.text(name) for name in one.giver.drawn)
    return list(dict.fromkeys(text for text in texts if text))


def givers(chains: Sequence[Chain]) -> dict[str, Giver]:
    """Return the chains by name, each with what it gives and with the words that it draws. A chain
    that continues another has the other's words too.
    """
    by_name = {chain.name: chain for chain in chains}

    def drawn(chain: Chain) -> list[str]:
        before = drawn(by_name[chain.begins]) if chain.begins in by_name else []
        return [*before, *_drawn_words(chain)]

    return {
        name: Giver(gives=chain.gives, drawn=tuple(dict.fromkeys(drawn(chain))))
        for name, chain in by_name.items()
    }


def _drawn_words(chain: Chain) -> Iterator[str]:
    for place in placed(chain):
        if isinstance(place.step, Draw) and place.step.role == "note":
            for field, drawing in place.step.draw.items():
                if isinstance(drawing, tuple | dict):
                    yield f"{place.step.name}.{field}"
