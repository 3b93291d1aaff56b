"""Tests of Python code in a value: it parses, and a program of its blocks does what it is to do."""

import ast
import re
from typing import Literal

from pydantic import Field

from tasks.chains.item import Item
from tasks.chains.sandbox import Limits, Ran, ran
from tasks.chains.world import World
from tasks.spec import Spec

_BLOCK = re.compile(r"^```(?P<language>[\w+-]*)[ \t]*\n(?P<code>.*?)^```[ \t]*$", re.DOTALL | re.M)
_PYTHON = frozenset({"", "python", "python3", "py"})


class Parses(Spec):
    """The text is Python code, or all its code blocks are."""

    test: Literal["python"]
    """The text, or each of its code blocks, is Python code with a number of lines within bounds."""
    of: str
    """The value to test."""
    blocks: bool = False
    """Test the code blocks of the text instead of the whole text; it has at least one."""
    most_lines: int = Field(120, ge=1)
    """Largest number of lines of the code."""

    def fails(self, item: Item, world: World) -> str:
        """Return what is wrong, "" if nothing is."""
        text = item.text(self.of)
        codes = blocks_of(text) if self.blocks else [text]
        if not "".join(codes).strip():
            return "it has no code"
        lines = sum(len(code.splitlines()) for code in codes)
        if lines > self.most_lines:
            return f"it has {lines} lines of code; {self.most_lines} are allowed"
        return next((says for code in codes if (says := _fault(code))), "")


class Runs(Spec):
    """The code blocks, joined to one program, print what another program prints."""

    test: Literal["runs"]
    """The code blocks of the text, joined and run in a sandbox, print what another value prints."""
    of: str
    """The value with the code blocks."""
    blocks: bool = True
    """False: the whole text is the program."""
    source: str
    """The original program. One that prints nothing, or not the same twice, is rejected."""
    limits: Limits = Limits()
    """Time and memory that each program gets."""

    def fails(self, item: Item, world: World) -> str:
        """Return what is wrong, "" if nothing is."""
        original = ran(item.text(self.source), self.limits)
        if says := _unfit(original):
            return f"the original {says}"
        if ran(item.text(self.source), self.limits) != original:
            return "the original prints something else each time"
        text = item.text(self.of)
        rebuilt = ran("\n\n".join(blocks_of(text)) if self.blocks else text, self.limits)
        if rebuilt.fault:
            return f"the joined blocks: {rebuilt.fault}"
        if rebuilt.output.rstrip() == original.output.rstrip():
            return ""
        return f"the joined blocks print {rebuilt.output[:80]!r}, due is {original.output[:80]!r}"


def blocks_of(text: str) -> list[str]:
    """Return the Python code blocks of a text; blocks of other languages are left out.

    >>> blocks_of("First:\\n```python\\nx = 1\\n```\\nThe output:\\n```text\\n1\\n```\\n")
    ['x = 1\\n']
    """
    found = _BLOCK.finditer(text)
    return [one["code"] for one in found if one["language"].lower() in _PYTHON]


def _unfit(original: Ran) -> str:
    if original.fault:
        return f"does not run: {original.fault}"
    return "" if original.output.strip() else "prints nothing that could be compared"


def _fault(code: str) -> str:
    """Return why a text is no Python code, "" if it is."""
    try:
        tree = ast.parse(code)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as exc:
        return f"a block does not parse: {exc}"
    return "" if tree.body else "a block has no statement"
