"""The place of every setting of a recipe: its line in the file, or its --set option."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import yaml

from tasks.errors import BadRecipe
from tasks.spec import plain_yaml

Path = tuple[str, ...]
Tree = dict[str, object]
"""The settings of a recipe as YAML gives them."""


class Origin(NamedTuple):
    """The places of a recipe's settings.

    what: name of the recipe in messages. lines: path of a key → its line, from 1. settings: paths
    of settings that --set has changed.
    """

    what: str
    lines: Mapping[Path, int] = {}
    settings: frozenset[str] = frozenset()

    def place(self, where: str) -> str:
        """Return "line 12" or "--set prompts.rows" for a dotted path; "" for a default."""
        for path in _prefixes(where):
            if ".".join(path) in self.settings:
                return f"--set {'.'.join(path)}"
            if path in self.lines:
                return f"line {self.lines[path]}"
        return ""

    def placed(self, where: str, says: str) -> str:
        """Return a sentence about a setting, with its place in front."""
        place = self.place(where)
        return f"{place}: {where}: {says}" if place else f"{where}: {says}"


def origin(what: str, text: str, settings: Sequence[str]) -> Origin:
    """Return the places of the settings of a YAML text. Raises BadRecipe for a repeated key.

    settings: lines key.path=value of --set.
    """
    lines: dict[Path, int] = {}
    node = yaml.compose(text, Loader=yaml.SafeLoader)
    if node is not None:
        _record(node, (), lines, what)
    return Origin(what, lines, frozenset(setting.partition("=")[0] for setting in settings))


def lay_over(tree: Tree, setting: str) -> None:
    """Change one setting in a recipe's tree. Raises BadRecipe.

    setting: a line key.path=value.
    """
    name, separator, value = setting.partition("=")
    if not separator or not name:
        raise BadRecipe(
            f"setting {setting!r} is not of the form key.path=value, for example prompts.rows=50"
        )
    *path, last = name.split(".")
    for part in path:
        below = tree.setdefault(part, {})
        if not isinstance(below, dict):
            raise BadRecipe(f"setting {setting!r}: {part!r} is not a mapping")
        tree = below
    try:
        tree[last] = plain_yaml(value)
    except ValueError as exc:
        raise BadRecipe(f"setting {setting!r}: {exc}") from exc


def _record(node: yaml.Node, path: Path, lines: dict[Path, int], what: str) -> None:
    """Record the line of every key and item below a node."""
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            below = (*path, str(key.value))
            line = key.start_mark.line + 1
            if below in lines:
                raise BadRecipe(
                    f"{what}, line {line}: {'.'.join(below)} is set twice, "
                    f"first in line {lines[below]}; remove one"
                )
            lines[below] = line
            _record(value, below, lines, what)
    elif isinstance(node, yaml.SequenceNode):
        for number, value in enumerate(node.value):
            below = (*path, str(number))
            lines[below] = value.start_mark.line + 1
            _record(value, below, lines, what)


def _prefixes(where: str) -> list[Path]:
    """Return the path and all its prefixes, the longest first."""
    parts = tuple(where.split("."))
    return [parts[:end] for end in range(len(parts), 0, -1)]
