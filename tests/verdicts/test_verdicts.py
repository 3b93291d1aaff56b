import threading
import unicodedata
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace

import psutil
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks import rows
from tasks.errors import JudgeLost
from tasks.text_faults import foreign_share
from tasks.verdicts.case import Case, Passage
from tasks.verdicts.gates import GATES, VerdictSpec, judge, judge_case
from tasks.verdicts.leakage import leakage
from tests.support.builders import case, prompts_table

FAMILIES = frozenset({"handbook_qa", "A4 spice combinator", "equation"})
SPEC = VerdictSpec()


def verdicts(one: Case) -> dict[str, str]:
    """Return gate → fault, "" where nothing failed."""
    return {found.gate: found.fault for found in judge_case(one, SPEC, FAMILIES)}


def test_a_sound_trace_passes_every_gate() -> None:
    assert set(verdicts(case()).values()) == {""}
    assert list(verdicts(case())) == [
        "leakage",
        "audit",
        "structure",
        "fluency",
        "closed_book",
        "citations",
        "quotations",
        "grounding",
        "attribution",
        "relevance",
        "completeness",
        "consistency",
        "correctness",
    ]


LOOP = "The sum is eleven and so we add one more to it again. " * 12
COMPOUND = "The Donaudampfschifffahrtsgesellschaft is named in the record of the case."


@pytest.mark.parametrize(
    ("gate", "change", "reason"),
    [
        ("structure", {"fault": "unclosed_think"}, "unclosed_think"),
        ("structure", {"think": "Too short."}, "short_think"),
        ("structure", {"think": "word " * 5000}, "long_think"),
        ("structure", {"answer": "word " * 1000}, "long_answer"),
        ("leakage", {"raw": "<think>canary-00112233445566aa</think>"}, "canary"),
        ("leakage", {"raw": "<think>canary-ffffffffffffffff</think>"}, "foreign_canary"),
        (
            "leakage",
            {
                "think": "A4 spice combinator: rejection is framed as a question of form, so I begin with it."
            },
            "plan_vocabulary",
        ),
        (
            "leakage",
            {
                "think": "We note the a4-spice combinator here and then go on to reason about the fee."
            },
            "plan_vocabulary",
        ),
        (
            "leakage",
            {
                "think": "Equation: this row shall differ from the last. The fee is 40 credits in Section 214."
            },
            "plan_vocabulary",
        ),
        (
            "leakage",
            {
                "think": "For handbook_qa/p1/0 I vary the wording. Section 214 says that the fee is 40 credits."
            },
            "plan_vocabulary",
        ),
        ("fluency", {"think": LOOP}, "loop"),
        (
            "fluency",
            {
                "think": "Claim1Awirelesschargingstationcomprisinganinductivecoilarranged and so the fee is 40 credits."
            },
            "run_together",
        ),
        (
            "fluency",
            {"think": "The fee is forty credits â€œand no moreâ€\x9d says the rule, so it is 40."},
            "mojibake",
        ),
        (
            "fluency",
            {"think": "The fee is forty \ufffd\ufffd credits, as the section says in plain words."},
            "mojibake",
        ),
        (
            "fluency",
            {"think": "The fee is 40 credits. 수수료는 사십 크레딧입니다 그래서 답은 사십입니다."},
            "script_drift",
        ),
        (
            "citations",
            {"answer": "The fee for late fees is 40 credits. [Section 999]"},
            "unresolved_citation",
        ),
        (
            "citations",
            {
                "think": "I recall from [Mayo v. Klein Electric] that the fee is 40 credits, as always."
            },
            "unresolved_citation",
        ),
        ("citations", {"answer": "The fee for late fees is 40 credits."}, "missing_citation"),
        (
            "grounding",
            {"answer": "The fee for late fees is 41 credits. [Section 214]"},
            "ungrounded_number",
        ),
        (
            "grounding",
            {"answer": "Applicants enjoy generous seasonal discounts everywhere. [Section 214]"},
            "ungrounded_answer",
        ),
        ("grounding", {"answer": "The passages do not say."}, "abstained"),
        ("correctness", {"accepted": ("50 credits",)}, "wrong_answer"),
    ],
)
def test_every_gate_fails_its_known_bad_rows_for_the_right_reason(
    gate: str, change: dict[str, object], reason: str
) -> None:
    assert verdicts(case(**change))[gate] == reason


