"""The examples in the docstrings of public functions are true."""

import doctest
from types import ModuleType

import pytest

from flows import first_recipe
from tasks import ngrams, spec, think


@pytest.mark.parametrize(
    "module", [ngrams, spec, think, first_recipe], ids=lambda one: str(one.__name__)
)
def test_the_examples_of_a_module_are_true(module: ModuleType) -> None:
    found = doctest.testmod(module)
    assert found.attempted > 0
    assert found.failed == 0
