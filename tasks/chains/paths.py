"""Paths over the graph of names: two passages that share a name, and a value of the second one.

The graph is made by code: a name is a node, and two passages that hold it are joined by it. The
question is then only worded by a model; its answer and both passages are known before any call.
After graph-constrained multi-hop questions (arXiv 2605.31238).
"""

import re
from typing import NamedTuple

from tasks.chains.item import Item
from tasks.chains.world import World, names_in
from tasks.trace_context import Row

MOST_PASSAGES = 12
"""A name in more passages joins everything with everything, and is no bridge."""
UNITS = (
    "credits|days|weeks|months|years|hours|minutes|seconds|percent|euros|dollars|pounds|pages"
    "|copies|points|characters|bytes|metres|kilometres|kilograms"
)
"""Words after a number that make it a value."""
BLANK = "____"
"""What stands for the answer in an open fact."""
_VALUE = re.compile(
    rf"\b\d[\d.,]*\s+(?:{UNITS})\b|(?<![\w.,/:-])\d+(?:[.,]\d+)?(?![\w/:(-]|[.,]\d)"
)
SENTENCE = re.compile(r"(?<=[.!?])\s+(?=[A-Z])")


class FoundPath(NamedTuple):
    """A path from a passage over a name to a value of another passage.

    values: start, bridge, topic (heading of the other passage), fact (its sentence), open (the fact
    with a blank for the answer) and answer.
    """

    values: dict[str, str]
    passage_ids: tuple[str, ...]


def paths_from(item: Item, world: World) -> list[FoundPath]:
    """Return all paths that begin at an item's root passage, in a stable order."""
    root = world.passage(item.passage_ids[0])
    found = []
    for bridge in names_in(root["text"]):
        holders = world.names.get(bridge, ())
        if not 1 < len(holders) <= MOST_PASSAGES:
            continue
        for other_id in holders:
            if other_id != root["passage_id"]:
                found += _ends(root, bridge, world.passage(other_id))
    return found


def _ends(root: Row, bridge: str, other: Row) -> list[FoundPath]:
    """Return a path to each value that only the other passage has."""
    paths = []
    for fact in SENTENCE.split(other["text"]):
        for answer in _VALUE.findall(fact):
            if answer not in root["text"] and other["text"].count(answer) == 1:
                values = {
                    "start": root["heading"] or root["section"],
                    "bridge": bridge,
                    "topic": other["heading"] or other["section"],
                    "open": fact.replace(answer, BLANK, 1).strip(),
                    "fact": fact.strip(),
                    "answer": answer.strip(),
                }
                paths.append(FoundPath(values, (root["passage_id"], other["passage_id"])))
    return paths
