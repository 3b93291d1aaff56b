import json
import re
from itertools import pairwise
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks import rows
from tasks.corpus.candidate import Candidate
from tasks.corpus.card import card
from tasks.corpus.dedup import DedupSpec, without_duplicates
from tasks.corpus.findings import ControlArm, Example, Findings
from tasks.corpus.report import report
from tasks.corpus.select import best_of_n, within_share
from tasks.corpus.suite import SuiteSpec, validate
from tasks.corpus.trust import checked_rows
from tasks.errors import SuiteFailed
from tasks.held_out import DecontaminationSpec, found_in, held_out

THOUGHT = "The rule names a fee of forty credits for a late reply and a term of three weeks, so I read it twice, weigh it, and give the fee it names."


def candidate(
    number: int, *, prompt: int | None = None, documents: tuple[str, ...] = (), **changes: object
) -> Candidate:
    trace = {
        "trace_id": f"t{number}",
        "prompt_id": f"q{prompt or number}",
        "model": "teacher",
        "sample": number,
        "think": f"{THOUGHT} Row {number}.",
        "answer": f"{number}",
        "seed": number,
    } | {name: value for name, value in changes.items() if name in ("think", "answer", "sample")}
    asked = {
        "prompt_id": f"q{prompt or number}",
        "messages": [{"role": "user", "content": str(changes.get("question", f"Ask {number}?"))}],
        "row_messages": [],
        "family": str(changes.get("family", "f")),
        "general": bool(changes.get("general")),
        "control": False,
        "question_id": "",
        "passage_ids": [],
    }
    scores = changes.get("scores", {})
    sources = tuple({"document_id": one, "source": one, "licence": "CC0-1.0"} for one in documents)
    return Candidate(trace, asked, dict(scores), sources, known_answer=False)  # type: ignore[call-overload]


def test_best_of_n_prefers_verified_then_grounded_then_plain_then_early() -> None:
    found = [
        candidate(1, prompt=1, scores={"correctness": 0, "grounding": 1.0}),
        candidate(2, prompt=1, scores={"correctness": 1, "grounding": 0.5}),
        candidate(3, prompt=1, scores={"correctness": 1, "grounding": 0.7, "fluency": 0.2}),
        candidate(4, prompt=1, scores={"correctness": 1, "grounding": 0.7, "fluency": 0.1}),
        candidate(5, prompt=1, scores={"correctness": 1, "grounding": 0.7, "fluency": 0.1}),
        candidate(6),
    ]
    kept, rejected = best_of_n(found)
    assert [one.trace_id for one in kept] == ["t4", "t6"]
    assert {one.reason for one in rejected} == {"not_best_of_n"}
    assert best_of_n(found[::-1])[0] == kept


@given(st.integers(0, 30), st.integers(0, 30), st.floats(0.05, 0.95))
def test_a_share_is_never_exceeded_and_never_undershot_by_more_than_a_row(
    inside: int, outside: int, share: float
) -> None:
    found = [candidate(n, family="g" if n < inside else "f") for n in range(inside + outside)]
    kept, rejected = within_share(found, share=share, belongs=["g"])
    within = sum(one.family == "g" for one in kept)
    assert len(kept) + len(rejected) == inside + outside
    assert within <= share * len(kept) + 1e-6
    assert within == inside or within + 1 > share * (len(kept) + 1) - 1e-6


def reasons(found: list[Candidate], **settings: object) -> dict[str, str]:
    return {one.trace_id: one.reason for one in without_duplicates(found, DedupSpec(**settings))[1]}  # type: ignore[arg-type]


