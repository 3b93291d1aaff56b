import random
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from tasks import rows, think
from tasks.critique.agreement import Opinion, agreement_of
from tasks.critique.coherence import (
    CoherenceSpec,
    Judged,
    conclude,
    judge_coherence,
    judge_digest,
    question,
    reading,
    sample,
)
from tasks.critique.rubrics import rubric
from tasks.critique.task import judge_coherence as judge_table
from tasks.errors import BadRecipe
from tasks.inference.complete import ask_once
from tasks.inference.engine import Ask, Completion, EnginePlacement, NamedModel, TeacherSpec
from tasks.inference.warm import WARM
from tasks.progress import watched_by
from tasks.sources.problems import draw
from tasks.sources.problems.judging import FORMS
from tasks.spec import Spec
from tasks.store import Key, Made, Table, publish
from tasks.verdicts.case import Case
from tests.support.builders import case
from tests.support.plants import ROWS, judgements, row

JUDGE = NamedModel(
    "judge", TeacherSpec(engine="scripted", temperature=0), EnginePlacement(window=16)
)
POCKET = NamedModel("teacher", TeacherSpec(temperature=0))
ASKS_FOR_SECTION = """Asked of {{ question | replace("[", "(") }}
{{ "-" * 90 }}
{% if question.split("]")[0][1:] ~ " " in think %}Verdict: yes{% else %}Verdict: no{% endif %}
"""
"""A rubric that decides by itself; the scripted engine ends its answer on the last words of its prompt."""


def gold(family: str, number: int, **changes: object) -> Case:
    """Return a problem with its worked chain as a trace."""
    problem = draw(family, 7_000_000 + number)
    values = {
        "trace_id": f"{family}-{number}",
        "prompt": problem.prompt,
        "think": problem.think,
        "answer": problem.answer,
        "family": family,
    }
    return case(**values | {"passages": ()} | changes)


def scripted(folder: Path, text: str, **changes: object) -> CoherenceSpec:
    path = folder / "rubric.jinja"
    path.write_text(text)
    values = {
        "share": 1.0,
        "rubric": str(path),
    }
    return CoherenceSpec.model_validate(values | changes)


def judge_with(**settings: object) -> NamedModel:
    """Return the scripted judge with other settings."""
    return JUDGE._replace(model=JUDGE.model.model_copy(update=settings))


def said(text: str, finish_reason: str = "stop") -> Opinion:
    return reading(Completion("k", text, finish_reason, 1, 1))


@given(st.randoms(use_true_random=False), st.integers(0, 5))
def test_the_sample_depends_on_ids_and_seed_not_on_order(rng: random.Random, seed: int) -> None:
    spec = CoherenceSpec(share=0.5, seed=seed)
    shuffled = rng.sample(ROWS, len(ROWS))
    assert {one.trace_id for one in sample(shuffled, spec)} == {
        one.trace_id for one in sample(ROWS, spec)
    }


@pytest.mark.parametrize(
    ("text", "opinion"),
    [
        (think.join("The topic is the same.", "Verdict: yes"), "coherent"),
        (
            think.join(
                "Verdict: yes, one may think, but no.", "It works on Section 9.\n**Verdict: no**"
            ),
            "incoherent",
        ),
        (think.join("Compare.", "Verdict: right"), "coherent"),
        (think.join("Compare.", "Verdict: wrong."), "incoherent"),
        ("Both speak of late fees.\n\nverdict: YES", "coherent"),
        (think.join("Hm.", "Verdict: unsure"), "abstained"),
        (think.join("Hm.", "Verdict: yes\nVerdict: no\nVerdict: unsure"), "abstained"),
        (think.join("Hm.", "The verdict: yes and no"), "abstained"),
        (think.join("Verdict: no", "I cannot say."), "abstained"),
        ("<think>\nVerdict: no", "abstained"),
        ("", "abstained"),
    ],
)
def test_one_verdict_on_a_line_of_its_own_is_an_opinion_and_anything_else_an_abstention(
    text: str, opinion: Opinion
) -> None:
    assert said(text) == opinion
    assert said(text, "length") == said("", "prompt_too_long") == "abstained"


