"""How a failed run ends: its stages, the largest losses with advice, the rejected rows."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from rich.console import Console

from deployments.cli.screen import show_ending
from flows.advice import ADVICE, BY_DESIGN, UNKNOWN, losses
from flows.clock import Clock, StageLine
from flows.ending import Ending, ending_in, ending_of, sentences, telling
from tasks import rows
from tasks.errors import EmptyTable, SuiteFailed
from tasks.spec import Spec
from tasks.store import REJECTS, Key, Made, find, publish, tables

ROOMS = Path(__file__).parents[2] / "tasks"
KEY = Key("verdicts", 1, Spec(), {})
LINES = (
    StageLine(stage="traces", rows_in=100, rows_out=90, rejected={"cut_answer": 10}, seconds=2),
    StageLine(
        stage="verdicts",
        rows_in=90,
        rows_out=30,
        rejected={"loop": 20, "wrong_answer": 40},
        seconds=1,
    ),
    StageLine(stage="corpus", rows_in=30, rows_out=3, rejected={"not_best_of_n": 27}, seconds=1),
)


def made(**changes: object) -> Made:
    usual: dict[str, object] = {
        "parts": {},
        "schema": rows.VERDICTS,
        "rejected": rows.rejected([("t1", "loop", "seen")]),
        "rows_in": 1,
    }
    return Made(**usual | changes)  # type: ignore[arg-type]


REJECTING = {"Fault": 1, "Lost": 1, "Rejection": 1, "Unreadable": 0, "verdict": 1, "Finding": 0}
"""What makes a rejected row → where in its arguments the reason stands."""


def reasons() -> Iterator[tuple[str, str]]:
    """Yield (file, reason) of every reason that stands as a text where a row is rejected."""
    for path in sorted(ROOMS.rglob("*.py")):
        if path.parent.name == "returns":
            continue  # its reasons get the prefix unparsed_, which has advice of its own
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
                place = REJECTING.get(node.func.id)
                if place is not None and len(node.args) > place:
                    yield from ((path.name, text) for text in texts(node.args[place]))
            if isinstance(node, ast.FunctionDef) and "_fault" in node.name:
                for inner in ast.walk(node):
                    if isinstance(inner, ast.Return) and inner.value:
                        yield from ((path.name, text) for text in texts(inner.value))


def texts(node: ast.expr) -> Iterator[str]:
    """Yield the texts that an expression may be."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value.isidentifier():
        yield node.value
    elif isinstance(node, ast.IfExp):
        yield from texts(node.body)
        yield from texts(node.orelse)
    elif isinstance(node, ast.BoolOp):
        for value in node.values:
            yield from texts(value)


def test_every_reason_that_rejects_a_row_has_advice() -> None:
    found = set(reasons())
    known = {reason for _, reason in found}
    assert {"loop", "too_large", "unclosed_think", "wrong_answer", "locked_label"} <= known
    assert sorted(one for one in found if one[1] not in ADVICE) == []


def test_an_advice_is_a_sentence_without_an_end_so_that_it_can_stand_in_a_line() -> None:
    assert [
        text for text in (*ADVICE.values(), UNKNOWN) if text.endswith(".") or len(text) < 12
    ] == []


def test_the_largest_loss_comes_first_and_what_is_meant_to_go_comes_last() -> None:
    found = losses(LINES)
    assert [(one.stage, one.reason, one.rows, one.of) for one in found] == [
        ("verdicts", "wrong_answer", 40, 90),
        ("verdicts", "loop", 20, 90),
        ("traces", "cut_answer", 10, 100),
        ("corpus", "not_best_of_n", 27, 30),
    ]
    assert found[-1].reason in BY_DESIGN


@pytest.mark.parametrize("refused", [None, SuiteFailed("too few rows")])
def test_a_table_that_is_not_published_keeps_its_rejected_rows(
    tmp_path: Path, refused: SuiteFailed | None
) -> None:
    with pytest.raises(SuiteFailed if refused else EmptyTable) as caught:
        publish(tmp_path, KEY, made(refused=refused))
    lost = caught.value.losses
    assert lost and (lost.stage, lost.rows_in, lost.rows_out) == ("verdicts", 1, 0)
    assert lost.rejected == {"loop": 1}
    assert pq.read_table(lost.rejects)["detail"].to_pylist() == ["seen"]
    assert find(tmp_path, KEY) is None and tables(tmp_path, "verdicts") == []


def test_the_rejected_rows_of_a_failure_go_when_the_table_is_made(tmp_path: Path) -> None:
    with pytest.raises(EmptyTable) as caught:
        publish(tmp_path, KEY, made())
    publish(tmp_path, KEY, made(may_be_empty=True))
    assert caught.value.losses and not caught.value.losses.rejects.exists()
    assert find(tmp_path, KEY)


def clock_of(folder: Path) -> Clock:
    clock = Clock()
    clock.lines += LINES
    clock.rejects += [folder / line.stage / REJECTS for line in LINES]
    return clock


def test_a_failed_flow_leaves_its_ending_at_the_exception(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError) as caught, telling(clock_of(tmp_path)):
        raise RuntimeError("disk full")
    ending = ending_in(caught.value)
    assert ending == ending_of(clock_of(tmp_path))
    assert ending_in(RuntimeError("disk full")) is None


def test_an_ending_is_told_with_stages_losses_advice_and_paths(tmp_path: Path) -> None:
    console = Console(width=100, record=True, quiet=False, file=(tmp_path / "out").open("w"))
    ending = ending_of(clock_of(tmp_path))
    show_ending(ending, console)
    text = console.export_text()
    assert text.index("verdicts: wrong_answer took 40 of 90 rows") < text.index(
        "verdicts: loop took 20"
    )
    assert ADVICE["wrong_answer"] in text
    assert "not_best_of_n took" not in text
    assert all(str(path) in text for _, path in ending.rejects)
    assert [one for one in sentences(ending) if one.startswith("rejected rows of traces")]


def test_a_run_that_made_nothing_has_nothing_to_show(tmp_path: Path) -> None:
    console = Console(record=True, file=(tmp_path / "out").open("w"))
    show_ending(Ending((), (), ()), console)
    assert console.export_text() == ""