def test_exact_and_near_duplicates_go_and_other_numbers_stay() -> None:
    same = candidate(1, answer="so it is", think=THOUGHT)
    found = [
        same,
        candidate(2, answer="So it is!", think=THOUGHT),
        candidate(3, answer="so it is", think=THOUGHT.replace("twice", "again")),
        candidate(4, answer="so it is 50", think=THOUGHT),
        candidate(5, answer="so it is", think="Something else altogether is said here."),
    ]
    assert reasons(found) == {"t2": "exact_duplicate", "t3": "near_duplicate"}
    assert reasons(found, same_numbers=False) == {
        "t2": "exact_duplicate",
        "t3": "near_duplicate",
        "t4": "near_duplicate",
    }
    assert reasons(found, copies=2) == {"t2": "exact_duplicate"}
    assert reasons(found, jaccard=1.0) == {"t2": "exact_duplicate"}


def test_similarity_does_not_chain() -> None:
    """Each row is near the next, the last is far from the first: one per component would keep one
    row of them all.
    """
    tokens = [f"w{n}" for n in range(90)]
    found = [candidate(n, answer="", think=" ".join(tokens[3 * n : 3 * n + 45])) for n in range(16)]
    kept, _ = without_duplicates(found, DedupSpec(jaccard=0.7, same_numbers=False))
    assert 4 <= len(kept) < 16


def questions(*texts: str, split: str = "held_out") -> pa.Table:
    base = {
        "accepted": [],
        "answer_type": "text",
        "category": "bench",
        "split": split,
        "source": "",
        "licence": "",
        "passage_ids": [],
        "lineage": [],
        "notes": [],
    }
    return rows.table_of(
        [base | {"question_id": str(n), "text": text} for n, text in enumerate(texts)],
        rows.QUESTIONS,
    )


LONG = "A train leaves the northern station at seven and meets another near the old bridge at noon."
TEMPLATE = "Apply the rule to the facts and decide whether the claim is allowed or rejected: "


@pytest.mark.parametrize(
    ("question", "benchmark"),
    [
        (LONG.upper().replace(" ", "  "), "bench"),
        ("He said that the northern station at seven and meets another near the bridge.", "bench"),
        ("Tell me: what is 17 + 25?", "bench"),
        ("Tell me: what is 17 + 26?", None),
        (TEMPLATE + "the pump leaks.", None),
        (TEMPLATE + "the valve is blue.", "bench"),
        ("The northern station opens at seven.", None),
    ],
)
def test_held_out_questions_are_found_whole_or_in_part_but_not_by_their_template(
    question: str, benchmark: str | None
) -> None:
    spec = DecontaminationSpec()
    known = held_out(
        questions(
            LONG,
            "What is 17 + 25?",
            TEMPLATE + "the valve is blue.",
            TEMPLATE + "the seal is dry.",
            TEMPLATE + "the nozzle is new.",
        ),
        spec,
    )
    one = candidate(1, question=question, think="I think.", answer="So.")
    hit = found_in(one.conversation, known, spec)
    assert (hit[0] if hit else None) == benchmark


def test_asked_questions_do_not_contaminate() -> None:
    known = held_out(questions(LONG, split="train"), DecontaminationSpec())
    one = candidate(1, question=LONG)
    assert found_in(one.conversation, known, DecontaminationSpec()) is None


def columns(**changes: list[object]) -> dict[str, list[object]]:
    count = 12
    values: dict[str, list[Any]] = {
        "row_id": [f"r{n}" for n in range(count)],
        "prompt": [f"Ask {n}?" for n in range(count)],
        "think": [f"{THOUGHT} {n}" for n in range(count)],
        "answer": [str(n) for n in range(count)],
        "family": ["f"] * count,
        "general": [1] + [0] * (count - 1),
        "verified": [1] * count,
        "split": ["train"] * count,
    }
    return values | changes


def test_checked_rows_are_those_of_the_corpus_in_which_a_gate_had_something_to_check() -> None:
    states = [
        ("t1", "citations", "passed"),
        ("t1", "quotations", "not_checked"),
        ("t2", "citations", "not_checked"),
        ("t9", "quotations", "failed"),
        ("t3", "citations", "passed"),
    ]
    made = [
        {"trace_id": trace, "gate": gate, "state": state, "reason": "", "score": 0.0}
        for trace, gate, state in states
    ]
    batches = rows.table_of(made, rows.VERDICTS).to_batches(max_chunksize=2)
    checked = checked_rows([candidate(3), candidate(2), candidate(1)], batches)
    assert {gate: marks.tolist() for gate, marks in checked.items()} == {
        "citations": [True, False, True],
        "quotations": [False, False, False],
    }


