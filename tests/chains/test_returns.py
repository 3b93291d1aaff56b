"""The forms an answer can be read as: how a recipe writes them."""

import jsonschema
import pytest
from pydantic import TypeAdapter, ValidationError

from tasks.chains.returns import Returns
from tasks.spec import Spec


class Step(Spec):
    returns: Returns


FORMS: tuple[tuple[object, tuple[str, ...]], ...] = (
    ("text", ("text",)),
    ("turn", ("text",)),
    ({"lines": 5}, ("text",)),
    ({"lines": 5, "titles": True}, ("text",)),
    ({"json": {"question": "string", "years": "integer"}}, ("question", "years")),
    ({"fields": ["question", "answer"]}, ("question", "answer")),
    ({"score": [1, 5]}, ("score",)),
    ({"scores": {"of": 3, "range": [1, 5]}}, ("1", "2", "3")),
    ({"verdict": ["self_contained", "clear"]}, ("self_contained", "clear")),
    ({"choice": 4}, ("choice",)),
)


@pytest.mark.parametrize(("written", "names"), FORMS)
def test_a_form_is_written_short_and_written_back_the_same(
    written: object, names: tuple[str, ...]
) -> None:
    step = Step.model_validate({"returns": written})
    assert step.model_dump(mode="json") == {"returns": written}
    assert Step.model_validate(step) == step
    assert step.returns.names == names
    jsonschema.validate({"returns": written}, Step.model_json_schema())


BAD: tuple[object, ...] = (
    "prose",
    3,
    None,
    {},
    [],
    {"lines": 0},
    {"lines": 5, "more": 1},
    {"json": {"question": "text"}},
    {"json": {}},
    {"fields": []},
    {"score": 5},
    {"scores": {"of": 1, "range": [1, 5]}},
    {"verdict": []},
    {"choice": 1},
)


@pytest.mark.parametrize("written", BAD)
def test_an_unknown_or_empty_form_is_refused(written: object) -> None:
    with pytest.raises(ValidationError):
        TypeAdapter(Returns).validate_python(written)


def test_an_unknown_form_is_answered_with_the_known() -> None:
    with pytest.raises(ValidationError, match=r"known: text, turn, lines: 5"):
        TypeAdapter(Returns).validate_python("list")
