"""`draw`: values by code. Every draw is seeded by the item and the step, never by its place."""

from collections.abc import Iterator, Sequence
from random import Random
from typing import NamedTuple

from tasks.chains.chain import (
    Draw,
    Drawing,
    FromItems,
    FromNearNames,
    FromNeighbours,
    FromPaths,
)
from tasks.chains.item import Item, Value
from tasks.chains.paths import FoundPath, paths_from
from tasks.chains.world import World, names_in
from tasks.spec import draw_seed


class Drawn(NamedTuple):
    """Values for one new item, by field. passages: its root passages, () to keep the old."""

    values: dict[str, Value]
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
                    found = [Drawn({field: note(fixed)})]
                elif isinstance(drawing, FromItems):
                    found = _of_items(field, drawing, item, items, rng)
                else:
                    found = _drawn(field, drawing, item, rng, world)
                several = [_both(one, two) for one in several for two in found]
            own += [item.child(step.name, one.values, passages=one.passages) for one in several]
        made.append(own)
    return made


def _both(one: Drawn, two: Drawn) -> Drawn:
    return Drawn(one.values | two.values, two.passages or one.passages)


def note(text: str) -> Value:
    """Return a value that only the producer may know."""
    return Value(text, "note")


def _drawn(field: str, drawing: Drawing, item: Item, rng: Random, world: World) -> list[Drawn]:
    """Return the values of one field, one for each new item."""
    match drawing:
        case tuple():
            return [Drawn({field: note(rng.choice(drawing))})]
        case dict():
            chosen = rng.choices(list(drawing), list(drawing.values()))[0]
            return [Drawn({field: note(chosen)})]
        case FromPaths():
            found = paths_from(item, world)
            rng.shuffle(found)
            return [Drawn(_values(one), one.passage_ids) for one in found[: drawing.most]]
        case FromNeighbours():
            return list(_neighbours(field, item, drawing.most, world))
        case FromNearNames():
            names = _near_names(item, rng, drawing.most, world)
            return [Drawn({field: note(name)}) for name in names]
        case FromItems():
            raise TypeError("values of other items are drawn by _of_items")


def _values(path: FoundPath) -> dict[str, Value]:
    """Return the values of a path; its answer is the known right answer of the question."""
    return {
        name: Value(text, "gold" if name == "answer" else "note")
        for name, text in path.values.items()
    }


def _of_items(
    field: str, drawing: FromItems, item: Item, items: Sequence[Item], rng: Random
) -> list[Drawn]:
    """Return one value: texts of other items of the table, one on each line."""
    pool = [one.text(drawing.of) for one in items if one.item_id != item.item_id]
    chosen = rng.sample(pool, min(drawing.count, len(pool)))
    return [Drawn({field: note("\n".join(text.replace("\n", " ") for text in chosen))})]


def _neighbours(field: str, item: Item, most: int, world: World) -> Iterator[Drawn]:
    root = world.passage(item.passage_ids[0])
    for other in root["neighbours"][:most]:
        heading = str(world.passage(other)["heading"])
        yield Drawn({field: note(heading)}, (item.passage_ids[0], other))


def _near_names(item: Item, rng: Random, most: int, world: World) -> list[str]:
    """Return names that the documents do not have: the begin of a name of the passage with the end
    of a name of another passage.
    """
    own = [one for one in names_in(world.root_text(item)) if " " in one]
    others = [one for one in world.names if " " in one]
    made = [
        f"{one.rpartition(' ')[0]} {other.rpartition(' ')[2]}"
        for one in own
        for other in others
        if one != other
    ]
    fresh = [one for one in dict.fromkeys(made) if not world.occurs(one)]
    rng.shuffle(fresh)
    return fresh[:most]


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