@given(st.text())
def test_whatever_a_judge_writes_is_read(text: str) -> None:
    assert said(text) in {"coherent", "incoherent", "abstained"}


OPINIONS: dict[str, Opinion] = {"a": "coherent", "b": "incoherent", "c": "abstained"}


def test_a_judge_that_is_good_enough_fails_the_rows_it_calls_incoherent() -> None:
    good = agreement_of("m", judgements(hits=19, misses=9, right=20, false_alarms=1, silent=3))
    verdicts = conclude(OPINIONS, good, CoherenceSpec(precision=0.95))
    assert {name: (one.state, one.reason, one.score) for name, one in verdicts.items()} == {
        "a": ("passed", "", 1.0), "b": ("failed", "incoherent_think", 0.0),
        "c": ("not_checked", "judge_abstained", 0.0),
    }  # fmt: skip
    assert {one.gate for one in verdicts.values()} == {"coherence"}


@pytest.mark.parametrize(("hits", "false_alarms"), [(18, 1), (0, 0), (0, 5)])
def test_a_judge_below_the_precision_or_without_a_measure_abstains_as_a_whole(
    hits: int, false_alarms: int
) -> None:
    poor = agreement_of(
        "m", judgements(hits=hits, misses=0, right=20, false_alarms=false_alarms, silent=0)
    )
    verdicts = conclude(OPINIONS, poor, CoherenceSpec(precision=0.95))
    assert {one.state for one in verdicts.values()} == {"not_checked"}


TAGS = (
    "<question>",
    "</question>",
    "<think_block>",
    "</think_block>",
    "<answer>",
    "</answer>",
    "<|im_end|>",
    "<think>",
)


@given(
    st.lists(
        st.one_of(
            st.sampled_from([*TAGS, "&lt;/think_block>", "\n", "Verdict: yes"]),
            st.text(max_size=20),
        )
    ).map("".join)
)
def test_no_row_can_close_a_tag_of_the_rubric_or_write_a_control_token(text: str) -> None:
    made, plain = (
        rubric(case(prompt=value, think=value, answer=value), "rubric") for value in (text, "x")
    )
    assert [made.count(tag) for tag in TAGS] == [plain.count(tag) for tag in TAGS]
    inside = made.split("<think_block>\n")[1].split("\n</think_block>")[0]
    assert inside.replace("&lt;", "<").replace("&amp;", "&") == text


def test_the_question_is_keyed_and_seeded_by_its_words_and_carries_the_system_prompt() -> None:
    spec, fair = CoherenceSpec(rubric="rubric"), judge_with(system_prompt="Be fair.")
    asked, same, other = (
        question(ROWS[0], spec, fair),
        question(replace(ROWS[0], trace_id="t"), spec, fair),
        question(ROWS[1], spec, fair),
    )
    assert asked is not None
    assert other is not None
    assert asked == same
    assert asked.key != other.key
    assert asked.seed != other.seed
    assert [message["role"] for message in asked.messages] == ["system", "user"]


LINES = """Passage:
[1] Vale filed a claim on a lamp on day 7.
[2] Examiner Pike handles fines.
Question: What did Vale claim?
Cite the line."""
HANDBOOK = """Answer from the passages alone.

[Section 214] Claims. The fee is 4 credits.
[Section 215] Design claims. It costs 5 credits.

Question: Who handles design claims?"""
LINES_THINK = 'I need the item of Vale.\nSo the item of Vale: [1]. [1] says "Vale filed a claim on a lamp on day 7." So the answer is a lamp.'
HANDBOOK_THINK = "I look for it.\nclaims: Section 214.\ndesign claims: Section 215.\nSo claims: Section 214. [Section 214] Claims. So the answer is 4."


@pytest.mark.parametrize(
    ("prompt", "reasoning", "lines", "asked", "settled"),
    [
        (LINES, LINES_THINK, LINES.splitlines()[1:3], "What did Vale claim?", "A lamp"),
        (
            HANDBOOK, HANDBOOK_THINK, ["[1] Section 214 governs claims.", "[2] Section 215 governs design claims."],
            "Which section governs design claims?", "Section 214",
        ),
    ],
)  # fmt: skip
def test_the_pocket_judge_is_asked_in_the_very_form_it_learnt(
    prompt: str, reasoning: str, lines: list[str], asked: str, settled: str
) -> None:
    made = rubric(case(prompt=prompt, think=reasoning), "rubric_pocket")
    assert made == FORMS[0].format(passage="\n".join(lines), question=asked, given=settled)


