"""What editors and people are told of a recipe's settings."""

import json
import re
from pathlib import Path

import jsonschema
import pytest
import yaml
from typer.testing import CliRunner

from deployments.cli.main import app
from flows.recipes.corpus import Recipe
from flows.recipes.errors import _paths
from flows.recipes.reference import reference, schema

RECIPES = sorted((Path(__file__).parents[2] / "deployments" / "recipes").glob("*.yaml"))


@pytest.mark.parametrize("path", RECIPES, ids=lambda path: path.stem)
def test_every_shipped_recipe_keeps_the_schema(path: Path) -> None:
    jsonschema.validate(yaml.safe_load(path.read_text()), schema())


@pytest.mark.parametrize(
    "change",
    [
        {"prompts": {"rows": 0}},
        {"prompts": {"rowz": 10}},
        {"models": {"teacher": {"engine": "vlm"}}, "traces": {}},
        {"name": "Not A Name"},
    ],
)
def test_an_editor_sees_what_a_recipe_may_not_say(change: dict[str, object]) -> None:
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({"name": "piece"} | change, schema())


def test_the_reference_names_every_setting_with_its_meaning() -> None:
    sections = dict(
        re.findall(r"^## (?:`(.*?)`|The whole recipe)\n(.*?)(?=^## |\Z)", reference(), re.M | re.S)
    )
    for path in _paths(Recipe):
        above, _, name = path.rpartition(".")
        (rows,) = [text for where, text in sections.items() if where.replace("[]", "") == above]
        (row,) = [line for line in rows.splitlines() if line.startswith(f"| `{name}` |")]
        assert row.rstrip(" |").rpartition("|")[2].strip(), f"{path} has no meaning"


@pytest.mark.parametrize(
    ("where", "row"),
    [
        ("prompts", "| `saturation` | number | > 0, ≤ 1 | `0.6` |"),
        ("probe.prompts", "| `rows` | whole number | ≥ 1 | `60` |"),
        ("probe.asked", "| `temperature` | number | ≥ 0, ≤ 2 | `0.6` |"),
        ("corpus.suite", '| `family_missing` | `fail` or `warn` |  | `"fail"` |'),
        ("documents.sources[]", "| `path` | text |  | required |"),
    ],
)
def test_a_row_has_kind_bounds_and_default(where: str, row: str) -> None:
    section = reference().split(f"## `{where}`\n", 1)[1].split("\n## ", 1)[0]
    assert row in section


def test_the_commands_print_both() -> None:
    run = CliRunner().invoke
    assert json.loads(run(app, ["recipe", "schema"]).stdout)["title"] == "Tracemill recipe"
    assert run(app, ["recipe", "reference"]).stdout == reference()
