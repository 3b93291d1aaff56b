"""One step of a chain: items in, items out, and a reason for every item that is not kept."""

import json
import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tasks import rows
from tasks.chains.ask import Answered, Asking
from tasks.chains.chain import Ask, Chain, Draw, Gather, Keep, Placed
from tasks.chains.draw import draw
from tasks.chains.gather import Lost, gather
from tasks.chains.item import Item, table_of
from tasks.chains.keep import first_failed
from tasks.chains.world import World
from tasks.errors import ChainDry
from tasks.inference.engine import NamedModel
from tasks.ngrams import plain_text, words
from tasks.store import Made, Table

EXAMPLES = 3
"""Examples of a reason that a message shows."""
FUNNEL = "funnel.json"
"""File of a step's table with its part of the chain's funnel."""


@dataclass(frozen=True)
class Stepped:
    """The items that a step makes, in the order of their parents, and the items that gave none.

    answered: the answers of a step that asks.
    """

    made: list[Item]
    lost: list[Lost]
    answered: Answered | None = None


@dataclass(frozen=True)
class Funnel:
    """A step's part of a chain's funnel.

    offered: items that it worked on. asked: answers that it read. tokens: of these answers. made:
    items that it made. lost: reason → items. examples: reason → what one of them shows. openings:
    effective number of openings of the questions, before and after the step.
    """

    offered: int
    asked: int
    tokens: int
    made: int
    lost: Mapping[str, int]
    examples: Mapping[str, str]
    openings: tuple[float, float] = (0.0, 0.0)

    @property
    def largest_losses(self) -> str:
        """The three reasons that took most, with their numbers and an example of the first."""
        ranked = sorted(self.lost.items(), key=lambda one: (-one[1], one[0]))[:EXAMPLES]
        told = ", ".join(f"{reason} {count:,}" for reason, count in ranked)
        example = self.examples.get(ranked[0][0], "") if ranked else ""
        return f"{told} ({example})" if example else told


def run(
    items: Sequence[Item],
    place: Placed,
    seed: int,
    world: World,
    named: NamedModel | None,
    *,
    journals: Path,
) -> Stepped:
    """Return what a step makes of the items. named: the model of an `ask`."""
    # Each repetition of a block has another seed.
    seed += 1_000_003 * place.level
    match place.step:
        case Draw() as step:
            drawn = draw(items, step, seed, world)
            empty = [item for item, own in zip(items, drawn, strict=True) if not own]
            lost = [Lost(item, "nothing_to_draw", f"{step.draw}") for item in empty]
            return Stepped([one for own in drawn for one in own], lost)
        case Ask() as step:
            assert named is not None
            answered = Asking(step, seed, world, named, journals).answers(items)
            made = (answered.made.get(item.item_id, ()) for item in items)
            return Stepped([one for own in made for one in own], answered.lost, answered)
        case Keep() as step:
            failed = [(item, first_failed(item, step.keep, world)) for item in items]
            lost = [Lost(item, f"test_{why[0]}", why[1]) for item, why in failed if why]
            return Stepped([item for item, why in failed if not why], lost)
        case Gather() as step:
            gathered = gather(items, step, seed, world)
            return Stepped(gathered.kept, gathered.lost)


def made_of(stepped: Stepped, place: Placed, chain: Chain, offered: Sequence[Item]) -> Made:
    """Return the step's table: ITEMS, and the rejected items with their reasons.

    offered: the items that the step worked on. The same item made twice is one item. A table
    without items is refused, with the reasons; a later level of a repeated block may be empty,
    because the levels before it stay.
    """
    unique: dict[str, Item] = {}
    lost = list(stepped.lost)
    for item in stepped.made:
        if item.item_id in unique:
            lost.append(Lost(item, "duplicate", "the same item was made twice"))
        unique.setdefault(item.item_id, item)
    rejected = rows.rejected([_rejection(one) for one in lost])
    funnel = _funnel(stepped, list(unique.values()), lost, offered, chain.gives.question)
    text = json.dumps(vars(funnel), indent=1, sort_keys=True)
    return Made(
        {"items": table_of(unique.values())},
        rows.ITEMS,
        rejected,
        rows_in=len(unique) + rejected.num_rows,
        attach=lambda folder: _attach(folder, text),
        may_be_empty=place.level > 1,
        refused=None if unique or place.level > 1 else _dry(lost, place, chain.name),
    )


def _rejection(one: Lost) -> rows.Rejected:
    detail = plain_text(one.detail)
    return rows.Rejected(one.item.item_id, one.reason, detail, parent_id=one.item.parent)


def _funnel(
    stepped: Stepped,
    made: Sequence[Item],
    lost: Sequence[Lost],
    offered: Sequence[Item],
    question: str,
) -> Funnel:
    answered = stepped.answered or Answered()
    return Funnel(
        offered=len(offered),
        asked=answered.answers,
        tokens=answered.tokens,
        made=len(made),
        lost=dict(Counter(one.reason for one in lost)),
        examples={one.reason: plain_text(one.detail)[:200] for one in reversed(lost)},
        openings=(openings(offered, question), openings(made, question)),
    )


def openings(items: Sequence[Item], question: str) -> float:
    """Return the effective number of different openings of the questions: the exponential of the
    entropy of their first three words; 0 before there are questions.
    """
    texts = [one.text(question) for one in items]
    counts = Counter(tuple(words(text)[:3]) for text in texts if text)
    total = counts.total()
    entropy = -sum(count / total * math.log(count / total) for count in counts.values())
    return round(math.exp(entropy), 1) if total else 0.0


def _attach(folder: Path, funnel: str) -> None:
    (folder / FUNNEL).write_text(funnel + "\n", encoding="utf-8")


def funnel_of(table: Table) -> Funnel:
    """Return a step's part of the funnel."""
    return Funnel(**json.loads((table.path / FUNNEL).read_bytes()))


def _dry(lost: Sequence[Lost], place: Placed, chain: str) -> ChainDry:
    """Return the error of a step that kept nothing: each reason, its number, and examples."""
    counts = Counter(one.reason for one in lost)
    told = []
    for reason, count in counts.most_common():
        shown = [plain_text(one.detail) for one in lost if one.reason == reason and one.detail]
        examples = "".join(f"\n    {text[:160]}" for text in shown[:EXAMPLES])
        told.append(f"\n  {count:,} {reason}{examples}")
    return ChainDry(
        f"chain {chain!r}: step {place.place!r} kept none of {len(lost):,} items:{''.join(told)}"
    )
