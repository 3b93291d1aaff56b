"""What tests share: a Prefect server for those that run flows, and nothing that calls home."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

import flows.cli  # noqa: F401  sets the quiet environment, before any library reads it
from tests.builders import write_rulebook

os.environ.setdefault("HF_HUB_OFFLINE", "1")


FIRST = (
    "real", "service", "problems", "verdicts", "engine", "student_flows", "resume", "operations", "prune", "coherence", "cli", "readme", "training",
    "flows",
)  # fmt: skip
"""Files of half a minute and more, the longest first: begun last, one would keep the other process waiting.

A process is given its next file when two tests of those before are left: behind the first two stand files of many quick tests, lest a long
one waits there.
"""


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Begin with the longest files; `--random-order` keeps its own order."""
    if config.getoption("random_order_enabled"):
        return
    order = {f"test_{name}.py": place for place, name in enumerate(FIRST)}
    items.sort(key=lambda item: order.get(item.path.name, len(order)))


@pytest.fixture
def rulebook(tmp_path: Path) -> Path:
    """A small rulebook in a folder."""
    return write_rulebook(tmp_path / "rules")


@pytest.fixture(scope="session")
def prefect_server() -> Iterator[str]:
    """One real Prefect server for the session; yields the address of its API."""
    from prefect.settings import PREFECT_API_URL
    from prefect.testing.utilities import prefect_test_harness

    with prefect_test_harness(server_startup_timeout=600):
        yield str(PREFECT_API_URL.value())
