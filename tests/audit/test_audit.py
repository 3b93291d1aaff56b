"""The audit as a whole: what it finds, what it leaves alone, what it says."""

import json
from collections.abc import Iterator
from itertools import cycle
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from typer.testing import CliRunner

from deployments.cli.main import app
from tasks.audit import occurrences
from tasks.audit.audit import AuditSpec, audit
from tasks.audit.outcome import Outcome
from tasks.audit.report import report
from tasks.audit.style import Style
from tests.bench.leak_world.clean import Row, clean_rows
from tests.bench.leak_world.families import contaminate, draw_family

ROWS, BASELINE = 500, 3000
PRODUCERS = ("family", "persona", "instruction", "canary")


class Listed:
    """Rows of a list."""

    def __init__(self, rows: list[Row], producers: tuple[str, ...] = ()) -> None:
        self._rows, self.producers = rows, producers

    def batches(self) -> Iterator[pa.RecordBatch]:
        for low in range(0, len(self._rows), 400):
            yield self._batch(self._rows[low : low + 400])

    def _batch(self, rows: list[Row]) -> pa.RecordBatch:
        columns = {
            "id": [row.id for row in rows],
            "prompt": [f"{row.prompt}\n{row.passage}" for row in rows],
            "think": [row.think for row in rows],
            "answer": [row.answer for row in rows],
            "fault": ["" for _ in rows],
        }
        columns |= {
            f"producer:{name}": [row.producer[name] for row in rows] for name in self.producers
        }
        return pa.RecordBatch.from_pydict(
            {name: pa.array(values, pa.string()) for name, values in columns.items()}
        )


@pytest.fixture(scope="module")
def style() -> Style:
    return Style.of(Listed(clean_rows(BASELINE, seed=1, style="templated")))


@pytest.fixture(scope="module")
def clean() -> list[Row]:
    return clean_rows(ROWS, seed=2, style="templated")


def with_think(row: Row, think: str) -> Row:
    return Row(**vars(row) | {"think": think})


def stamped(rows: list[Row], every: int, note: str) -> list[Row]:
    return [
        with_think(row, note.format(number=number) + row.think) if number % every == 0 else row
        for number, row in enumerate(rows)
    ]


def reasons_of(outcome: Outcome, row: int) -> list[str]:
    return next((reasons for place, _, reasons in outcome.flagged() if place == row), [])


def test_clean_rows_are_clean(style: Style, clean: list[Row]) -> None:
    assert audit(Listed(clean, PRODUCERS), AuditSpec(), style=style).verdict == "clean"


@pytest.mark.parametrize("seed", [4, 13, 21, 32, 36])
def test_a_fifth_of_leaked_rows_is_found_and_the_others_are_left_alone(
    style: Style, clean: list[Row], seed: int
) -> None:
    rows, leaked = contaminate(clean, draw_family(seed), rate=0.2, seed=seed)
    outcome = audit(Listed(rows), AuditSpec(), style=style)
    flagged, truth = outcome.flags > 0, np.array(leaked)
    assert outcome.verdict == "leak"
    assert flagged[truth].mean() >= 0.95
    assert truth[flagged].mean() >= 0.97


def test_where_too_much_recurs_to_be_held_a_part_of_the_rows_names_the_patterns_and_all_rows_are_flagged(
    style: Style, clean: list[Row], monkeypatch: pytest.MonkeyPatch
) -> None:
    leaked = Listed(
        stamped(clean, 2, "Zesty variant {number}; shuffle the closing line. "), PRODUCERS
    )
    whole = audit(leaked, AuditSpec(), style=style)
    monkeypatch.setattr(occurrences, "MAX_PAIRS", 4000)
    part = audit(leaked, AuditSpec(), style=style)
    assert (part.flags > 0).tolist() == (whole.flags > 0).tolist()
    assert part.patterns[0] == whole.patterns[0]
    assert int((part.flags > 0).sum()) == ROWS // 2


