import os
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

from flows.build_corpus import build_corpus
from flows.prune import DAY, prune
from tasks.inference.engine import Completion
from tasks.inference.journal import Journal
from tasks.store import UNPUBLISHED, tables
from tests.support.builders import recipe
from tests.support.builds import answered


def night(rulebook: Path, root: Path, seed: int, **keep: object) -> dict[str, object]:
    made = recipe(
        rulebook,
        models={"teacher": {"engine": "scripted"}},
        traces={"samples": 3, "seed": seed},
        placement={"keep": keep},
    )
    return build_corpus(made, root).model_dump()


def count(root: Path) -> dict[str, int]:
    return {
        stage: len(tables(root, stage))
        for stage in ("documents", "prompts", "traces", "verdicts", "corpus")
    }


def test_only_the_kept_builds_and_what_they_stand_on_stay(
    tmp_path: Path, rulebook: Path, prefect_server: str
) -> None:
    nights = [night(rulebook, tmp_path, seed, builds=2, days=0) for seed in range(4)]
    assert count(tmp_path) == {
        "documents": 1,
        "prompts": 1,
        "traces": 2,
        "verdicts": 2,
        "corpus": 2,
    }
    assert {path.name for path in (tmp_path / "corpus").glob("[!.]*")} == {
        str(one["fingerprint"]) for one in nights[2:]
    }
    assert {path.name for path in (tmp_path / "data_docs").glob("[!.]*")} == {
        str(one["fingerprint"]) for one in nights[2:]
    }
    again = night(rulebook, tmp_path, 3, builds=2, days=0)
    assert (again["requests"], again["fingerprint"]) == (0, nights[3]["fingerprint"])
    assert night(rulebook, tmp_path, 0, builds=2, days=0)["fingerprint"] == nights[0]["fingerprint"]


def test_what_was_used_lately_and_what_a_promoted_student_is_stays(
    tmp_path: Path, rulebook: Path, prefect_server: str
) -> None:
    night(rulebook, tmp_path, 0, builds=1, days=30)
    night(rulebook, tmp_path, 1, builds=1, days=30)
    assert count(tmp_path)["traces"] == 2
    first = tables(tmp_path, "traces")[0].table
    (tmp_path / "promoted").mkdir()
    (tmp_path / "promoted" / "small").symlink_to(os.path.relpath(first.path, tmp_path / "promoted"))
    prune(tmp_path, days=0)
    assert first.path.is_dir() and count(tmp_path)["verdicts"] == 1


def test_answers_of_kept_traces_and_those_used_lately_stay_in_the_journal(
    tmp_path: Path, rulebook: Path, prefect_server: str
) -> None:
    night(rulebook, tmp_path, 0, builds=1, days=30)
    night(rulebook, tmp_path, 1, builds=1, days=30)
    (journal,) = (tmp_path / "journal").glob("*.sqlite")
    before = answered(tmp_path)
    with sqlite3.connect(journal) as book:
        book.execute("UPDATE completions SET used = used - 31")
    prune(tmp_path, days=30)
    assert answered(tmp_path) == before
    shutil.rmtree(tables(tmp_path, "traces")[0].table.path)
    prune(tmp_path, days=30)
    assert answered(tmp_path) == tables(tmp_path, "traces")[0].table.rows_in == before / 2


def test_a_journal_of_which_nothing_is_needed_goes(tmp_path: Path) -> None:
    path = tmp_path / "journal" / "a.sqlite"
    with closing(Journal(path)) as book:
        book.append(Completion("k", "x", "stop", 1, 1))
    long_ago = path.stat().st_mtime - 31 * DAY
    assert prune(tmp_path, days=0) == []
    assert path.exists(), "a store without a ledger is left alone"
    (tmp_path / "builds").mkdir()
    with sqlite3.connect(path) as other:
        other.execute("UPDATE completions SET used = used - 31")
    prune(tmp_path, days=30)
    assert answered(tmp_path) == 0
    os.utime(path, (long_ago, long_ago))
    prune(tmp_path, days=30)
    assert not path.exists()


def test_a_file_that_is_no_journal_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "builds").mkdir()
    (tmp_path / "journal").mkdir()
    (tmp_path / "journal" / "a.sqlite").write_text("no journal" * 100)
    assert prune(tmp_path, days=0) == []
    assert (tmp_path / "journal" / "a.sqlite").exists()


def test_the_rejected_rows_of_a_failed_build_go_after_as_many_days(tmp_path: Path) -> None:
    (tmp_path / "builds").mkdir()
    old, young = (tmp_path / "corpus" / f"{UNPUBLISHED}{name}" for name in ("old", "young"))
    for folder in (old, young):
        folder.mkdir(parents=True)
    os.utime(old, (0, 0))
    prune(tmp_path, days=14)
    assert (old.exists(), young.exists()) == (False, True)
