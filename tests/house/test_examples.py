"""The examples in the docstrings of public functions are true."""

import doctest
from importlib import import_module
from pathlib import Path

import pytest

HOUSE = Path(__file__).parents[2]
PACKAGES = ("tasks", "flows", "deployments")


def with_examples() -> list[str]:
    """Return the names of the modules whose docstrings have examples."""
    paths = [path for package in PACKAGES for path in (HOUSE / package).rglob("*.py")]
    found = [path for path in paths if ">>> " in path.read_text(encoding="utf-8")]
    assert found, f"no module with examples below {HOUSE}"
    return sorted(".".join(path.relative_to(HOUSE).with_suffix("").parts) for path in found)


@pytest.mark.parametrize("name", with_examples())
def test_the_examples_of_a_module_are_true(name: str) -> None:
    found = doctest.testmod(import_module(name))
    assert found.attempted > 0
    assert found.failed == 0
