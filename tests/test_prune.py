import os
from pathlib import Path

import pytest

from flows.build_corpus import build_corpus
from flows.prune import prune
from tasks.store import tables
from tests.builders import recipe


def night(rulebook: Path, root: Path, seed: int, **keep: object) -> dict[str, object]:
    made = recipe(rulebook, traces={"samples": 3, "seed": seed, "teacher": {"engine": "scripted"}}, placement={"keep": keep})
    return build_corpus(made, root).model_dump()


def count(root: Path) -> dict[str, int]:
    return {stage: len(tables(root, stage)) for stage in ("documents", "prompts", "traces", "verdicts", "corpus")}


def test_only_the_kept_builds_and_what_they_stand_on_stay(tmp_path: Path, rulebook: Path, prefect_server: str) -> None:
    nights = [night(rulebook, tmp_path, seed, builds=2, days=0) for seed in range(4)]
    assert count(tmp_path) == {"documents": 1, "prompts": 1, "traces": 2, "verdicts": 2, "corpus": 2}
    assert {path.name for path in (tmp_path / "corpus").glob("[!.]*")} == {str(one["fingerprint"]) for one in nights[2:]}
    assert {path.name for path in (tmp_path / "data_docs").glob("[!.]*")} == {str(one["fingerprint"]) for one in nights[2:]}
    again = night(rulebook, tmp_path, 3, builds=2, days=0)
    assert (again["requests"], again["fingerprint"]) == (0, nights[3]["fingerprint"])
    assert night(rulebook, tmp_path, 0, builds=2, days=0)["fingerprint"] == nights[0]["fingerprint"]


def test_what_was_used_lately_and_what_a_promoted_student_is_stays(tmp_path: Path, rulebook: Path, prefect_server: str) -> None:
    night(rulebook, tmp_path, 0, builds=1, days=30)
    night(rulebook, tmp_path, 1, builds=1, days=30)
    assert count(tmp_path)["traces"] == 2
    first = tables(tmp_path, "traces")[0].table
    (tmp_path / "promoted").mkdir()
    (tmp_path / "promoted" / "small").symlink_to(os.path.relpath(first.path, tmp_path / "promoted"))
    prune(tmp_path, days=0)
    assert first.path.is_dir() and count(tmp_path)["verdicts"] == 1


@pytest.mark.parametrize("ledger", [False, True])
def test_a_store_without_a_ledger_is_left_alone(tmp_path: Path, ledger: bool) -> None:
    (tmp_path / "journal").mkdir()
    (tmp_path / "journal" / "a.sqlite").write_text("x")
    if ledger:
        (tmp_path / "builds").mkdir()
    assert prune(tmp_path, days=0) == []
    assert (tmp_path / "journal" / "a.sqlite").exists() is not ledger
