"""What the teacher would not have written is found by its own log-probabilities."""

import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from numpy.typing import NDArray

from tasks import rows, think
from tasks.audit.surprise import MIN_CONTROL, surprising
from tasks.audit.surprise_detector import SurpriseSpec, texts_to_score
from tasks.audit.traces import TraceAuditSpec, audit_table
from tasks.inference.scoring import Text
from tests.support.builders import prompts_table

Nats = NDArray[np.float32]
RNG = np.random.default_rng(7)
CONTROL = 400


def own_text(tokens: int, rng: np.random.Generator) -> Nats:
    """Return the surprisal of a text that a teacher wrote: mostly certain, at times undecided."""
    undecided = rng.random(tokens) < 0.15
    return np.where(undecided, rng.exponential(1.2, tokens), 0.02).astype(np.float32)


def own_texts(count: int, *, seed: int) -> list[Nats]:
    rng = np.random.default_rng(seed)
    return [own_text(int(rng.integers(60, 400)), rng) for _ in range(count)]


def with_note(row: Nats, *, at: int, tokens: int, nats: float) -> Nats:
    return np.concatenate([row[:at], np.full(tokens, nats, np.float32), row[at:]])


@pytest.mark.parametrize(("tokens", "nats"), [(4, 12.0), (8, 7.0), (20, 4.0), (60, 3.0)])
def test_ten_rows_of_a_thousand_that_hold_a_note_are_found(tokens: int, nats: float) -> None:
    texts, leaked = own_texts(1000, seed=1), range(500, 510)
    for row in leaked:
        texts[row] = with_note(texts[row], at=30, tokens=tokens, nats=nats)
    assert [one.row for one in surprising(texts, own_texts(CONTROL, seed=2))] == list(leaked)


def test_one_outright_foreign_row_is_found_among_a_thousand() -> None:
    texts = own_texts(1000, seed=1)
    texts[500] = with_note(texts[500], at=30, tokens=30, nats=9.0)
    assert [one.row for one in surprising(texts, own_texts(CONTROL, seed=2))] == [500]


def test_the_stretch_that_is_found_is_the_note() -> None:
    texts = own_texts(200, seed=3)
    texts[7] = with_note(texts[7], at=41, tokens=13, nats=6.0)
    (found,) = surprising(texts, own_texts(CONTROL, seed=4))
    assert abs(found.stretch.first - 41) <= 4
    assert abs(found.stretch.last - 54) <= 4
    assert found.stretch.nats == pytest.approx(6.0, rel=0.25)


@pytest.mark.parametrize("control", [MIN_CONTROL, 400, 1000])
def test_the_teachers_own_text_is_seldom_flagged(control: int) -> None:
    flagged = [
        len(surprising(own_texts(500, seed=10 + n), own_texts(control, seed=50 + n)))
        for n in range(8)
    ]
    assert sum(flagged) <= 2


def test_many_leaking_rows_are_all_found() -> None:
    texts = own_texts(300, seed=5)
    texts[:150] = [with_note(one, at=10, tokens=12, nats=6.0) for one in texts[:150]]
    found = [one.row for one in surprising(texts, own_texts(CONTROL, seed=6))]
    assert found[:150] == list(range(150))
    assert len(found) <= 155


def test_nothing_is_said_with_too_few_control_traces() -> None:
    texts = [with_note(own_text(80, RNG), at=10, tokens=20, nats=15.0)]
    assert surprising(texts, own_texts(MIN_CONTROL - 1, seed=8)) == []


def test_a_row_of_one_token_is_judged() -> None:
    texts = [np.array([0.02], np.float32), np.array([30.0], np.float32)]
    assert [one.row for one in surprising(texts, own_texts(CONTROL, seed=9))] == [1]


def trace(number: int, *, note: str = "") -> dict[str, object]:
    thought = f"I add {number} and 4. {note}That gives {number + 4}."
    return {
        "trace_id": f"t{number:03d}",
        "prompt_id": f"q{number:06d}",
        "model": "teacher",
        "sample": 0,
        "think": thought,
        "answer": "Done.",
        "raw": think.join(thought, "Done."),
        "fault": "",
        "parsed": False,
        "finish_reason": "stop",
        "prompt_tokens": 1,
        "completion_tokens": 1,
        "seed": number,
    }


def baseline(number: int) -> dict[str, object]:
    words = {"prompt": f"Add {number} and 4.", "think": "I add.", "answer": "Done."}
    return {"trace_id": f"c{number:03d}", "recipe": "r", **words}


def scores_of(texts: list[Text], note: str) -> pa.Table:
    """Return SCORES in which every character is a token, and only the note's are surprising."""
    rng, scored = np.random.default_rng(3), []
    for text in texts:
        nats = own_text(len(text.text), rng)
        if note in text.text:
            first = text.text.index(note)
            nats[first : first + len(note)] = 6.0
        ends = list(range(1, len(nats) + 1))
        own = {"text_id": text.key, "ids": [0] * len(nats), "ends": ends, "nats": (-nats).tolist()}
        rest = {"model": "m", "prompt_tokens": 1, "top": 0, "top_ids": [], "top_nats": []}
        scored.append(own | rest)
    return rows.table_of(scored, rows.SCORES)


NOTE = "batch 7 of the evening run. "
TRACES = rows.table_of(
    [trace(number, note=NOTE * (number % 10 == 3)) for number in range(50)], rows.TRACES
)
BASELINE = rows.table_of([baseline(number) for number in range(MIN_CONTROL)], rows.BASELINES)


def test_the_audit_rejects_a_surprising_trace_and_tells_what_leaked(tmp_path: Path) -> None:
    prompts, spec = prompts_table(50), SurpriseSpec(traces=50)
    texts = texts_to_score(TRACES, prompts, [BASELINE], spec, "")
    scores = scores_of(texts, NOTE)
    made = audit_table(TRACES, prompts, [BASELINE], TraceAuditSpec(surprise=spec), scores=scores)
    found = [row for row in made.parts["audits"].to_pylist() if row["reason"] == "surprise"]
    assert [row["trace_id"] for row in found] == [f"t{number:03d}" for number in range(3, 50, 10)]
    made.attach(tmp_path)
    told = json.loads((tmp_path / "audit.json").read_bytes())["patterns"]
    (pattern,) = [one for one in told if one["detector"] == "surprise"]
    assert NOTE.strip(". ") in pattern["pattern"]


def test_traces_are_scored_behind_what_was_sent_and_the_control_arm_behind_its_bare_prompt() -> (
    None
):
    spec = SurpriseSpec(traces=20)
    texts = texts_to_score(TRACES, prompts_table(50), [BASELINE], spec, "Be brief.")
    control, own = texts[:MIN_CONTROL], texts[MIN_CONTROL:]
    assert len(own) == 20
    assert {text.messages[0]["content"] for text in own} == {"Be brief."}
    assert {len(text.messages) for text in control} == {1}
    assert [text.key for text in own] == sorted(text.key for text in own)
