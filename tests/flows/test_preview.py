"""A few rows on the screen, and nothing left behind."""

import io
import tempfile
from pathlib import Path

import pytest
from rich.console import Console

from deployments.cli.screen_preview import show_preview
from flows.preview import few_rows, preview
from tasks.grounding.task import ground_passages
from tasks.sources.task import collect_documents
from tests.support.builders import recipe

FAMILIES = [
    {"name": "handbook_qa", "share": 90, "forms": ["What is the fee for {topic}?"]},
    {
        "name": "sums",
        "share": 10,
        "ground": "questions",
        "template": "plain",
        "categories": ["addition"],
    },
]
PLAN = {"rows": 20, "families": FAMILIES}


@pytest.fixture
def scratch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder in which temporary folders are made."""
    folder = tmp_path / "scratch"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    return folder


@pytest.mark.slow
def test_every_family_is_seen_with_its_verdicts_and_nothing_is_left(
    rulebook: Path, tmp_path: Path, scratch: Path
) -> None:
    made = preview(recipe(rulebook, prompts=PLAN), tmp_path / "mill", rows=4)
    assert [row.family for row in made.rows] == [*["handbook_qa"] * 2, *["sums"] * 2]
    for row in made.rows:
        assert row.messages
        assert row.lost or {one.gate for one in row.verdicts} >= {"leakage", "structure"}
    assert not (tmp_path / "mill").exists()
    assert list(scratch.glob("tracemill-preview-*")) == []


@pytest.mark.slow
def test_what_a_build_has_embedded_is_used_and_stays(
    rulebook: Path, tmp_path: Path, scratch: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made, root = recipe(rulebook, prompts=PLAN), tmp_path / "mill"
    passages = ground_passages.fn(collect_documents.fn(made.documents, root), made.grounding, root)
    before = sorted(root.rglob("*"))
    monkeypatch.setattr("tasks.grounding.ground.embed", None)
    shown = preview(made, root, rows=2)
    assert passages.digest in [one.digest for one in shown.stages]
    assert sorted(root.rglob("*")) == before
    assert passages.read().num_rows == passages.rows


@pytest.mark.slow
def test_the_screen_shows_prompts_traces_verdicts_and_what_passed(
    rulebook: Path, tmp_path: Path, scratch: Path
) -> None:
    console = Console(width=100, record=True, file=io.StringIO())
    show_preview(preview(recipe(rulebook), tmp_path / "mill", rows=3), console)
    shown = console.export_text()
    for said in (
        "row 3 of 3: handbook_qa",
        "user",
        "thinks",
        "answers",
        "nothing was kept",
    ):
        assert said in shown


def test_few_rows_are_the_recipes_own_but_for_their_number(rulebook: Path) -> None:
    whole = recipe(rulebook, prompts=PLAN)
    few = few_rows(whole, 3)
    assert (few.prompts.rows, few.prompts.control, few.traces.samples) == (3, 0, 1)
    assert few.models == whole.models
    assert few.verdicts == whole.verdicts


@pytest.mark.slow
def test_rows_that_all_fail_are_shown_with_their_reasons(
    rulebook: Path, tmp_path: Path, scratch: Path
) -> None:
    strict = recipe(rulebook, verdicts={"structure": {"think_min": 5000, "think_max": 9000}})
    made = preview(strict, tmp_path / "mill", rows=3)
    reasons = {one.reason for row in made.rows for one in row.verdicts if one.failed}
    assert "short_think" in reasons
    assert not any(row.passed for row in made.rows)


@pytest.mark.slow
def test_an_answer_that_is_no_trace_is_shown_as_lost(
    rulebook: Path, tmp_path: Path, scratch: Path
) -> None:
    teacher = {"engine": "scripted", "max_tokens": 20, "max_model_len": 24}
    made = preview(recipe(rulebook, models={"teacher": teacher}), tmp_path / "mill", rows=2)
    assert [row.lost for row in made.rows] == ["prompt_too_long"] * 2