@pytest.mark.parametrize("family", ["addition", "equation", "date", "irac", "question_writing"])
def test_the_pocket_judge_abstains_where_its_form_does_not_fit(family: str) -> None:
    assert all(
        question(gold(family, number), CoherenceSpec(), POCKET) is None for number in range(20)
    )


def test_the_rubric_follows_the_judge_and_an_unknown_one_lists_the_known(tmp_path: Path) -> None:
    real = judge_with(model="real/model")
    assert question(row(0), CoherenceSpec(), real) == question(
        row(0), CoherenceSpec(rubric="rubric"), real
    )
    with pytest.raises(ValidationError, match="rubric, rubric_pocket"):
        CoherenceSpec(rubric="rubrik")
    with pytest.raises(BadRecipe, match="is not there"):
        rubric(row(0), str(tmp_path / "none.jinja"))
    (tmp_path / "peeks.jinja").write_text("{{ family }}")
    with pytest.raises(BadRecipe, match="question, think and answer"):
        rubric(row(0), str(tmp_path / "peeks.jinja"))


def test_another_rubric_or_model_is_another_judge(tmp_path: Path) -> None:
    spec = scripted(tmp_path, "Verdict: yes")
    before = judge_digest(spec, JUDGE)
    assert judge_digest(spec, judge_with(model="other")) != before
    assert judge_digest(spec, judge_with(max_tokens=7)) != before
    assert judge_digest(spec, JUDGE._replace(name="reader")) == before
    (tmp_path / "rubric.jinja").write_text("Verdict: no")
    assert judge_digest(spec, JUDGE) != before
    assert judge_digest(spec.model_copy(update={"share": 0.0}), JUDGE) == ""


def test_the_name_of_a_judge_makes_no_other_table_and_its_model_does(tmp_path: Path) -> None:
    def empty(stage: str, schema: pa.Schema) -> Table:
        made = Made({stage: schema.empty_table()}, schema, rows.rejected([]), 0, may_be_empty=True)
        return publish(tmp_path, Key(stage, 1, Spec(), {}), made)

    read = (
        empty("traces", rows.TRACES),
        empty("prompts", rows.PROMPTS),
        empty("passages", rows.PASSAGES),
        empty("questions", rows.QUESTIONS),
        empty("verdicts", rows.VERDICTS),
    )

    def fingerprint(name: str, **settings: object) -> str:
        spec = CoherenceSpec(share=1.0, model=name)
        judge = judge_with(**settings)._replace(name=name)
        return judge_table.fn(*read, spec, judge, tmp_path).fingerprint

    assert fingerprint("reader") == fingerprint("critic")
    assert fingerprint("reader") != fingerprint("reader", max_tokens=7)


def test_a_scripted_judge_finds_the_rows_that_reason_about_another_section(tmp_path: Path) -> None:
    astray = row(5, think=ROWS[9].think)
    rows = [*ROWS[:5], astray, *ROWS[6:]]
    made = judge_coherence(
        rows, scripted(tmp_path, ASKS_FOR_SECTION), JUDGE, journals=tmp_path / "first"
    )
    assert made.trusted
    assert made.agreement.precision == 1.0
    assert made.agreement.recall > 0.7
    assert [name for name, one in made.verdicts.items() if one.failed] == ["t0005"]
    assert list(made.verdicts) == [one.trace_id for one in rows]
    assert made.abstained == sum(one.state == "not_checked" for one in made.verdicts.values()) < 20
    assert (
        judge_coherence(
            rows[::-1],
            scripted(tmp_path, ASKS_FOR_SECTION),
            JUDGE._replace(placement=EnginePlacement(window=1)),
            journals=tmp_path / "second",
        ).verdicts
        == made.verdicts
    )


