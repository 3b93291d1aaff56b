from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from tasks.probe.answers import BASELINE, STUDENT, Answer, table_of
from tasks.probe.content import ContentSpec, content
from tasks.probe.diagnosis import Evidence, diagnose
from tasks.probe.emission import EmissionSpec, emission
from tasks.probe.intervals import ratio
from tasks.probe.metrics import Metric, worst
from tasks.probe.report import report
from tasks.rows import ANSWERS

THOUGHT = "I look for the fee. Section 214 says 40 credits. So the answer is 40."


def answer(model: str, number: int, **changes: object) -> Answer:
    """Return a sound, right answer."""
    sound = Answer(
        answer_id=f"{model}{number}",
        question_id=f"q{number}",
        sample=0,
        model=model,
        kind=("general", "rules")[number % 2],
        prompt="What is the fee?",
        raw=f"<think>\n{THOUGHT}\n</think>\n\n40",
        think=THOUGHT,
        answer="40",
        finish_reason="stop",
        tokens=30,
        known=True,
        faults={},
        judged=False,
    )
    return replace(sound, **changes)  # type: ignore[arg-type]


def probed(
    count: int = 20, spoil: Callable[[Answer], Answer] = lambda one: one, *, share: float = 1.0
) -> list[Answer]:
    """Return both models' answers; the first share of the student's are spoilt."""
    base = [answer(BASELINE, number) for number in range(count)]
    student = [answer(STUDENT, number) for number in range(count)]
    return base + [
        spoil(one) if number < share * count else one for number, one in enumerate(student)
    ]


def failed(metrics: list[Metric]) -> set[str]:
    return {one.name for one in metrics if not one.passed}


def test_a_student_like_its_base_passes_every_metric() -> None:
    metrics = emission(probed(), EmissionSpec()) + content(probed(), ContentSpec())
    assert failed(metrics) == set()
    assert worst(metrics) is None
    assert {
        "presence",
        "closure",
        "stopped",
        "think_length",
        "unlooped",
        "readable",
        "unleaked",
        "correct",
        "correct: rules",
    } <= {one.name for one in metrics}


@pytest.mark.parametrize(
    ("spoil", "names"),
    [
        (
            lambda one: replace(one, raw="40", think="", faults={"structure": "missing_think"}),
            {"presence", "closure", "think_length"},
        ),
        (
            lambda one: replace(
                one, think="", finish_reason="length", faults={"structure": "unclosed_think"}
            ),
            {"closure", "stopped", "think_length"},
        ),
        (lambda one: replace(one, think=THOUGHT[:20]), {"think_length"}),
        (lambda one: replace(one, faults={"fluency": "loop"}), {"unlooped"}),
        (lambda one: replace(one, faults={"fluency": "script_drift"}), {"readable"}),
        (lambda one: replace(one, faults={"fluency": "run_together"}), {"readable"}),
    ],
    ids=[
        "no think block",
        "never closes",
        "thinks a third as long",
        "loops",
        "drifts into another script",
        "loses its spaces",
    ],
)
def test_the_emission_gate_names_the_mechanics_that_broke(
    spoil: Callable[[Answer], Answer], names: set[str]
) -> None:
    assert failed(emission(probed(20, spoil, share=0.5), EmissionSpec())) == names


def test_leaked_notes_in_well_formed_blocks_pass_the_emission_gate_and_fail_the_content_gate() -> (
    None
):
    every = probed(20, lambda one: replace(one, faults={"audit": "concentration"}), share=0.6)
    assert failed(emission(every, EmissionSpec())) == set()
    assert failed(content(every, ContentSpec())) == {"unleaked"}


def test_forgetting_shows_in_its_kind_even_where_the_whole_still_holds() -> None:
    def forget(one: Answer) -> Answer:
        return (
            replace(one, faults={"correctness": "wrong_answer"})
            if one.question_id in {"q0", "q2", "q4"}
            else one
        )

    wrong = probed(20, forget)
    assert failed(content(wrong, ContentSpec())) == {"correct: general"}


def test_a_judge_who_was_asked_has_a_metric_and_one_who_was_not_has_none() -> None:
    asked = [replace(one, judged=True) for one in probed()]
    assert "coherent" not in {one.name for one in content(probed(), ContentSpec())}
    assert "coherent" not in failed(content(asked, ContentSpec()))
    incoherent = [
        replace(one, faults={"coherence": "incoherent_think"}) if one.model == STUDENT else one
        for one in asked
    ]
    assert "coherent" in failed(content(incoherent, ContentSpec()))


def test_twenty_of_twenty_is_not_certainty_and_two_hundred_of_two_hundred_is_nearly() -> None:
    few, many = (ratio(np.ones((count, 2)), shares=True) for count in (20, 200))
    assert few.value == many.value == 1
    assert few.high - few.low > 3 * (many.high - many.low)
    assert 0.5 < few.chance(0.99) < many.chance(0.99)


