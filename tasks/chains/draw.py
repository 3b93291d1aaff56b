"""`draw`: values by code. Every draw is seeded by the item and the step, never by its place."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from random import Random
from typing import NamedTuple

from tasks.chains.chain import (
    Draw,
    Drawing,
    FromChangedFacts,
    FromItems,
    FromNearNames,
    FromNeighbours,
    FromPaths,
    FromRoot,
    FromValue,
)
from tasks.chains.item import Item, Role, Value
from tasks.chains.made_up import changed_facts, near_names
from tasks.chains.paths import paths_from
from tasks.chains.world import World
from tasks.spec import draw_seed

PATH_FIELDS: Mapping[str, Role] = {
    "start": "note",
    "bridge": "note",
    "topic": "note",
    "open": "note",
    "fact": "gold",
    "answer": "gold",
}
"""The values that a drawn path writes."""
CHANGE_FIELDS: Mapping[str, Role] = {
    "claim": "note",
    "untrue": "note",
    "fact": "gold",
    "truth": "gold",
}
"""The values that a changed fact writes."""


class Drawn(NamedTuple):
    """Values for one new item, by field. passages: its root passages, () to keep the old."""

    values: dict[str, str]
    passages: tuple[str, ...] = ()


def draw(items: Sequence[Item], step: Draw, seed: int, world: World) -> list[list[Item]]:
    """Return the items that are drawn from each item, in the order of the items.

    An item from which nothing can be drawn (no path, no neighbour) gives none.
    """
    exact = _exact(items, step, seed) if step.exact else {}
    made = []
    for item in items:
        own = []
        for turn in range(step.times):
            rng = Random(draw_seed(seed, step.name, item.item_id, turn))
            several = [Drawn({})]
            for field, drawing in step.draw.items():
                fixed = exact.get((item.item_id, turn, field))
                if fixed:
                    found = [Drawn({field: fixed})]
                elif isinstance(drawing, FromItems):
                    found = _of_items(field, drawing, item, items, rng)
                else:
                    found = _drawn(field, drawing, item, rng, world)
                several = [_both(one, two) for one in several for two in found]
            own += [_child(item, step, one) for one in several]
        made.append(own)
    return made


def roles_of(step: Draw) -> dict[str, Role]:
    """Return the values that a step draws, and their roles."""
    roles: dict[str, Role] = {}
    for field, drawing in step.draw.items():
        match drawing:
            case FromPaths():
                roles |= PATH_FIELDS
            case FromChangedFacts():
                roles |= CHANGE_FIELDS
            case _:
                roles[field] = step.role
    return roles


def _both(one: Drawn, two: Drawn) -> Drawn:
    return Drawn(one.values | two.values, two.passages or one.passages)


def _child(item: Item, step: Draw, drawn: Drawn) -> Item:
    roles = roles_of(step)
    for field, drawing in step.draw.items():
        if isinstance(drawing, FromValue):
            roles[field] = _role_of(drawing.of, item)
    values = {field: Value(text, roles[field]) for field, text in drawn.values.items()}
    return item.child(step.name, values, passages=drawn.passages)


def _role_of(path: str, item: Item) -> Role:
    """Return the role of a value; passages are visible."""
    return item.values[path].role if path in item.values else "visible"


def _drawn(field: str, drawing: Drawing, item: Item, rng: Random, world: World) -> list[Drawn]:
    """Return the values of one field, one for each new item."""
    match drawing:
        case tuple():
            return [Drawn({field: rng.choice(drawing)})]
        case dict():
            return [Drawn({field: rng.choices(list(drawing), list(drawing.values()))[0]})]
        case FromPaths():
            found = paths_from(item, world)
            rng.shuffle(found)
            return [Drawn(one.values, one.passage_ids) for one in found[: drawing.most]]
        case FromNeighbours():
            return list(_neighbours(field, item, drawing.most, world))
        case FromNearNames():
            names = islice(near_names(item, rng, world), drawing.most)
            return [Drawn({field: name}) for name in names]
        case FromChangedFacts():
            changed = islice(changed_facts(item, rng, world), drawing.most)
            return [Drawn(one._asdict()) for one in changed]
        case FromRoot():
            return [Drawn({field: str(world.passage(item.passage_ids[0])["text"])})]
        case FromValue():
            return [Drawn({field: world.value(item, drawing.of)})]
        case FromItems():
            raise TypeError("values of other items are drawn by _of_items")


def _of_items(
    field: str, drawing: FromItems, item: Item, items: Sequence[Item], rng: Random
) -> list[Drawn]:
    """Return one value: texts of other items of the table, one on each line."""
    others = {one.text(drawing.of) for one in items if one.item_id != item.item_id}
    # Sorted, so that the order of the table decides nothing.
    pool = sorted(others - {item.text(drawing.of)})
    chosen = rng.sample(pool, min(drawing.count, len(pool)))
    return [Drawn({field: "\n".join(text.replace("\n", " ") for text in chosen)})]


def _neighbours(field: str, item: Item, most: int, world: World) -> Iterator[Drawn]:
    root = world.passage(item.passage_ids[0])
    for other in root["neighbours"][:most]:
        heading = str(world.passage(other)["heading"])
        yield Drawn({field: heading}, (item.passage_ids[0], other))


def _exact(items: Sequence[Item], step: Draw, seed: int) -> dict[tuple[str, int, str], str]:
    """Return (item, turn, field) → value, so that the shares over all items are exact: the largest
    remainders are rounded up.
    """
    places = [(item.item_id, turn) for item in items for turn in range(step.times)]
    found = {}
    for field, drawing in step.draw.items():
        if not isinstance(drawing, dict | tuple):
            continue
        weights = drawing if isinstance(drawing, dict) else dict.fromkeys(drawing, 1.0)
        order = sorted(places, key=lambda one: draw_seed(seed, step.name, field, *one))
        for place, value in zip(order, _apportioned(weights, len(places)), strict=True):
            found[(*place, field)] = value
    return found


def _apportioned(weights: dict[str, float], count: int) -> list[str]:
    total = sum(weights.values())
    exact = {value: count * weight / total for value, weight in weights.items()}
    whole = {value: int(number) for value, number in exact.items()}
    left = count - sum(whole.values())
    for value in sorted(exact, key=lambda one: (whole[one] - exact[one], one))[:left]:
        whole[value] += 1
    return [value for value, number in whole.items() for _ in range(number)]
