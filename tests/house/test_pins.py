"""Code that decides what a stage writes does not change without a decision on its version."""

import ast

import pytest

from tests.pins import HOUSE, STAGES, now, pinned, source_digest

SOURCE = '''"""A module."""
# a comment
LIMIT = 3
"""What it is."""


def double(number: int) -> int:
    """Return twice the number."""
    return 2 * number
'''


@pytest.mark.parametrize("name", STAGES)
def test_a_stage_is_what_its_pin_says(name: str) -> None:
    pin, found = pinned()[name], now(STAGES[name])
    assert (found.version, found.digest) == (pin.version, pin.digest), (
        f"the code behind {name!r} has changed. If a table of the same recipe could now differ, "
        f"raise {STAGES[name].version}; then run: python -m tests.pins 'why it stays or rises'"
    )


def test_every_version_of_a_door_is_pinned() -> None:
    known = {stage.version for stage in STAGES.values()}
    found = set()
    for path in (HOUSE / "tasks").glob("*/task.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Name) and node.id.endswith("_VERSION"):
                found.add(f"{path.parent.name}.task:{node.id}")
    assert found <= known


@pytest.mark.parametrize(
    ("old", "new", "same"),
    [
        ("# a comment", "# another one, much longer than before", True),
        ("What it is.", "What it means.", True),
        ("Return twice the number.", "Return the number twice.", True),
        ("LIMIT = 3", "LIMIT  =  3", True),
        ("LIMIT = 3", "LIMIT = 4", False),
        ("LIMIT = 3", "LIMIT = 0", False),
        ("2 * number", "number * 2", False),
    ],
)
def test_words_and_layout_are_no_change_and_code_is(old: str, new: str, same: bool) -> None:
    assert (source_digest(SOURCE.replace(old, new)) == source_digest(SOURCE)) is same
