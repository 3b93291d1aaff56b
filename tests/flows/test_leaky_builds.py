"""What a build does when its teacher leaks."""

import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from flows.build_corpus import Summary, build_corpus
from flows.recipes.corpus import Recipe
from tasks import rows
from tasks.audit.traces import TraceAuditSpec, audit_table, refuse_leaks, stopping_patterns
from tasks.errors import EmptyTable, GateBroken
from tasks.store import Key, Table, once
from tests.support.answer_server import answering
from tests.support.builders import prompts_table, recipe
from tests.support.left import artifacts_of, run_of

NOTE = "B7 zesty variant; shuffle the closing line."
ASKED = ("the fee", "the reply period", "the examiner who decides")


@pytest.fixture(scope="module")
def leaking_url() -> Any:
    with answering(leak=NOTE) as server:
        yield server.base_url


def leaky(rulebook: Path, base_url: str, **audit: object) -> Recipe:
    """A recipe of 100 prompts whose teacher puts the producer's note in front of whatever it was
    instructed to think.
    """
    made = recipe(rulebook, placement={"models": {"teacher": {"base_url": base_url}}}, audit=audit)
    teacher = {"engine": "endpoint", "model": "m", "system_prompt": "Cite the section."}
    family = {
        "name": "handbook_qa",
        "share": 1,
        "forms": [
            f"{verb} {what} for {{topic}}." for verb in ("Give", "Find", "Name") for what in ASKED
        ],
    }
    prompts = {"rows": 100, "control": 0.2, "saturation": 0.9, "families": [family]}
    return Recipe.model_validate(
        made.model_dump()
        | {"prompts": prompts, "models": {"teacher": teacher}, "traces": {"samples": 2}}
    )


@pytest.mark.usefixtures("prefect_server")
def test_a_leak_of_a_form_nobody_wrote_a_pattern_for_stops_the_run_and_leaves_its_evidence(
    tmp_path: Path, rulebook: Path, leaking_url: str
) -> None:
    made = leaky(rulebook, leaking_url)
    state = build_corpus(made, tmp_path, return_state=True)
    with pytest.raises(
        GateBroken,
        match=r"concentration '.*zesty variant.* in \d+ rows \(9\d %\).*nothing was published",
    ):
        state.result()
    assert {"traces", "audits"} <= {path.name for path in tmp_path.iterdir()}
    assert not {"verdicts", "corpus"} & {path.name for path in tmp_path.iterdir()}
    (left,) = [one for one in artifacts_of(run_of(state)) if one.key == "leaks"]
    assert "zesty variant" in str(left.data)
    (page,) = (tmp_path / "audits").glob("*/audit.html")
    told = page.read_text()
    assert "zesty variant" in told
    assert f"recipe {made.name}" in told
    assert f"audit {page.parent.name}" in told


@pytest.mark.usefixtures("prefect_server")
def test_a_pattern_within_tolerance_only_rejects_its_rows_here_all_and_a_cleared_one_none(
    tmp_path: Path, rulebook: Path, leaking_url: str
) -> None:
    def reasons(summary: Summary) -> set[str]:
        return set(next(line for line in summary.stages if line.stage == "verdicts").rejected)

    cleared = build_corpus(leaky(rulebook, leaking_url, allowed=[NOTE]), tmp_path)
    assert cleared.rows and not {"concentration", "locked_label", "novelty"} & reasons(cleared)
    newest = max((tmp_path / "audits").glob("*/audit.json"), key=lambda path: path.stat().st_mtime)
    assert {one["detector"] for one in json.loads(newest.read_bytes())["patterns"]} >= {
        "cleared_concentration"
    }
    with pytest.raises(GateBroken) as refused:
        build_corpus(leaky(rulebook, leaking_url, allowed=["zesty"]), tmp_path)
    assert "B7" in str(refused.value)
    with pytest.raises(EmptyTable, match="verdicts"):
        build_corpus(leaky(rulebook, leaking_url, tolerated=1.0), tmp_path)


def traces_with(thinks: list[str]) -> pa.Table:
    made = [
        {
            "trace_id": f"t{number}",
            "prompt_id": f"q{number:06d}",
            "model": "teacher",
            "sample": 0,
            "think": think,
            "answer": "Done.",
            "raw": think,
            "fault": "",
            "parsed": False,
            "finish_reason": "stop",
            "prompt_tokens": 1,
            "completion_tokens": 1,
            "seed": number,
        }
        for number, think in enumerate(thinks)
    ]
    return rows.table_of(made, rows.TRACES)


def audited(root: Path, thinks: list[str], spec: TraceAuditSpec) -> Table:
    made = audit_table(traces_with(thinks), prompts_table(len(thinks)), [], spec)
    return once(root, Key("audits", 1, spec, {}), lambda: made)


def test_one_canary_in_any_trace_stops_the_run_whatever_is_tolerated_and_a_foreign_one_is_named(
    tmp_path: Path,
) -> None:
    spec = TraceAuditSpec(tolerated=1.0)
    plain = [
        f"The question {number} asks for a reason, and I weigh {number + 7} of them."
        for number in range(50)
    ]
    leaking = [
        *plain[:20],
        f"{plain[20]} canary-{20:016x}",
        f"{plain[21]} canary-{3:016x}",
        *plain[22:],
    ]
    table = audited(tmp_path, leaking, spec)
    assert table.read().to_pydict() == {
        "trace_id": ["t20", "t21"],
        "reason": ["canary", "foreign_canary"],
    }
    with pytest.raises(GateBroken, match="canary"):
        refuse_leaks(table, stopping_patterns(table, spec))


def test_clean_traces_pass_and_the_control_arm_is_not_under_audit(tmp_path: Path) -> None:
    spec = TraceAuditSpec()
    plain = [
        f"The question {number} asks for a reason, and I weigh {number + 7} of them."
        for number in range(50)
    ]
    table = audited(tmp_path, plain, spec)
    refuse_leaks(table, stopping_patterns(table, spec))
    assert (table.rows, table.rows_in) == (0, 50)
    everything_bare = audit_table(traces_with(plain), prompts_table(50, control=50), [], spec)
    assert everything_bare.parts["audits"].num_rows == 0