def test_a_pattern_carries_its_evidence(style: Style, clean: list[Row]) -> None:
    outcome = audit(
        Listed(stamped(clean, 5, "K7 lane {number}, tighten the middle. ")),
        AuditSpec(),
        style=style,
    )
    pattern = next(one for one in outcome.patterns if one.detector == "concentration")
    assert pattern.rows == ROWS // 5
    assert pattern.share == pytest.approx(0.2)
    assert pattern.baseline_share == 0
    assert len(pattern.examples) == 5
    assert all("tighten" in example for example in pattern.examples)


def test_one_row_of_a_form_nobody_else_has_is_found(style: Style, clean: list[Row]) -> None:
    rows = [
        with_think(
            clean[0], f"Slot wqz-9 wants vrumbled skelt, blit the forgon quota. {clean[0].think}"
        ),
        *clean[1:],
    ]
    assert reasons_of(audit(Listed(rows), AuditSpec(), style=style), 0) == ["novelty"]


def test_a_cleared_phrase_is_reported_and_flags_no_row(style: Style, clean: list[Row]) -> None:
    rows = stamped(clean, 5, "Right then, colleagues. ")
    cleared = audit(Listed(rows), AuditSpec(allowed=("Right then, colleagues.",)), style=style)
    assert [one.cleared for one in cleared.patterns if one.detector == "concentration"] == [True]
    assert "concentration" not in cleared.gate_rows()


def test_a_baseline_of_another_kind_proves_nothing(style: Style) -> None:
    outcome = audit(Listed(clean_rows(ROWS, seed=3, style="formal")), AuditSpec(), style=style)
    assert outcome.verdict != "leak"
    assert "shift" in {one.detector for one in outcome.patterns}


def test_the_page_says_what_a_shift_means(style: Style) -> None:
    outcome = audit(Listed(clean_rows(ROWS, seed=2, style="legal")), AuditSpec(), style=style)
    assert "of different kinds" in outcome.shifted
    assert outcome.shifted in report(outcome, "legal")


def test_own_and_foreign_canaries_are_told_apart(clean: list[Row]) -> None:
    rows = [with_think(clean[0], f"{clean[0].think} {clean[0].producer['canary']}"), *clean[1:]]
    rows[1] = with_think(clean[1], f"{clean[1].think} {clean[7].producer['canary']}")
    outcome = audit(Listed(rows, PRODUCERS), AuditSpec())
    assert outcome.verdict == "leak"
    assert "canary" in reasons_of(outcome, 0)
    assert reasons_of(outcome, 1) == ["foreign_canary"]


def test_an_echoed_producer_value_is_taint_without_any_baseline(clean: list[Row]) -> None:
    rows = [
        with_think(clean[0], f"I should {clean[0].producer['instruction']}. {clean[0].think}"),
        *clean[1:],
    ]
    assert reasons_of(audit(Listed(rows, PRODUCERS), AuditSpec()), 0) == ["taint"]


def test_what_depends_on_a_producer_value_is_found_without_any_baseline(clean: list[Row]) -> None:
    chosen = sorted({row.producer["family"] for row in clean})[0]
    rows = [
        with_think(row, f"Reading it twice over. {row.think}")
        if row.producer["family"] == chosen
        else row
        for row in clean
    ]
    outcome = audit(Listed(rows, ("family",)), AuditSpec())
    assert outcome.gate_rows()["dependence"] == sum(
        row.producer["family"] == chosen for row in clean
    )


def test_reasoning_that_follows_the_question_does_not_depend_on_the_family_that_drew_it(
    clean: list[Row],
) -> None:
    kinds = (
        ("sum", "I add the parts"),
        ("date", "I count the days"),
        ("claim", "I weigh every condition"),
    )
    asked = [
        Row(
            **vars(row)
            | {
                "prompt": f"Solve this {kind}.",
                "think": f"{way}. {row.think}",
                "producer": row.producer | {"family": f"{kind}_task"},
            }
        )
        for row, (kind, way) in zip(clean, cycle(kinds), strict=False)
    ]
    assert audit(Listed(asked, ("family",)), AuditSpec()).verdict == "clean"
    unknown = [Row(**vars(row) | {"prompt": "", "passage": ""}) for row in asked]
    assert audit(Listed(unknown, ("family",)), AuditSpec()).verdict == "clean"


