"""What tests share: a Prefect server for those that run flows, and nothing that calls home."""

import os
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

import deployments.cli.main  # noqa: F401  sets the quiet environment, before any library reads it
from tests.support.builders import write_rulebook

os.environ.setdefault("HF_HUB_OFFLINE", "1")
# A deadline per example would fail on a busy machine.
settings.register_profile("tracemill", deadline=None)
settings.load_profile("tracemill")


SECONDS = {"vllm": 20, "service": 8, "slow": 8}
"""Marker → about how long one such test takes on two cores; a test without a marker takes none."""
SERVER = "prefect_server"
"""The fixture that starts a Prefect server: whoever uses it is marked `service` by itself."""


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Mark the tests that need a server, and begin with the files that take longest.

    A long file that begins last would keep the other process waiting. `--random-order` keeps its
    own order.
    """
    for item in items:
        if SERVER in getattr(item, "fixturenames", ()):
            item.add_marker("service")
    if config.getoption("random_order_enabled"):
        return
    seconds: Counter[Path] = Counter()
    for item in items:
        seconds[item.path] += sum(
            SECONDS[name] for name in SECONDS if item.get_closest_marker(name)
        )
    items.sort(key=lambda item: -seconds[item.path])


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
