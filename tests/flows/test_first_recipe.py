"""The first recipe of somebody who has documents and nothing else."""

import json
import subprocess
from pathlib import Path

import pytest
import yaml

from flows.first_recipe import first_recipe, name_of
from flows.plan.plan import outlook
from flows.recipes.corpus import Recipe
from tasks.errors import BadRecipe
from tests.support.builders import write_rulebook
from tests.support.builds import TRACEMILL
from tests.support.manual import write_manual


def tracemill(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [TRACEMILL, *arguments], capture_output=True, text=True, cwd=folder, check=False
    )


def write_notes(folder: Path) -> Path:
    """Write plain notes without a heading."""
    folder.mkdir()
    for number in range(3):
        (folder / f"note {number}.txt").write_text(
            f"On day {number} the pump of the northern well was oiled and the valve was closed.\n"
        )
    return folder


def write_column(folder: Path) -> Path:
    """Write a data set whose text stands in a column of another name."""
    folder.mkdir()
    lines = [
        {
            "id": number,
            "body": f"Case {number}: the clerk filed the paper in room {number} on time.",
        }
        for number in range(40)
    ]
    (folder / "rows.jsonl").write_text("\n".join(map(json.dumps, lines)))
    return folder


MAKERS = {"rulebook": write_rulebook, "notes": write_notes, "column": write_column}


@pytest.mark.parametrize("teacher", ["endpoint", "builtin:pocket", "scripted"])
@pytest.mark.parametrize("documents", MAKERS)
def test_plan_finds_no_fault_in_a_first_recipe(
    documents: str, teacher: str, tmp_path: Path
) -> None:
    folder = MAKERS[documents](tmp_path / documents)
    written = first_recipe([str(folder)], "", teacher, tmp_path / "mill")  # type: ignore[arg-type]
    recipe = Recipe.model_validate(yaml.safe_load(written.text))
    found = outlook(recipe, tmp_path / "mill")
    assert [str(one) for one in found.faults if one.stops] == []
    assert found.supply and found.supply.passages
    assert recipe.name == documents


def test_a_large_manual_gets_a_plan_of_several_hundred_rows_without_a_warning(
    tmp_path: Path,
) -> None:
    folder = write_manual(tmp_path / "my_manual")
    written = first_recipe([str(folder)], "rules", "endpoint", tmp_path / "mill")
    assert written.seen.faults == ()
    assert "Found: 10 documents, 460 sections, 460 passages." in written.text
    assert (written.recipe.name, written.recipe.prompts.rows) == ("rules", 600)


def test_the_columns_of_a_data_set_are_found(tmp_path: Path) -> None:
    folder = write_column(tmp_path / "cases")
    written = first_recipe([str(folder)], "", "endpoint", tmp_path / "mill")
    assert written.recipe.documents.sources[0].text == ("body",)


def test_the_command_writes_the_file_says_what_to_do_next_and_never_overwrites(
    tmp_path: Path,
) -> None:
    write_manual(tmp_path / "my_manual")
    done = tracemill(tmp_path, "init", "my_manual")
    assert (done.returncode, done.stderr) == (0, "")
    for said in ("460 sections", "my_manual.yaml", "tracemill plan", "tracemill preview"):
        assert said in done.stdout
    written = (tmp_path / "my_manual.yaml").read_text()
    planned = tracemill(tmp_path, "plan", "my_manual.yaml")
    assert (planned.returncode, planned.stderr) == (0, "")
    again = tracemill(tmp_path, "init", "my_manual", "--teacher", "scripted")
    assert again.returncode == 2
    assert "exists already" in again.stderr
    assert (tmp_path / "my_manual.yaml").read_text() == written


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["nowhere"], "'nowhere' does not exist"),
        (["empty"], "gives no document"),
        (["rules", "--teacher", "gpt"], "known: builtin:pocket, endpoint, scripted"),
        (["rules", "--out", "no/such/folder.yaml"], "there is no folder 'no/such'"),
        (["rules", "--name", "My Corpus!"], "name"),
    ],
)
def test_what_cannot_be_done_is_one_sentence_and_writes_nothing(
    arguments: list[str], says: str, tmp_path: Path
) -> None:
    write_rulebook(tmp_path / "rules")
    (tmp_path / "empty").mkdir()
    done = tracemill(tmp_path, "init", *arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert says in done.stderr
    assert list(tmp_path.glob("**/*.yaml")) == []


def test_documents_without_a_passage_are_told(tmp_path: Path) -> None:
    (tmp_path / "short.txt").write_text("Too short.")
    with pytest.raises(BadRecipe, match="no passage to ask about"):
        first_recipe([str(tmp_path / "short.txt")], "", "endpoint", tmp_path / "mill")


def test_a_path_with_odd_characters_is_read_back_as_it_is(tmp_path: Path) -> None:
    folder = write_rulebook(tmp_path / 'a "b": {c} # é 🙂')
    written = first_recipe([str(folder)], "odd", "endpoint", tmp_path / "mill")
    assert written.recipe.documents.sources[0].path == str(folder)


@pytest.mark.parametrize(
    ("source", "name"),
    [
        ("rules/", "rules"),
        ("My Manual.md", "my-manual-md"),
        ("hub:owner/Big_Set", "big_set"),
        ("builtin:handbook", "handbook"),
        ("Ärger/…", "corpus"),
        ("x" * 100, "x" * 64),
    ],
)
def test_a_name_is_made_that_a_recipe_may_have(source: str, name: str) -> None:
    assert name_of(source) == name
    assert Recipe.model_validate({"name": name})


def test_a_source_that_waits_for_the_build_is_said(tmp_path: Path) -> None:
    written = first_recipe(["hub:owner/papers"], "", "endpoint", tmp_path / "mill")
    assert "Not read yet, so not counted: hub:owner/papers: it comes from a hub." in written.text
