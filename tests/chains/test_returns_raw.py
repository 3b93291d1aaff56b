"""Answers of a real small model, malformed as they came: what is read of them and what is not."""

import json
from collections import Counter
from pathlib import Path
from typing import NamedTuple

import pytest
from pydantic import TypeAdapter

from tasks.chains.returns import Parsed, Returns, Unparsed
from tasks.spec import digest

ANSWERS = Path(__file__).with_name("raw_answers.jsonl")
PARSED = "parsed"
DUE: dict[str, dict[str, int]] = {
    "five_questions": {
        "parsed": 14,
        "list_on_one_line": 3,
        "prose": 1,
        "preamble_only": 1,
        "nested_list": 1,
        "text_in_list": 1,
    },
    "numbered_questions": {"parsed": 19, "prose": 1, "text_in_list": 1},
    "topics": {"parsed": 21},
    "self_instruct": {
        "parsed": 14,
        "nested_list": 3,
        "text_in_list": 2,
        "mixed_lines": 1,
        "two_lists": 1,
    },
    "score_last_line": {"no_score": 21},
    "score_of_ten": {
        "no_score": 13,
        "parsed": 5,
        "two_scores": 1,
        "other_scale": 1,
        "not_whole": 1,
    },
    "scores_by_index": {
        "no_score": 14,
        "no_index": 3,
        "missing_index": 2,
        "out_of_range": 1,
        "repeated_index": 1,
    },
    "two_criteria": {"unnamed_verdict": 17, "no_verdict": 4},
    "relevant": {"no_verdict": 15, "parsed": 6},
    "yes_or_no": {"parsed": 16, "no_verdict": 5},
    "letter": {"parsed": 10, "two_choices": 9, "no_choice": 2},
    "better_of_two": {"no_choice": 20, "parsed": 1},
    "json_pair": {"no_object": 17, "broken_json": 4},
    "labelled_pair": {"no_fields": 14, "missing_field": 4, "parsed": 2, "label_inside": 1},
    "labelled_pairs": {
        "missing_field": 9,
        "no_fields": 7,
        "label_inside": 2,
        "repeated_field": 2,
        "parsed": 1,
    },
    "evolution": {"parsed": 19, "unknown_preamble": 2},
    "back_translation": {"parsed": 20, "unknown_preamble": 1},
    "out_of_reach": {"parsed": 18, "refusal": 3},
    "user_turn": {"parsed": 21},
    "user_turn_bare": {"parsed": 21},
    "score_after_example": {
        "no_score": 10,
        "parsed": 7,
        "two_scores": 2,
        "not_whole": 1,
        "other_scale": 1,
    },
    "scores_after_example": {"parsed": 12, "missing_index": 6, "no_score": 2, "out_of_range": 1},
    "criteria_after_example": {"parsed": 17, "missing_verdict": 3, "no_verdict": 1},
    "choice_after_example": {"no_choice": 14, "two_choices": 6, "parsed": 1},
    "json_after_example": {"parsed": 19, "broken_json": 1, "missing_field": 1},
    "pairs_after_example": {"no_fields": 10, "parsed": 7, "missing_field": 3, "repeated_field": 1},
}
READ_BY_EYE = "3a5442feefad01b7acd252987a2aad98"
"""Digest of all readings. They were compared with their answers one by one, and none was wrong."""


class Answer(NamedTuple):
    """An answer of the fixture and what its form reads in it."""

    kind: str
    text: str
    cut: bool
    found: Parsed | Unparsed


def answers() -> list[Answer]:
    forms = TypeAdapter(Returns)
    rows = map(json.loads, ANSWERS.read_text("utf-8").splitlines())
    return [
        Answer(
            row["kind"],
            row["text"],
            row["finish_reason"] == "length",
            forms.validate_python(row["returns"]).parse(row["text"]),
        )
        for row in rows
    ]


def outcome(answer: Answer) -> str:
    return answer.found.reason if isinstance(answer.found, Unparsed) else PARSED


def test_there_are_at_least_300_answers_to_every_form() -> None:
    rows = [json.loads(line) for line in ANSWERS.read_text("utf-8").splitlines()]
    assert len(rows) >= 300
    forms = {
        row["returns"] if isinstance(row["returns"], str) else next(iter(row["returns"]))
        for row in rows
    }
    assert forms == set("text turn lines json fields score scores verdict choice".split())
    assert {row["finish_reason"] for row in rows} == {"stop", "length"}


@pytest.mark.parametrize("kind", DUE)
def test_every_answer_is_read_or_has_its_reason(kind: str) -> None:
    assert Counter(outcome(one) for one in answers() if one.kind == kind) == DUE[kind]


def test_every_kind_of_answer_is_counted() -> None:
    assert {one.kind for one in answers()} == set(DUE)


def test_the_readings_are_those_that_were_read_by_eye() -> None:
    read = [
        [one.kind, one.text, [dict(item) for item in one.found]]
        for one in answers()
        if not isinstance(one.found, Unparsed)
    ]
    assert len(read) >= 100
    seen = digest(json.dumps(read, ensure_ascii=False, sort_keys=True))
    assert seen == READ_BY_EYE, "compare the changed readings with their answers, then pin them"
