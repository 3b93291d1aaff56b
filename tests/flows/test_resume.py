import time
from pathlib import Path

import pytest

from tests.support.answer_server import Server, answering
from tests.support.builds import (
    answered,
    corpus_bytes,
    finish,
    kill_when,
    orphans,
    start,
    write_recipe,
)

ROWS = (24 + 2) * 3
POINTS = ("passages are being made", 1, 30, ROWS, "verdicts are being made")


@pytest.fixture(scope="module")
def slow_server() -> object:
    with answering(delay=0.05, sigma=1) as server:
        yield server


def recipe_for(folder: Path, server: Server) -> Path:
    from tests.support.builders import write_rulebook

    placement = {"models": {"teacher": {"base_url": server.base_url, "window": 4}}}
    return write_recipe(
        folder / "recipe.yaml",
        write_rulebook(folder / "rules"),
        models={"teacher": {"engine": "endpoint", "model": "m"}},
        placement=placement,
    )


@pytest.fixture(scope="module")
def undisturbed(
    tmp_path_factory: pytest.TempPathFactory, slow_server: Server, prefect_server: str
) -> tuple[Path, dict[str, bytes]]:
    """The recipe, and the corpus of a build that nobody disturbed."""
    folder = tmp_path_factory.mktemp("undisturbed")
    recipe = recipe_for(folder, slow_server)
    assert finish(start(recipe, folder / "mill", server=prefect_server))["requests"] == ROWS
    return recipe, corpus_bytes(folder / "mill")


@pytest.mark.parametrize("point", POINTS)
def test_a_build_killed_anywhere_goes_on_and_ends_with_the_same_bytes(
    tmp_path: Path,
    undisturbed: tuple[Path, dict[str, bytes]],
    slow_server: Server,
    prefect_server: str,
    point: int | str,
) -> None:
    recipe, whole = undisturbed
    root = tmp_path / "mill"
    slow_server.reset()
    first = start(recipe, root, server=prefect_server)

    def reached() -> bool:
        if isinstance(point, int):
            return answered(root) >= point
        before = {"passages are being made": "documents", "verdicts are being made": "traces"}[
            point
        ]
        return any(not path.name.startswith(".") for path in (root / before).glob("*"))

    assert kill_when(first, reached)
    kept = answered(root)
    _wait_for_stragglers(slow_server)
    answered_by_server = slow_server.stats()["total"]
    summary = finish(start(recipe, root, server=prefect_server))
    stats = slow_server.stats()
    assert summary["requests"] == ROWS - kept
    assert stats["distinct"] == ROWS
    assert stats["repeats"] == answered_by_server - kept
    assert corpus_bytes(root) == whole
    assert orphans(first.pid) == []


def _wait_for_stragglers(server: Server) -> None:
    """Wait until the server has finished what a killed client had asked."""
    while server.stats()["in_flight"]:
        time.sleep(0.05)
