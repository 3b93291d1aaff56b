"""Where each setting of a recipe stands: its line in the file, or the option that set it."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import yaml

from tasks.errors import BadRecipe
from tasks.spec import plain_yaml

Path = tuple[str, ...]


class Origin(NamedTuple):
    """Where the settings of a recipe come from.

    what: the recipe as messages name it. lines: path of a key → its line, from 1.
    settings: paths that were laid over the file.
    """

    what: str
    lines: Mapping[Path, int] = {}
    settings: frozenset[str] = frozenset()

    def place(self, where: str) -> str:
        """Return "line 12" or "--set prompts.rows" for a dotted path, "" when nothing set it."""
        for path in _prefixes(where):
            if ".".join(path) in self.settings:
                return f"--set {'.'.join(path)}"
            if path in self.lines:
                return f"line {self.lines[path]}"
        return ""

    def placed(self, where: str, says: str) -> str:
        """Return a sentence about a setting that begins with its place."""
        place = self.place(where)
        return f"{place}: {where}: {says}" if place else f"{where}: {says}"


def origin(what: str, text: str, settings: Sequence[str]) -> Origin:
    """Return where the settings of a YAML text stand. BadRecipe when a key stands twice."""
    lines: dict[Path, int] = {}
    node = yaml.compose(text, Loader=yaml.SafeLoader)
    if node is not None:
        _note(node, (), lines, what)
    return Origin(what, lines, frozenset(setting.partition("=")[0] for setting in settings))


def lay_over(tree: dict[str, object], setting: str) -> None:
    """Set one `key.path=value` in a recipe's tree. BadRecipe when it has another form."""
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


def _note(node: yaml.Node, path: Path, lines: dict[Path, int], what: str) -> None:
    """Note the line of every key and item below a node."""
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            below = (*path, str(key.value))
            line = key.start_mark.line + 1
            if below in lines:
                raise BadRecipe(
                    f"{what}, line {line}: {'.'.join(below)} is set twice, "
                    f"in line {lines[below]} before; remove one"
                )
            lines[below] = line
            _note(value, below, lines, what)
    elif isinstance(node, yaml.SequenceNode):
        for number, value in enumerate(node.value):
            below = (*path, str(number))
            lines[below] = value.start_mark.line + 1
            _note(value, below, lines, what)


def _prefixes(where: str) -> list[Path]:
    """Return the path and every shorter one, the longest first."""
    parts = tuple(where.split("."))
    return [parts[:end] for end in range(len(parts), 0, -1)]
