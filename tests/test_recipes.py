from pathlib import Path

import pytest

from flows.recipe import Recipe, load_recipe
from tasks.errors import BadRecipe

RECIPES = sorted((Path(__file__).parents[1] / "deployments" / "recipes").glob("*.yaml"))


@pytest.mark.parametrize("path", RECIPES, ids=lambda path: path.stem)
def test_every_recipe_parses_and_is_called_like_its_file(path: Path) -> None:
    assert load_recipe(path).name == path.stem


def test_a_setting_is_laid_over_the_file() -> None:
    recipe = load_recipe(RECIPES[0], ["prompts.rows=7", "traces.teacher.temperature=0.1", "documents.sources=[{path: /x}]"])
    assert (recipe.prompts.rows, recipe.traces.teacher.temperature, recipe.documents.sources[0].path) == (7, 0.1, "/x")


@pytest.mark.parametrize(
    ("text", "settings", "says"),
    [
        ("name: [", [], "not YAML"),
        ("- a", [], "due a mapping"),
        ("nome: a", [], "nome: Extra inputs are not permitted"),
        ("name: A b", [], "name: String should match pattern"),
        ("name: a", ["prompts.rows=0"], r"prompts.rows: .*greater than or equal to 1 \(got 0\)"),
        ("name: a", ["prompts.rows"], "key.path=value"),
        ("name: a", ["name.rows=1"], "not a mapping"),
        ("name: a", ["verdicts.structure.think_min=30000"], "lies above think_max"),
    ],
)
def test_a_wrong_recipe_is_told_where_and_why(tmp_path: Path, text: str, settings: list[str], says: str) -> None:
    path = tmp_path / "r.yaml"
    path.write_text(text)
    with pytest.raises(BadRecipe, match=says):
        load_recipe(path, settings)


def test_a_recipe_that_is_not_there_is_said() -> None:
    with pytest.raises(BadRecipe, match="cannot be read"):
        load_recipe(Path("no/such.yaml"))


def test_every_knob_says_what_it_does() -> None:
    def silent(schema: dict[str, object], place: str) -> list[str]:
        found = []
        for name, knob in schema.get("properties", {}).items():  # type: ignore[attr-defined]
            found += [] if "description" in knob else [f"{place}.{name}"]
        return found

    schema = Recipe.model_json_schema()
    assert [place for name, part in {"Recipe": schema, **schema["$defs"]}.items() for place in silent(part, name)] == []
