"""`gather`: items are compared with the others of their group, and some of them are kept."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from rapidfuzz.distance import LCSseq

from tasks.chains.chain import Gather
from tasks.chains.item import Item
from tasks.chains.world import World
from tasks.ngrams import words
from tasks.spec import draw_seed


class Lost(NamedTuple):
    """An item that is not kept, and why."""

    item: Item
    reason: str
    detail: str


class Gathered(NamedTuple):
    """The items that are kept, in their old order, and the others."""

    kept: list[Item]
    lost: list[Lost]


def gather(items: Sequence[Item], step: Gather, seed: int, world: World) -> Gathered:
    """Return which items are kept. The order of the items decides nothing: draws and ties go by
    the item's id.
    """
    groups: defaultdict[str, list[Item]] = defaultdict(list)
    for item in items:
        groups[_group(item, step, world)].append(item)
    lost = {one.item.item_id: one for own in groups.values() for one in _lost(own, step, seed)}
    kept = [item for item in items if item.item_id not in lost]
    return Gathered(kept, [lost[item.item_id] for item in items if item.item_id in lost])


def _group(item: Item, step: Gather, world: World) -> str:
    match step.by:
        case "passage":
            return " ".join(item.passage_ids)
        case "parent":
            return item.parent
        case "document":
            return " ".join(sorted({row["document_id"] for row in world.roots(item)}))
        case "all":
            return ""


def _lost(items: list[Item], step: Gather, seed: int) -> Iterator[Lost]:
    def drawn(item: Item) -> tuple[int, str]:
        return draw_seed(seed, step.name, item.item_id), item.item_id

    own = sorted(items, key=drawn)
    match step.gather:
        case "cap":
            yield from (Lost(one, "over_cap", f"{step.most} are kept") for one in own[step.most :])
        case "best":
            own.sort(key=lambda one: -_score(one.text(str(step.of))))
            yield from (Lost(one, "not_best", f"{step.most} are kept") for one in own[step.most :])
        case "distinct":
            # Of two that are alike, the older one stays, such as a seed or an item of the pool.
            own.sort(key=lambda one: len(one.lineage))
            yield from _alike(own, step)
        case "majority":
            yield from _outvoted(own, step)


def _compared(item: Item, of: str) -> str:
    """Return the value of an item that is compared; for a step, all its values in one text."""
    if "." in of:
        return item.text(of)
    return " ".join(one.text for name, one in item.values.items() if name.startswith(f"{of}."))


def _score(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return float("-inf")


def _alike(items: list[Item], step: Gather) -> Iterator[Lost]:
    """Yield items whose text is like an earlier one's (ROUGE-L, Lin 2004, section 3)."""
    kept: list[tuple[list[str], Item]] = []
    for item in items:
        own = words(_compared(item, str(step.of)))
        near = next((other for tokens, other in kept if rouge_l(own, tokens) >= step.alike), None)
        if near:
            yield Lost(item, "alike", f"it reads like item {near.item_id}")
        else:
            kept.append((own, item))


def rouge_l(one: Sequence[str], two: Sequence[str]) -> float:
    """Return ROUGE-L: the F1 of the longest common subsequence of two lists of words, 0 to 1.

    >>> rouge_l("what is the fee".split(), "what is due".split()) == 4 / 7
    True
    """
    if not one or not two:
        return 0.0
    return float(2 * LCSseq.similarity(one, two) / (len(one) + len(two)))


def _outvoted(items: list[Item], step: Gather) -> Iterator[Lost]:
    """Yield all items but one that holds the majority's value; all items if there is none.

    An empty value is an abstention and no vote.
    """
    said = [(item, " ".join(words(_compared(item, str(step.of))))) for item in items]
    votes = Counter(value for _, value in said if value)
    ranked = votes.most_common(2)
    lead = ranked[0][1] - (ranked[1][1] if len(ranked) > 1 else 0) if ranked else 0
    if not ranked or lead < step.margin or ranked[0][1] < step.share * votes.total():
        counts = ", ".join(str(count) for _, count in votes.most_common(4)) or "none"
        yield from (Lost(item, "no_majority", f"votes: {counts}") for item in items)
        return
    winner = next(item for item, value in said if value == ranked[0][0])
    for item, value in said:
        if item is not winner:
            reason = "same_as_majority" if value == ranked[0][0] else "outvoted"
            yield Lost(item, reason, f"{ranked[0][1]} of {votes.total()} votes for another item")