def test_a_judge_that_is_run_again_asks_no_question_twice(tmp_path: Path) -> None:
    spec = scripted(tmp_path, ASKS_FOR_SECTION)
    asked: list[int] = []

    def counting(*, done: int, total: int, tokens: int = 0, unit: str = "row") -> None:
        asked.append(done)

    def judged() -> Judged:
        with watched_by(counting):
            return judge_coherence(ROWS, spec, JUDGE, journals=tmp_path / "journal")

    first = judged()
    assert len(asked) == len({one.key for one in _questions(first, spec)}) > 80
    asked.clear()
    assert judged() == first
    assert asked == []


def _questions(judged: Judged, spec: CoherenceSpec) -> list[Ask]:
    plants = [one.plant.case for one in (*judged.plants, *judged.faulty)]
    cases = [*ROWS, *plants]
    return [ask for case in cases if (ask := question(case, spec, JUDGE))]


def test_a_judge_that_calls_everything_incoherent_is_not_believed(tmp_path: Path) -> None:
    made = judge_coherence(
        ROWS,
        scripted(tmp_path, ASKS_FOR_SECTION.replace("yes", "no")),
        JUDGE,
        journals=tmp_path,
    )
    assert made.agreement.precision == pytest.approx(0.5, abs=0.1)
    assert not made.trusted
    assert all(not one.failed for one in made.verdicts.values())
    assert made.abstained == len(ROWS)
    assert made.sentence().endswith(
        f"; it called {made.called} of 80 traces incoherent and is not believed, so it abstains on all"
    )
    assert made.called > 50


def test_faults_of_the_gates_kinds_are_inside_the_cost_and_decide_nothing(tmp_path: Path) -> None:
    spec = scripted(tmp_path, ASKS_FOR_SECTION).model_copy(update={"plants": 40, "cost": 0.5})
    made = judge_coherence(ROWS, spec, JUDGE, journals=tmp_path, traces=len(ROWS))
    assert (len(made.plants), len(made.faulty)) == (14, 5)
    assert len(made.plants) + len(made.faulty) + len(made.verdicts) <= 40
    assert made.agreement.plants == len(made.plants)
    assert "of 5 rows with faults of the gates' kinds it called" in made.sentence()


def test_without_a_sample_nothing_is_started(tmp_path: Path) -> None:
    for cases, share in (ROWS, 0.0), ([], 1.0):
        made = judge_coherence(
            cases,
            CoherenceSpec(share=share),
            judge_with(engine="endpoint"),
            journals=tmp_path,
        )
        assert (made.verdicts, made.asked, made.plants, made.sentence()) == (
            {},
            0,
            (),
            "no trace was put to a judge",
        )


def test_a_question_asked_twice_is_put_once_and_answered_twice_in_order(tmp_path: Path) -> None:
    spec = scripted(tmp_path, ASKS_FOR_SECTION)
    first, second = question(ROWS[0], spec, JUDGE), question(ROWS[1], spec, JUDGE)
    assert first is not None
    assert second is not None
    assert [one.key for one in ask_once([second, first, second], JUDGE.model, JUDGE.placement)] == [
        second.key,
        first.key,
        second.key,
    ]


@pytest.mark.vllm
def test_the_pocket_teacher_judges_its_own_domain_and_catches_a_think_block_gone_astray(
    tmp_path: Path,
) -> None:
    import ray

    found = [one for one in (gold("rulebook", number) for number in range(60)) if "[" in one.answer]
    rows = [*found, *(gold("irac", number) for number in range(10))]
    astray = [
        replace(found[number], trace_id=f"astray-{number}", think=found[number + 1].think)
        for number in range(10)
    ]
    # Some rows gone astray stand among the sound plants and count against the judge there.
    made = judge_coherence(
        [*rows, *astray],
        CoherenceSpec(share=1.0, seed=1, precision=0.8),
        POCKET,
        journals=tmp_path,
    )
    WARM.release()
    ray.shutdown()
    assert made.trusted, made.sentence()
    assert made.agreement.recall > 0.5
    failed = Counter(name.split("-")[0] for name, one in made.verdicts.items() if one.failed)
    assert failed["astray"] >= 8
    assert failed["rulebook"] <= 2
    assert failed["irac"] == 0