def test_the_interval_covers_the_truth_about_as_often_as_it_says() -> None:
    """200 probes of 60 questions; base right in 0.9, student in 0.72: the true ratio is 0.8."""
    rng = np.random.default_rng(3)
    held = 0
    for _ in range(200):
        found = ratio(
            np.stack([rng.random(60) < 0.9, rng.random(60) < 0.72], axis=1).astype(float),
            shares=True,
        )
        held += found.low <= 0.8 <= found.high
    assert 0.83 <= held / 200 <= 0.97


def test_a_base_that_never_does_it_asks_nothing_of_the_student() -> None:
    never = ratio(np.zeros((20, 2)), shares=True)
    learnt = ratio(np.stack([np.zeros(20), np.ones(20)], axis=1), shares=True)
    assert (never.value, learnt.value) == (1.0, np.inf)


def test_a_verdict_says_how_sure_it_is() -> None:
    (metric,) = [
        one
        for one in content(
            probed(20, lambda one: replace(one, faults={"audit": "novelty"}), share=0.1),
            ContentSpec(),
        )
        if one.name == "unleaked"
    ]
    assert not metric.passed
    assert 0.5 < metric.sure < 0.95
    assert metric.sentence().startswith("unleaked fails: student 0.90, baseline 1.00, ratio 0.90 [")


def test_the_page_shows_both_models_words_and_runs_none_of_them() -> None:
    hostile = "<script>alert(1)</script>{{ 7*7 }}</pre>"
    every = probed(
        4, lambda one: replace(one, raw=hostile, faults={"correctness": "wrong_answer"}), share=0.25
    )
    page = report(every, content(every, ContentSpec()), "name<b>")
    assert (
        "<script>" not in page
        and "&lt;script&gt;alert(1)&lt;/script&gt;{{ 7*7 }}&lt;/pre&gt;" in page
    )
    assert "name&lt;b&gt;" in page
    assert page.index("student0") < page.index("student1")
    assert "http" not in page.replace("http-equiv", "")


def test_answers_become_a_table_with_every_fault() -> None:
    table = table_of(
        probed(
            2, lambda one: replace(one, faults={"fluency": "loop", "correctness": "wrong_answer"})
        )
    )
    assert table.schema == ANSWERS
    assert table["faults"].to_pylist() == [
        [],
        [],
        ["loop", "wrong_answer"],
        ["loop", "wrong_answer"],
    ]
    assert table["correct"].to_pylist() == [True, True, False, False]


SOUND = Evidence(rendered="", leaked="", general=0.12, nats=0.1)


def forgetting(general: float) -> Evidence:
    every = probed(
        20,
        lambda one: (
            replace(one, faults={"correctness": "wrong_answer"}) if one.kind == "general" else one
        ),
    )
    return SOUND._replace(metrics=content(every, ContentSpec()), general=general)


def broken() -> list[Metric]:
    return content(
        probed(20, lambda one: replace(one, faults={"correctness": "wrong_answer"})), ContentSpec()
    )


@pytest.mark.parametrize(
    ("seen", "layer"),
    [
        (Evidence(rendered="render check: no_eos in 500 of 500 rows"), "rendering"),
        (
            SOUND._replace(leaked="concentration 'A4' in 2797 rows (56 %)", metrics=broken()),
            "corpus",
        ),
        (Evidence(rendered="", leaked="concentration 'A4' in 2797 rows (56 %)"), "corpus"),
        (forgetting(0.0), "training mixture"),
        (forgetting(0.12), "training"),
        (SOUND._replace(metrics=broken(), nats=7.0), "serving"),
        (SOUND._replace(metrics=broken()), "training"),
        (SOUND._replace(metrics=content(probed(), ContentSpec())), "none"),
    ],
    ids=[
        "missing end",
        "contaminated, and everything after it fails too",
        "contaminated, seen before training",
        "forgetting, and nothing against it",
        "forgetting with general rows",
        "another model was served",
        "trained too hard",
        "sound",
    ],
)
def test_the_first_layer_that_the_evidence_points_to_is_named(seen: Evidence, layer: str) -> None:
    found = diagnose(seen, general=["general"])
    assert found.layer == layer
    assert [one.guilty for one in found.findings] == [False] * (
        len(found.findings) - (layer != "none")
    ) + [True] * (layer != "none")
    assert found.do


def test_a_base_that_cannot_answer_is_blamed_before_the_training() -> None:
    weak = [
        replace(one, faults={"correctness": "wrong_answer"})
        for one in probed()
        if one.model == BASELINE and one.question_id not in {"q0", "q2"}
    ]
    rest = [
        answer(BASELINE, 0),
        answer(BASELINE, 2),
        *(
            replace(one, faults={"correctness": "wrong_answer"})
            for one in probed()
            if one.model == STUDENT
        ),
    ]
    assert (
        diagnose(SOUND._replace(metrics=content(weak + rest, ContentSpec()))).layer == "base model"
    )