def test_a_family_missing_from_a_split_is_borne_where_the_recipe_says_so(tmp_path: Path) -> None:
    family: list[object] = ["g", *["f"] * 11]
    lacking = columns(family=family, split=[*["train"] * 11, "validation"])
    lines = validate(lacking, SuiteSpec(family_missing="warn"), docs=tmp_path)
    assert all(line.success for line in lines)


@pytest.mark.parametrize(
    ("changes", "spec", "says"),
    [
        ({"row_id": ["r0"] * 2 + [f"r{n}" for n in range(2, 12)]}, {}, "row_id"),
        (
            {"think": [f"{THOUGHT} canary-0123456789abcdef"] + [THOUGHT] * 11},
            {},
            r"no think holds a canary.*r0",
        ),
        (
            {"answer": ["</think> 4"] + ["4"] * 11},
            {},
            r"no answer holds a <think> tag: not true in 1 rows.*r0",
        ),
        ({"answer": [" "] + ["4"] * 11}, {}, "r0"),
        ({}, {"general_min": 0.1}, r"10.0% to 15.0% of the rows are general .*: found 0\.083"),
        ({}, {"min_rows": 13}, "at least 13 rows .corpus.suite.min_rows.: found 12"),
        ({}, {"think_max": 20}, "think"),
        ({"verified": [0] * 12}, {"verified_min": 0.5}, "verified"),
        (
            {"family": ["g"] + ["f"] * 11, "split": ["train"] * 11 + ["validation"]},
            {},
            "family.*g.*=warn",
        ),
    ],
)
def test_a_corpus_that_is_not_what_it_should_be_fails_and_names_rows(
    tmp_path: Path, changes: dict[str, list[object]], spec: dict[str, float], says: str
) -> None:
    with pytest.raises(SuiteFailed, match=says):
        validate(columns(**changes), SuiteSpec(**spec), docs=tmp_path)  # type: ignore[arg-type]


def test_a_sound_corpus_passes_and_leaves_data_docs(tmp_path: Path) -> None:
    lines = validate(columns(), SuiteSpec(), docs=tmp_path)
    assert all(line.success for line in lines)
    assert len(lines) >= 18
    pages = [page.read_text() for page in tmp_path.rglob("*.html")]
    assert len(pages) == 3
    loaded = [
        found for page in pages for found in re.findall(r"<(?:script|img|link)[^>]*//[^>]*>", page)
    ]
    assert any("✓" in page for page in pages)
    assert loaded == [] and not any("<script" in page for page in pages)


def findings(**changes: object) -> Findings:
    values: dict[str, object] = {
        "name": "small",
        "teacher": "builtin:pocket",
        "prompts": 10,
        "asked": 40,
        "trace_rejects": {"cut_answer": 2},
        "verdict_rejects": {"loop": 8},
        "corpus_rejects": {"not_best_of_n": 20, "near_duplicate": 2},
        "passing": 30,
        "judge": "",
        "control": ControlArm(0, 0, 0, accepted=False),
        "rows": 8,
        "validation": 1,
        "families": {"f": 8},
        "general": 1,
        "verified": 4,
        "think_lengths": [100, 140, 160, 220, 300, 310, 330, 410],
        "band": (40, 2000),
        "similarities": [0.5, 0.6, 0.9],
        "benchmark_hits": {"bench": 1},
        "sources": {("book/a.md", "Apache-2.0"): 8},
        "suite": [],
        "examples": [Example("f", "Ask?", "I think.", "So.")],
    }
    return Findings(**values | changes)  # type: ignore[arg-type]


