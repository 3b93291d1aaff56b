"""A build that is told to stop: it says what is kept, and leaves no process behind."""

import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.answer_server import answering
from tests.support.builds import answered, orphans, start, write_recipe
from tests.support.mills import free_port

pytestmark = pytest.mark.service


@pytest.fixture
def heeding() -> Iterator[None]:
    """Have children heed an interrupt: a test run in the background ignores it, and so would they."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("heeding")
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_build_with_a_server_of_its_own_ends_with_all_it_started_and_goes_on_later(
    tmp_path: Path, rulebook: Path, number: signal.Signals
) -> None:
    with answering(delay=1) as server:
        recipe = write_recipe(
            tmp_path / "r.yaml",
            rulebook,
            models={"teacher": {"engine": "endpoint", "model": "qwen3:8b"}},
            traces={"samples": 3},
            placement={"models": {"teacher": {"base_url": server.base_url, "window": 2}}},
        )
        root = tmp_path / "mill"
        process = start(recipe, root, PREFECT_HOME=str(tmp_path / "home"))
        deadline = time.monotonic() + 300
        while answered(root) < 2:
            assert process.poll() is None and time.monotonic() < deadline
            time.sleep(0.05)
        assert len(orphans(process.pid)) >= 2, "Prefect's temporary server runs"
        # A terminal's Ctrl-C reaches every process of the group.
        os.killpg(process.pid, number) if number == signal.SIGINT else os.kill(process.pid, number)
        _, err = process.communicate(timeout=60)
        assert process.returncode == 128 + number
        assert orphans(process.pid) == []
        assert "Traceback" not in err
        assert "connection attempts failed" not in err
        assert err.splitlines()[-1] == (
            f"tracemill: stopped by {number.name}; finished tables, rows and embeddings are kept. "
            "Run the same command to continue"
        )
        kept = answered(root)
        assert kept >= 2


def test_the_server_of_a_killed_build_ends_with_it(tmp_path: Path, rulebook: Path) -> None:
    with answering(delay=1) as server:
        recipe = write_recipe(
            tmp_path / "r.yaml",
            rulebook,
            models={"teacher": {"engine": "endpoint", "model": "qwen3:8b"}},
            traces={"samples": 3},
            placement={"models": {"teacher": {"base_url": server.base_url, "window": 2}}},
        )
        process = start(recipe, tmp_path / "mill", PREFECT_HOME=str(tmp_path / "home"))
        deadline = time.monotonic() + 300
        while answered(tmp_path / "mill") < 1:
            assert process.poll() is None and time.monotonic() < deadline
            time.sleep(0.05)
        assert len(orphans(process.pid)) >= 2
        process.kill()
        process.communicate()
        while orphans(process.pid):
            assert time.monotonic() < deadline
            time.sleep(0.05)


def test_a_dead_endpoint_is_reported_within_five_seconds_of_the_stages_start(
    tmp_path: Path, rulebook: Path, prefect_server: str
) -> None:
    recipe = write_recipe(
        tmp_path / "r.yaml",
        rulebook,
        models={"teacher": {"engine": "endpoint", "model": "qwen3:8b"}},
        traces={"samples": 3},
        placement={"models": {"teacher": {"base_url": f"http://127.0.0.1:{free_port()}/v1"}}},
    )
    process = start(recipe, tmp_path / "mill", server=prefect_server)
    try:
        assert process.stderr is not None and process.stdout is not None
        while not list((tmp_path / "mill").glob("journal/*.sqlite")):
            assert process.poll() is None
            time.sleep(0.01)
        began = time.monotonic()
        said = next(line for line in process.stderr if "does not answer" in line)
        assert time.monotonic() - began < 5
        assert "finished rows are kept" in said
    finally:
        process.kill()
        process.communicate()