def test_a_quoted_prompt_of_another_row_is_named(clean: list[Row]) -> None:
    rows = [with_think(clean[0], f"{clean[0].think} {clean[9].passage}"), *clean[1:]]
    assert reasons_of(audit(Listed(rows), AuditSpec()), 0) == ["other_row"]


@pytest.mark.parametrize(
    ("broken", "reason"),
    [
        (lambda text: text.replace(" ", ""), "run_together"),
        (lambda text: text + " So it is settled by the clause." * 60, "loop"),
        (
            lambda text: f"ì\u0095\u0084ë\u008b\u0088 {text} ê·¸ë\u009f¬ë©´ ì\u0095\u0084",
            "mojibake",
        ),
    ],
)
def test_text_that_is_no_language_is_a_fault_and_no_leak(
    clean: list[Row], broken: object, reason: str
) -> None:
    rows = [with_think(clean[0], broken(clean[0].think)), *clean[1:]]  # type: ignore[operator]
    outcome = audit(Listed(rows), AuditSpec())
    assert outcome.verdict == "fault"
    assert reason in reasons_of(outcome, 0)


def test_a_stamp_on_half_the_rows_is_found_without_a_baseline(clean: list[Row]) -> None:
    outcome = audit(
        Listed(stamped(clean, 2, "A4 spice combinator: rejection framed as {number}. ")),
        AuditSpec(),
    )
    assert outcome.verdict == "leak"
    assert outcome.gate_rows()["locked_label"] == ROWS // 2


def test_the_page_escapes_what_it_shows(style: Style, clean: list[Row]) -> None:
    outcome = audit(
        Listed(stamped(clean, 5, "<script>alert(1)</script> lane {number}. ")),
        AuditSpec(),
        style=style,
    )
    page = report(outcome, "<b>name</b>")
    assert "<script>" not in page
    assert "<b>name" not in page
    assert "http" not in page.replace("http-equiv", "")


def jsonl(path: Path, rows: list[Row]) -> Path:
    path.write_text(
        "".join(
            json.dumps(
                {
                    "id": row.id,
                    "prompt": row.prompt,
                    "response": f"<think>\n{row.think}\n</think>\n\n{row.answer}",
                }
            )
            + "\n"
            for row in rows
        )
    )
    return path


@pytest.mark.parametrize(
    ("note", "code", "verdict"),
    [("", 0, "clean"), ("E1 duplicate of {number}. Diversify by tone. ", 1, "leak")],
)
def test_the_command_ends_with_the_verdict(
    tmp_path: Path, clean: list[Row], note: str, code: int, verdict: str
) -> None:
    long = [row for row in clean if len(row.think) >= 400]
    corpus, out, page = (
        jsonl(tmp_path / "corpus.jsonl", stamped(long, 2, note)),
        tmp_path / "out.json",
        tmp_path / "out.html",
    )
    ran = CliRunner().invoke(
        app,
        ["audit", str(corpus), "--preset", "four-gate", "--json", str(out), "--html", str(page)],
    )
    found = json.loads(out.read_text())
    assert ran.exit_code == code
    assert list(found) == ["rows", "verdict", "patterns", "flagged", "gates"]
    assert found["verdict"] == verdict
    assert found["gates"]["duplicate_of"] == ((len(long) + 1) // 2 if note else 0)
    assert [set(one) for one in found["patterns"][:1]] == (
        [{"detector", "pattern", "rows", "share", "baseline_share", "examples"}] if note else []
    )
    assert [set(one) for one in found["flagged"][:1]] == (
        [{"row", "id", "reasons"}] if note else []
    )
    assert verdict in page.read_text()
