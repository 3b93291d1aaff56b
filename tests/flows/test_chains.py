"""Chains as stages: the same bytes however they ran, and the rows that they lead to."""

import subprocess
import sys
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from flows.build_corpus import build_corpus
from flows.plan.plan import of_settings
from flows.recipes.corpus import Recipe
from tasks.corpus.candidate import Candidate
from tests.support.builders import recipe
from tests.support.builds import answered, kill_when
from tests.support.chain_stages import run_chains

FAMILY = {"name": "inspired_qa", "share": 1, "ground": "chain", "chain": "inspired", "context": 1}
GROWN = {
    "name": "grown",
    "from": "inspired",
    "steps": [
        {
            "repeat": 2,
            "steps": [
                {"name": "bent", "draw": {"reader": ["an expert"], "depth": ["is short"]}},
                {
                    "name": "question",
                    "ask": "inspired",
                    "sees": [
                        "passage.title",
                        "passage.heading",
                        "passage.text",
                        "bent.reader",
                        "bent.depth",
                    ],
                    "returns": {"lines": 1},
                },
                {"name": "short", "keep": [{"test": "words", "most": 30}]},
            ],
        }
    ],
    "gives": {"question": "question.text"},
}


def chained(rulebook: Path, *, window: int = 8, rows: int = 10, **family: object) -> Recipe:
    return recipe(
        rulebook,
        questions={},
        chains=["inspired", GROWN],
        prompts={"rows": rows, "families": [FAMILY | family]},
        placement={"models": {"teacher": {"window": window}}},
        verdicts={"plants": 0},
        corpus={"suite": {"min_rows": 1, "general_min": 0}},
    )


@pytest.mark.slow
def test_chains_give_the_same_bytes_whatever_the_window(rulebook: Path, tmp_path: Path) -> None:
    one = run_chains(chained(rulebook, window=1), tmp_path / "a")
    other = run_chains(chained(rulebook, window=16), tmp_path / "b")
    assert one == other
    places = {name.rpartition("/")[0] for name in one}
    assert {"inspired: question", "grown: question.1", "grown: short.2"} <= places


@pytest.mark.slow
@pytest.mark.parametrize("point", [1, 30])
def test_chains_killed_anywhere_go_on_and_end_with_the_same_bytes(
    rulebook: Path, tmp_path: Path, point: int
) -> None:
    made = chained(rulebook)
    whole = run_chains(made, tmp_path / "whole")
    (tmp_path / "recipe.json").write_text(made.model_dump_json())
    root = tmp_path / "mill"
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.support.chain_stages", tmp_path / "recipe.json", root],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    kill_when(process, lambda: answered(root) >= point)
    assert run_chains(made, root) == whole


@pytest.mark.service
@pytest.mark.usefixtures("prefect_server")
def test_a_build_with_a_chain_asks_its_questions_and_shows_its_funnel(
    rulebook: Path, tmp_path: Path
) -> None:
    told = build_corpus(chained(rulebook), tmp_path)
    prompts = pq.read_table(next((tmp_path / "prompts").glob("*/prompts.parquet"))).to_pylist()
    planned = [row for row in prompts if not row["control"]]
    assert len(planned) == 10 and all(row["passage_ids"] for row in planned)
    assert all(row["notes"] for row in planned)
    card, report = Path(told.card).read_text(), Path(told.report).read_text()
    assert "| inspired | question |" in card and "model calls for each question" in card
    assert "inspired: question" in report
    assert [line.stage for line in told.stages if line.stage.startswith("inspired: ")]


def test_a_closed_book_row_shows_the_question_alone(rulebook: Path, tmp_path: Path) -> None:
    from tasks.prompts.family import PromptSpec
    from tasks.prompts.plan import Passage, Question, plan
    from tasks.prompts.write import prompt_of

    shown = Passage("p1", "d1", "Section 7", "Renewals", "A renewal costs 40 credits.", ())
    asked = Question("q1", "What does a renewal cost?", "inspired", "chain:inspired", ("p1",))
    spec = PromptSpec.model_validate(
        {"rows": 1, "control": 0, "saturation": 1, "families": [FAMILY | {"shown": "nothing"}]}
    )
    (planned,) = plan(spec, [shown], [asked])
    prompt = prompt_of(planned)
    trace = {
        "trace_id": "t1",
        "think": "It is 40.",
        "answer": "40 credits.",
        "model": "teacher",
        "sample": 0,
        "seed": 1,
    }
    row = Candidate(trace, prompt, {}, (), known_answer=False).row({"teacher": "m"})
    assert "40 credits" in str(prompt["messages"]) and prompt["passage_ids"] == ["p1"]
    assert row["prompt"] == "What does a renewal cost?"
    assert "A renewal costs 40 credits." not in str(row["messages"])


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"chains": ["inspierd"]}, "did you mean inspired"),
        ({"chains": ["inspired", "inspired"]}, "two chains have the name"),
        ({"chains": []}, "unknown chain 'inspired'"),
        ({"prompts": {"rows": 5, "families": [FAMILY | {"teacher_sees": "nothing"}]}}, "see"),
        ({"chains": [{"use": "inspired", "change": {"fit": {"model": "nobody"}}}]}, "nobody"),
    ],
)
def test_the_plan_refuses_chains_that_cannot_run(
    rulebook: Path, changes: dict[str, object], says: str
) -> None:
    tree = chained(rulebook).model_dump(mode="json", by_alias=False) | changes
    found = [str(fault) for fault in of_settings(Recipe.model_validate(tree)) if fault.stops]
    assert any(says in one for one in found), found


def test_the_audit_finds_the_words_that_a_chain_drew() -> None:
    import pyarrow as pa

    from tasks import rows
    from tasks.audit.traces import TraceAuditSpec, audit_table

    prompts = [
        {
            "prompt_id": f"q{number}",
            "messages": [{"role": "user", "content": f"What does form {number} cost?"}],
            "question": f"What does form {number} cost?",
            "passage_ids": [],
            "question_id": "",
            "general": False,
            "control": False,
            "family": "f",
            "cell": f"f/{number}",
            "canary": f"canary-{number:016x}",
            "notes": ["a suspicious clerk of the harbour" if number % 2 else "a newcomer"],
            "row_messages": [],
        }
        for number in range(40)
    ]
    traces = [
        {
            "trace_id": f"t{number}",
            "prompt_id": f"q{number}",
            "model": "teacher",
            "sample": 0,
            "think": f"Form {number} has its own price in the list, and I look it up there. "
            + ("I answer as a suspicious clerk of the harbour would." if number % 10 == 7 else ""),
            "answer": f"It costs {number + 3} credits.",
            "raw": "",
            "fault": "",
            "parsed": False,
            "finish_reason": "stop",
            "prompt_tokens": 5,
            "completion_tokens": 9,
            "seed": number,
        }
        for number in range(40)
    ]
    made = audit_table(
        rows.table_of(traces, rows.TRACES),
        rows.table_of(prompts, rows.PROMPTS),
        [],
        TraceAuditSpec(),
    )
    found = made.parts["audits"]
    assert isinstance(found, pa.Table)
    assert {row["trace_id"] for row in found.to_pylist()} == {
        "t7",
        "t17",
        "t27",
        "t37",
    }
