"""The join of traces, prompts, passages and questions."""

import pyarrow as pa
import pytest

from tasks.trace_context import RowsByKey, RowView, context_views, contexts

PROMPTS = pa.table(
    {
        "prompt_id": ["q1", "q2"],
        "passage_ids": [["p2", "p1"], []],
        "question_id": ["", "k1"],
    }
)
PASSAGES = pa.table({"passage_id": ["p1", "p2"], "text": ["one", "two"]})
QUESTIONS = pa.table({"question_id": ["k1"], "accepted": [["4"]]})


def traces(*prompt_ids: str) -> pa.Table:
    ids = [f"t{number}" for number in range(len(prompt_ids))]
    return pa.table({"trace_id": ids, "prompt_id": list(prompt_ids)})


def test_a_trace_comes_with_its_prompt_its_passages_as_shown_and_its_question() -> None:
    made = list(contexts(traces("q2", "q1", "q2").to_batches(2), PROMPTS, PASSAGES, QUESTIONS))
    assert [one.trace["trace_id"] for one in made] == ["t0", "t1", "t2"]
    assert [one.prompt["prompt_id"] for one in made] == ["q2", "q1", "q2"]
    assert [passage["text"] for passage in made[1].passages] == ["two", "one"]
    assert [one.question for one in made] == [
        {"question_id": "k1", "accepted": ["4"]},
        None,
        {"question_id": "k1", "accepted": ["4"]},
    ]


def test_a_trace_of_an_unknown_prompt_is_an_error() -> None:
    with pytest.raises(KeyError, match="q9"):
        list(contexts(traces("q9").to_batches(), PROMPTS, PASSAGES, QUESTIONS))


def test_rows_are_found_by_key_in_every_chunk_of_a_table() -> None:
    chunks = pa.concat_tables([PASSAGES, pa.table({"passage_id": ["p3"], "text": ["three"]})])
    found = RowsByKey(chunks, "passage_id")
    assert [found[name]["text"] for name in ("p3", "p1", "p2")] == ["three", "one", "two"]
    assert found.get("p4") is None


def test_views_show_the_rows_of_the_contexts_and_leave_their_values_in_arrow() -> None:
    batches = traces("q2", "q1", "q2").to_batches(2)
    seen = list(context_views(batches, PROMPTS, PASSAGES, QUESTIONS))
    assert seen == list(contexts(batches, PROMPTS, PASSAGES, QUESTIONS))
    rows = [row for one in seen for row in (one.trace, one.prompt, *one.passages)]
    assert all(type(row) is RowView for row in rows)
    assert not any(hasattr(row, "__dict__") for row in rows)
    with pytest.raises(KeyError, match="colour"):
        seen[0].trace["colour"]