@pytest.mark.parametrize(
    ("gate", "change"),
    [
        (
            "leakage",
            {
                "think": "The equation is 3x + 2 = 11, so I subtract 2 from both sides and divide by 3."
            },
        ),
        (
            "leakage",
            {
                "prompt": "Explain canary-0123456789abcdef.",
                "think": "The prompt names canary-0123456789abcdef, an odd word, and asks for it.",
            },
        ),
        ("fluency", {"think": COMPOUND}),
        (
            "fluency",
            {
                "think": "The naïve reading of “late” costs 40 €; see https://example.org/averyveryveryveryveryveryverylongaddress/x."
            },
        ),
        (
            "fluency",
            {
                "think": "Add 1 and 2: 3. Add 2 and 3: 5. Add 3 and 4: 7. Add 4 and 5: 9. Add 5 and 6: 11. Then the sum is 35."
            },
        ),
        ("citations", {"answer": "The fee for late fees is 40 credits. [section 214]"}),
        ("citations", {"passages": (), "answer": "x is in the interval [1, 2]."}),
        ("grounding", {"answer": "40 credits [Section 214]"}),
        ("grounding", {"answer": "Section 214 governs late fees. [Section 214]"}),
        ("grounding", {"passages": (), "answer": "Nothing here was read anywhere: 12."}),
        ("correctness", {"accepted": ("the fee for late fees is 40 credits. [section 214]",)}),
    ],
)
def test_every_gate_passes_its_known_good_rows(gate: str, change: dict[str, object]) -> None:
    assert verdicts(case(**change))[gate] == ""


@pytest.mark.parametrize(
    ("accepted", "answer", "right"),
    [
        ("12", r"The answer is \boxed{12}.", True), ("12", "12", True), ("12", r"\boxed{13}", False), ("12", r"first \boxed{12}, no: \boxed{13}", False),
        ("1/2", r"The answer is $\frac{1}{2}$.", True), ("0.5", r"\boxed{\frac{1}{2}}", True), ("1/2", r"\boxed{\frac{1}{3}}", False),
        ("x+1", r"$1+x$", True), ("12", "", False), ("12", r"It is not \boxed{12}.", False),
    ],
)  # fmt: skip
def test_numbers_are_compared_by_value(accepted: str, answer: str, right: bool) -> None:
    found = verdicts(case(answer_type="number", accepted=(accepted,), answer=answer, passages=()))
    assert found["correctness"] == ("" if right else "wrong_answer")


def test_a_question_that_is_repeated_is_no_answer_though_its_sum_is_right() -> None:
    asked = case(prompt="Compute 842 + 857.", answer_type="number", accepted=("1699",), passages=())
    assert verdicts(replace(asked, answer="Compute 842 + 857."))["correctness"] == "wrong_answer"
    assert verdicts(replace(asked, answer="842 + 857 = 1699"))["correctness"] == ""


def test_only_cited_passages_count_as_evidence() -> None:
    two = (
        Passage("Section 214", "The fee is 40 credits.", "Late fees"),
        Passage("Section 300", "The fee is 70 credits.", "Oaths"),
    )
    assert (
        verdicts(case(passages=two, answer="The fee is 70 credits. [Section 214]"))["grounding"]
        == "ungrounded_number"
    )
    assert (
        verdicts(case(passages=two, answer="The fee is 70 credits. [Section 300]"))["grounding"]
        == ""
    )


def test_an_allow_list_lets_an_authority_be_cited() -> None:
    spec = SPEC.model_copy(
        update={"citations": SPEC.citations.model_copy(update={"allowed": ("KSR v. Teleflex",)})}
    )
    one = case(
        think="As [KSR v. Teleflex] has it, the fee is 40 credits; [Section 214] says so in plain words."
    )
    assert {found.gate: found.fault for found in judge_case(one, spec, FAMILIES)}["citations"] == ""
    assert verdicts(one)["citations"] == "unresolved_citation"


def test_what_a_shown_passage_cites_may_be_cited() -> None:
    shown = (Passage("Section 214", "The fee is 40 credits, as [Rule 7] has it.", "Late fees"),)
    assert (
        verdicts(
            case(
                passages=shown,
                think="I see that [Section 214] follows [Rule 7] in setting the fee for late fees.",
            )
        )["citations"]
        == ""
    )


def test_the_number_of_an_item_is_no_claim_and_that_of_a_fee_is() -> None:
    items = "1. The fee for late fees is 40 credits. [Section 214]\n2. The section is Section 214. [Section 214]"
    assert verdicts(case(answer=items))["grounding"] == ""
    assert verdicts(case(answer="41. [Section 214]"))["grounding"] == "ungrounded_number"


def test_the_answers_of_an_open_family_may_go_beyond_the_passages_but_not_cite_beyond_them() -> (
    None
):
    spec = SPEC.model_copy(
        update={"evidence": SPEC.evidence.model_copy(update={"open": ("handbook_qa",)})}
    )
    proposal = "A device that waits 12 seconds would pay no late fee. [Section 214]"
    found = {one.gate: one.fault for one in judge_case(case(answer=proposal), spec, FAMILIES)}
    assert (found["grounding"], found["citations"]) == ("", "")
    invented = {
        one.gate: one.reason
        for one in judge_case(case(answer=f"{proposal} [Section 999]"), spec, FAMILIES)
    }
    assert invented["citations"] == "unresolved_citation"