def test_the_funnel_ends_at_the_corpus() -> None:
    funnel = findings().funnel
    assert (funnel[0].name, funnel[0].rows, funnel[-1].rows) == ("asked", 40, findings().rows)
    assert [one.share for one in funnel[1:]] == [
        one.rows / before.rows for before, one in pairwise(funnel)
    ]


def test_every_loss_is_in_the_funnel_the_largest_of_a_step_first() -> None:
    rejects = {"loop": 3, "short_think": 9, "drift": 5}
    funnel = findings(
        verdict_rejects=rejects, corpus_rejects={"invented": 2, "over_quota": 3}
    ).funnel
    gates = next(step for step in funnel if step.name == "passed every gate")
    assert gates.lost == [("short_think", 9), ("drift", 5), ("loop", 3)]
    assert {reason for step in funnel for reason, _ in step.lost} >= {"invented", "over_quota"}
    assert funnel[-1].rows == 40 - 2 - 17 - 5
    page = report(findings())
    assert "not_best_of_n" in page
    assert "best of several passing answers" in page


def test_the_report_names_recipe_and_fingerprint_and_rounds_its_numbers() -> None:
    line = {
        "expectation": "e",
        "says": "general rows at least 10.0%",
        "kwargs": {"min_value": 0.1},
        "success": True,
        "observed": 1 / 7,
        "unexpected": 0,
    }
    page = report(findings(fingerprint="0123abcd0123abcd", suite=[line]))
    assert "Recipe <b>small</b>" in page and "0123abcd0123abcd" in page
    assert "0.143" in page and "0.1428" not in page


def test_a_control_arm_left_aside_is_told_and_counts_in_no_yield() -> None:
    aside = findings(
        control=ControlArm(2, 8, 5, accepted=False), corpus_rejects={"not_best_of_n": 17}
    )
    offered = next(step for step in aside.funnel if step.name == "offered to the corpus")
    assert (offered.rows, offered.lost) == (25, [("control_arm", 5)])
    assert (aside.yield_share, aside.funnel[-1].rows) == (1.0, aside.rows)
    assert "2 of the prompts were asked without any instruction" in card(
        aside
    ) and "none of them is in the corpus" in card(aside)
    accepted = findings(control=ControlArm(2, 8, 5, accepted=True))
    assert (accepted.yield_share, accepted.funnel[-1].rows) == (0.8, accepted.rows)
    assert "without any instruction" not in card(findings())


def test_the_report_asks_nothing_of_any_network_and_escapes_what_it_shows() -> None:
    hostile = '<script>alert("x")</script>{{ 7*7 }}'
    line = {
        "expectation": "e",
        "says": hostile,
        "kwargs": {"value": hostile},
        "success": True,
        "observed": hostile,
        "unexpected": 0,
    }
    page = report(
        findings(
            name=hostile,
            sources={(hostile, hostile): 1},
            families={hostile: 8},
            suite=[line],
            examples=[Example(hostile, hostile, hostile, hostile)],
        )
    )
    assert "<script" not in page
    assert "49" not in page.split("</style>")[1].split("<h2>At a glance")[0]
    addresses = [
        found
        for found in re.findall(r"""(?:src|href)\s*=\s*["']([^"']+)|url\(([^)]+)\)""", page)
        if not "".join(found).startswith("#")
    ]
    assert addresses == []
    assert page.count("<svg") == 4


def test_the_report_is_the_same_bytes_for_the_same_findings() -> None:
    assert report(findings()) == report(findings())


def test_the_card_tells_yield_licence_and_hits_and_keeps_cells_closed() -> None:
    text = card(findings(sources={("a|b`<x>", ""): 3}))
    assert "80.0 rows per 100 prompts" in text
    assert "| gates | loop | 8 |" in text
    assert r"a\|b\`\<x\>" in text
    assert "not stated" in text
    assert "bench 1." in text


def test_suite_lines_can_be_written_as_json(tmp_path: Path) -> None:
    assert json.loads(json.dumps(validate(columns(), SuiteSpec(), docs=tmp_path), default=str))
