"""Settings posted to the API are checked by the server when it creates the run."""

from typing import Any

import pytest
from prefect.utilities.callables import parameter_schema
from prefect.utilities.schema_tools.validation import ValidationError, is_valid_schema, validate

from deployments.deploy import DEPLOYED, _closed
from deployments.setting_lines import lines_schema
from flows.build_corpus import build_corpus
from flows.recipes.corpus import Recipe
from flows.recipes.load import laid_over


def schema() -> dict[str, Any]:
    return {
        "type": "object",
        "properties": {"settings": {"type": "array", "items": lines_schema(Recipe)}},
    }


def refusal(line: str) -> str:
    try:
        validate({"settings": [line]}, schema(), raise_on_error=True)
    except ValidationError as exc:
        return str(exc)
    return ""


@pytest.mark.parametrize(
    "line",
    [
        "prompts.rows=200",
        "prompts.rows= 1_000 ",
        "prompts.rows='7'",
        "prompts.control=0",
        "prompts.control=.05",
        "train.learning_rate=1e-4",
        "models.teacher.engine=endpoint",
        "corpus.control=true",
        "corpus.control=Off",
        "questions.problems.addition=60",
        "questions.problems={addition: 3}",
        "documents.sources=[{path: a=b}]",
        "probe.structure={think_min: 1}",
        "probe.structure.think_min=1",
        "placement.nightly.active=no",
        "name=other",
        "audit.allowed=['a = b']",
        "models={teacher: {engine: scripted}}",
    ],
)
def test_a_line_that_a_recipe_takes_is_accepted(line: str) -> None:
    assert refusal(line) == ""
    base = Recipe.model_validate({"name": "base"})
    assert laid_over(base, [line])


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("prompts.row=200", "with a key of the recipe"),
        ("rows=200", "with a key of the recipe"),
        ("prompts.rows", "with a key of the recipe"),
        ("prompts.rows.more=1", "with a key of the recipe"),
        ("prompts.rows=many", "a whole number of at least 1"),
        ("prompts.rows=0", "a whole number of at least 1"),
        ("prompts.rows=-3", "a whole number of at least 1"),
        ("prompts.seed=-1", "a whole number of at least 0"),
        ("prompts.control=ten percent", "a number behind the ="),
        ("corpus.control=maybe", "true or false"),
        ("models.teacher.engine=vlm", "one of vllm, endpoint, scripted"),
        ("questions.problems.a.b=1", "with a key"),
    ],
)
def test_a_wrong_line_is_refused_with_what_was_expected(line: str, says: str) -> None:
    told = refusal(line)
    assert "settings[0]" in told and says in told
    assert len(told) < 300


def test_every_deployed_flow_checks_its_settings() -> None:
    for line in DEPLOYED:
        closed = _closed(parameter_schema(line.flow), line.flow).model_dump()
        is_valid_schema(closed)
        wrong = {"recipe": {"name": "a"}, "settings": ["prompts.row=1"]}
        with pytest.raises(ValidationError, match="with a key of the recipe"):
            validate(wrong, closed, raise_on_error=True)


def test_the_recipe_itself_is_checked_too() -> None:
    closed = _closed(parameter_schema(build_corpus), build_corpus).model_dump()
    with pytest.raises(ValidationError, match="'row' was unexpected"):
        validate({"recipe": {"name": "a", "prompts": {"row": 1}}}, closed, raise_on_error=True)