def test_a_pattern_without_a_group_is_refused() -> None:
    with pytest.raises(ValueError, match="group"):
        VerdictSpec.model_validate({"citations": {"patterns": [r"\[\d+\]"]}})


def trace(number: int, **changes: object) -> dict[str, object]:
    built = case(**changes)
    return {
        "trace_id": f"t{number}", "prompt_id": f"q{number:06d}", "model": "teacher", "sample": 0,
        "think": built.think, "answer": built.answer, "raw": built.raw, "fault": built.fault, "parsed": False, "finish_reason": "stop",
        "prompt_tokens": 1, "completion_tokens": 1, "seed": number,
    }  # fmt: skip


def test_a_killed_judge_is_an_error_that_another_attempt_may_mend() -> None:
    passages, questions, audits = (
        schema.empty_table() for schema in (rows.PASSAGES, rows.QUESTIONS, rows.AUDITS)
    )
    ended = threading.Event()
    with ThreadPoolExecutor(1) as thread:
        killing = thread.submit(_kill_the_first_child, ended)
        with pytest.raises(JudgeLost, match="was killed"), set_at_the_end(ended):
            judge(
                rows.table_of([trace(0)], rows.TRACES).to_batches(),
                prompts_table(1),
                passages,
                questions,
                audits,
                SPEC,
            )
        killing.result()


@contextmanager
def set_at_the_end(event: threading.Event) -> Iterator[None]:
    try:
        yield
    finally:
        event.set()


def _kill_the_first_child(ended: threading.Event) -> None:
    while not (
        children := [
            one for one in psutil.Process().children() if "spawn_main" in " ".join(one.cmdline())
        ]
    ):
        if ended.wait(0.01):
            return
    children[0].kill()


def test_a_shard_gets_one_verdict_a_trace_a_gate_and_rejects_carry_their_first_reason() -> None:
    traces = rows.table_of(
        [trace(0), trace(1, think="x"), trace(2, fault="missing_think", think=LOOP), trace(3)],
        rows.TRACES,
    )
    empty = {schema: schema.empty_table() for schema in (rows.PASSAGES, rows.QUESTIONS)}
    audits = rows.table_of(
        [{"trace_id": "t3", "reason": reason} for reason in ("novelty", "taint")], rows.AUDITS
    )
    made = judge(
        traces.to_batches(2),
        prompts_table(4),
        empty[rows.PASSAGES],
        empty[rows.QUESTIONS],
        audits,
        SPEC,
    )
    assert made.parts["verdicts"].num_rows == 4 * len(GATES)
    assert made.rejected.to_pydict()["reason"] == ["short_think", "missing_think", "novelty"]
    assert (made.rows_in, made.rows_out) == (4, 1)
    assert isinstance(made.parts["verdicts"], pa.Table)


def plain_foreign_share(text: str, scripts: tuple[str, ...]) -> float:
    letters = [char for char in text if char.isalpha()]
    outside = [one for one in letters if unicodedata.name(one, "UNKNOWN").split()[0] not in scripts]
    return len(outside) / len(letters) if letters else 0.0


@given(st.text(), st.sampled_from([("LATIN",), ("GREEK",), ("LATIN", "CYRILLIC"), ()]))
def test_the_share_of_foreign_letters_is_that_of_the_plain_definition(
    text: str, scripts: tuple[str, ...]
) -> None:
    assert foreign_share(text, scripts) == pytest.approx(plain_foreign_share(text, scripts))
    ascii_text = text.encode("ascii", "ignore").decode()
    assert foreign_share(ascii_text, scripts) == pytest.approx(
        plain_foreign_share(ascii_text, scripts)
    )


NAMES = ["a4 spice", "rule_application", "sums", "Handbook QA", "x-9"]


@given(
    st.lists(st.sampled_from([*NAMES, "A4SPICE", "rule application", "why", ":", " - ", "xx-9"])),
    st.frozensets(st.sampled_from(NAMES)),
)
def test_many_families_are_found_together_as_each_is_alone(
    words: list[str], families: frozenset[str]
) -> None:
    said = " ".join(words)
    seen = case(prompt="Why?", think=said, answer="So.", raw=f"<think>{said}</think>So.")
    alone = [leakage(seen, frozenset({one})).score for one in families]
    cell = leakage(seen, frozenset()).score
    assert leakage(seen, families).score == sum(alone) - cell * (len(alone) - 1)
