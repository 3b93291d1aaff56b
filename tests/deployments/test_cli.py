import json
import subprocess
import sys
from pathlib import Path

import pytest
import typer
from rich.console import Console

from deployments.cli.main import verify
from deployments.cli.screen import show
from flows.build_corpus import Summary
from flows.clock import StageLine
from tasks.rows import VERDICTS, rejected, table_of
from tasks.spec import Spec
from tasks.store import Key, Made, publish
from tests.support.builds import TRACEMILL, finish, start, write_recipe
from tests.support.mills import bare

POCKET = Path(__file__).parents[2] / "deployments" / "recipes" / "pocket.yaml"


def run(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [TRACEMILL, *map(str, arguments)],
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        check=False,
    )


@pytest.mark.parametrize("named", ["", "sqlite+aiosqlite:////elsewhere.db"])
def test_a_server_of_ones_own_writes_in_turn_unless_a_database_is_named(
    tmp_path: Path, named: str
) -> None:
    code = "import os; from deployments.service.home import *; take_turns_by_default(); print(os.environ.get(DATABASE))"
    own = (
        bare()
        | {"PREFECT_HOME": str(tmp_path)}
        | ({"PREFECT_API_DATABASE_CONNECTION_URL": named} if named else {})
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env=own
    )
    assert done.stdout.strip() == (
        "None" if named else f"sqlite+aiosqlite:///{tmp_path}/prefect.db?plugin=tracemill"
    )


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (
            ["build", "no/such.yaml"],
            "recipe 'no/such.yaml' cannot be read: No such file or directory",
        ),
        (["build", str(POCKET), "--set", "prompts.rows=none"], "prompts.rows"),
        (
            ["build", str(POCKET), "--set", "models.teacher.engine=vlm"],
            "'vllm', 'endpoint' or 'scripted'",
        ),
    ],
)
def test_an_error_is_one_line_on_stderr_and_exit_code_2(arguments: list[str], says: str) -> None:
    done = run(*arguments)
    assert (done.returncode, done.stdout) == (2, f"checking {arguments[1]}\n")
    assert done.stderr.count("\n") == 1
    assert says in done.stderr


def test_debug_shows_where() -> None:
    assert "Traceback" in run("--debug", "build", "no/such.yaml").stderr


def test_help_teaches() -> None:
    shown = run("build", "--help").stdout
    assert all(
        word in shown for word in ("--rows", "--root", "--set", "run the same command", "summary")
    )


def test_a_build_ends_with_stages_yield_and_places_and_its_summary_keeps_the_contract(
    tmp_path: Path, rulebook: Path, prefect_server: str
) -> None:
    process = start(
        write_recipe(tmp_path / "r.yaml", rulebook), tmp_path / "mill", server=prefect_server
    )
    summary = finish(process)
    assert {
        "stages",
        "corpus",
        "rows",
        "yield",
        "tokens_per_second",
        "requests",
        "fingerprint",
    } <= summary.keys()
    assert {"stage", "rows_in", "rows_out", "rejected", "seconds"} == set(summary["stages"][0])
    assert all(
        Path(summary[name]).exists()
        for name in ("corpus", "report", "card", "summary", "rejected", "data_docs")
    )


def test_a_failing_build_says_why_in_one_line(
    tmp_path: Path, rulebook: Path, prefect_server: str
) -> None:
    process = start(
        write_recipe(tmp_path / "r.yaml", rulebook),
        tmp_path / "mill",
        "--rows",
        "900",
        server=prefect_server,
    )
    _, err = process.communicate(timeout=900)
    assert process.returncode == 2
    assert "family 'handbook_qa': 900 rows asked, 36 allowed of 60 possible" in err
    assert err.count("\n") == 1
    assert not (tmp_path / "mill").exists()


def test_the_table_shows_reasons_as_text_whatever_they_hold() -> None:
    line = StageLine(
        stage="verdicts", rows_in=3, rows_out=1, rejected={"[red]loop": 2}, seconds=0.5
    )
    summary = Summary(
        stages=[line],
        corpus="/c",
        rows=1,
        yield_=0.5,
        baseline_rows=0,
        tokens_per_second=10,
        requests=3,
        fingerprint="f",
        judge="",
        audit="/a",
        report="/r",
        card="/k",
        summary="/s",
        rejected="/j",
        data_docs="/d",
        style={},
        tables=[],
    )
    console = Console(width=100, record=True, file=open("/dev/null", "w"))  # noqa: PTH123, SIM115
    show(summary, console)
    text = console.export_text()
    assert "[red]loop 2" in text
    assert "1 rows, 50 per 100 prompts; 3 requests, 10 tokens/s" in text
    assert json.loads(summary.as_json())["yield"] == 0.5
    assert "warning:" not in text
    show(summary.model_copy(update={"weak_gates": "the gates find [b]few"}), console)
    assert "warning: the gates find [b]few" in console.export_text()


def test_verify_names_a_damaged_table_and_ends_with_exit_code_1(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    key = Key("verdicts", 1, Spec(), {})
    made = Made({"verdicts": table_of([], VERDICTS)}, VERDICTS, rejected([]), 0, may_be_empty=True)
    table = publish(tmp_path, key, made)
    verify(tmp_path)
    assert capsys.readouterr().out.endswith("1 tables read below " + f"{tmp_path}, 0 damaged\n")
    part = table.path / table.parts[0]
    part.write_bytes(b"x" * part.stat().st_size)
    with pytest.raises(typer.Exit) as ended:
        verify(tmp_path)
    assert ended.value.exit_code == 1
    assert f"damaged  {table.path}: verdicts.parquet\n" in capsys.readouterr().out
