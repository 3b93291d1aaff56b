"""Documents, recipes and model output are data: nothing of them runs, climbs, or fills the machine,
and all of it is escaped where it is shown.
"""

import io
import json
import pickle
import re
import resource
import shutil
import subprocess
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from bs4 import BeautifulSoup
from prefect import State, flow, task
from rich.console import Console
from transformers import AutoTokenizer

from deployments.cli.screen import show_row
from flows.build_corpus import Summary, build_corpus
from flows.recipes.corpus import Recipe
from flows.recipes.load import load_recipe
from flows.recipes.models import trusting
from flows.reproduce import Reproduction
from tasks.artifacts import leave_table
from tasks.corpus.suite import SuiteSpec, validate
from tasks.errors import BadRecipe, SuiteFailed
from tasks.grounding.chunk import chunks
from tasks.inference.chat import prompt_tokens
from tasks.inference.models import POCKET
from tasks.probe.answers import Answer
from tasks.probe.report import report as probe_page
from tasks.sources import pages
from tasks.sources.collect import content_digest, documents
from tasks.sources.spec import DocumentSource, DocumentSpec
from tasks.train.examples import StudentSpec
from tasks.train.student import load
from tasks.verdicts.gates import VerdictSpec, judge_case
from tests.support.answer_server import answering
from tests.support.builders import case, recipe
from tests.support.hostile import (
    INJECTION,
    MARK,
    MIB,
    SCRIPT,
    TEMPLATE,
    TERMINAL,
    Bomb,
    laughs,
    write_bombs,
    write_hostile_rulebook,
)
from tests.support.left import artifacts_of, logs_of, run_of, runs_of

KEY = "key-5f1c0ffee-of-the-endpoint"
RECIPES = sorted((Path(__file__).parents[2] / "deployments" / "recipes").glob("*.yaml"))
CHROMIUM = (
    shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
)


def runs_nothing(page: Path) -> bool:
    """Whether a page holds no element of ours that acts; in a browser too, where there is one."""
    if MARK not in page.read_text():
        return True
    soup = BeautifulSoup(page.read_text(), "html.parser")
    handlers = [
        name
        for tag in soup.find_all(True)
        for name, value in tag.attrs.items()
        if name.startswith("on") and MARK in str(value)
    ]
    scripts = [tag for tag in soup.find_all("script") if MARK in tag.get_text()]
    return (
        not handlers and not scripts and f"<title>{MARK}" not in (shown(page) if CHROMIUM else "")
    )


def shown(page: Path) -> str:
    """Return the page as a browser has it when all of its scripts have run."""
    command = [
        str(CHROMIUM),
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        "--virtual-time-budget=2000",
        "--dump-dom",
        page.as_uri(),
    ]
    return subprocess.run(command, capture_output=True, text=True, timeout=600, check=False).stdout


# Documents


@pytest.mark.slow
def test_a_file_that_means_harm_is_a_row_with_a_reason_and_the_good_one_beside_it_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pages, "SECONDS", 1)
    due = write_bombs(tmp_path / "docs", tmp_path / "secret.txt", tmp_path / "fired")
    (tmp_path / "docs" / "good.pdf.md").write_text("A good rule among the bad files.")
    spec = DocumentSpec(sources=(DocumentSource(path=str(tmp_path / "docs")),), max_bytes=4 * MIB)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    assert len(content_digest(spec.sources)) == 32
    made = documents(spec)
    found = zip(
        (name.partition("/")[2] for name in made.rejected["row_id"].to_pylist()),
        made.rejected["reason"].to_pylist(),
        strict=True,
    )
    assert {name: reason for name, reason in found if reason != "duplicate_document"} == due
    assert "A good rule among the bad files." in made.parts["documents"]["text"].to_pylist()
    assert "secret of this machine" not in str(made.parts["documents"]["text"].to_pylist())
    assert not (tmp_path / "fired").exists() and not (tmp_path / "up.txt").exists()
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 300 * 1024
    assert resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024 < 1.1 * pages.MEMORY_BYTES


def test_front_matter_that_spells_gigabytes_or_objects_is_text(tmp_path: Path) -> None:
    for name, head in (
        ("laughs", laughs("title")),
        ("object", "title: !!python/object/apply:os.system [true]"),
        ("date", "title: 2020-99-99"),
    ):
        (tmp_path / f"{name}.md").write_text(
            f"---\n{head}\n---\n# Rule {name}\n\nThe fee of {name} is 40 credits."
        )
    made = documents(DocumentSpec(sources=(DocumentSource(path=str(tmp_path)),)))
    assert made.parts["documents"]["title"].to_pylist() == [
        "Rule date",
        "Rule laughs",
        "Rule object",
    ]


def test_names_and_titles_are_words_and_bytes_that_are_none_are_spelled_out(tmp_path: Path) -> None:
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "up..\\..\\etc\x1b[2J.txt").write_text("One rule of the house.")
    with open(bytes(tmp_path / "docs") + b"/caf\xe9.txt", "w") as file:  # noqa: PTH123  a Path holds no such bytes
        file.write("Another rule of the house.")
    (tmp_path / "docs" / "rows.jsonl").write_text(
        json.dumps({"text": "A third rule.", "title": f"../../{TERMINAL}\n" + "x" * 5000})
    )
    table = (
        documents(DocumentSpec(sources=(DocumentSource(path=str(tmp_path / "docs")),)))
        .parts["documents"]
        .to_pylist()
    )
    assert [row["source"] for row in table] == [
        "docs/caf\\xe9.txt",
        "docs/rows.jsonl#1",
        "docs/up..\\..\\etc [2J.txt",
    ]
    assert all(row["title"].isprintable() and len(row["title"]) <= 200 for row in table)


@pytest.mark.timeout(60)
@pytest.mark.parametrize(
    "text",
    [
        "word " * MIB,
        "x" * 4 * MIB,
        "# x" + "# " * MIB + "y",
        "~~~\n```\n" * 200_000,
        "1." * MIB,
        ("a\n" + "=" * 100 + "x\n") * 10_000,
        "\n \n" * MIB,
    ],
    ids=["one line", "one word", "hashes", "fences", "outline", "underlines", "blanks"],
)
def test_a_giant_line_is_cut_in_time_and_no_passage_is_giant(text: str) -> None:
    assert all(
        chunk.end - chunk.start < 40_000
        for chunk in chunks(text, title="T", max_words=150, min_words=1)
    )


def test_a_data_set_brings_no_code_and_no_pickle(tmp_path: Path) -> None:
    (tmp_path / "set").mkdir()
    (tmp_path / "set" / "set.py").write_text(
        f"from pathlib import Path\nPath({str(tmp_path / 'fired')!r}).touch()\n"
    )
    (tmp_path / "set" / "train.pkl").write_bytes(pickle.dumps(Bomb(tmp_path / "fired")))
    with pytest.raises(BadRecipe, match="cannot be opened"):
        documents(DocumentSpec(sources=(DocumentSource(path=f"hub:{tmp_path / 'set'}"),)))
    assert not (tmp_path / "fired").exists()


def test_a_document_cannot_end_its_turn_or_begin_a_thought() -> None:
    tokenizer = AutoTokenizer.from_pretrained(POCKET)
    ids = prompt_tokens(tokenizer, [{"role": "user", "content": f"{INJECTION} </think>"}])
    assert [
        ids.count(tokenizer.convert_tokens_to_ids(token))
        for token in ("<|im_start|>", "<|im_end|>", "</think>")
    ] == [2, 1, 0]


# Recipes


@pytest.mark.timeout(60)
@pytest.mark.parametrize(
    "text",
    [
        laughs("name"),
        "name: !!python/object/apply:os.system [touch fired]",
        "a: " + "[" * 20_000,
        "name: !!int ''",
    ],
    ids=["laughs", "object", "deep", "tag"],
)
def test_a_recipe_that_means_harm_is_refused_in_one_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "r.yaml").write_text(text)
    with pytest.raises(BadRecipe, match="is not YAML") as refused:
        load_recipe(tmp_path / "r.yaml")
    assert len(str(refused.value)) < 1000
    with pytest.raises(BadRecipe, match="setting"):
        load_recipe(
            RECIPES[0],
            [
                f"name={text.partition(': ')[2]}"
                if "laughs" not in text and "&" not in text
                else "name=*a"
            ],
        )
    assert not (tmp_path / "fired").exists()


def test_a_password_in_an_address_is_refused_and_not_repeated() -> None:
    with pytest.raises(BadRecipe, match="TRACEMILL_API_KEY") as refused:
        load_recipe(RECIPES[0], ["placement.models.teacher.base_url=http://me:hunter2@host/v1"])
    assert "hunter2" not in str(refused.value)


@pytest.mark.parametrize("path", RECIPES, ids=lambda path: path.stem)
def test_no_shipped_recipe_trusts_code_that_comes_with_a_model(path: Path) -> None:
    assert trusting(load_recipe(path)) == []


@pytest.mark.parametrize(
    "place",
    ["models.teacher", "models.another", "probe.asked", "train.student"],
)
def test_a_model_that_may_run_code_of_its_own_is_named_wherever_it_stands(place: str) -> None:
    trusted = load_recipe(RECIPES[0], [f"{place}.trust_remote_code=true", f"{place}.model=mine"])
    assert trusting(trusted) == [f"{place} (mine)"]


def test_weights_that_are_a_pickle_are_not_opened(tmp_path: Path) -> None:
    for name in ("config.json", "tokenizer.json", "tokenizer_config.json"):
        shutil.copy(POCKET / name, tmp_path)
    (tmp_path / "pytorch_model.bin").write_bytes(pickle.dumps(Bomb(tmp_path / "fired")))
    with pytest.raises(OSError, match="safetensors"):
        load(StudentSpec(model=str(tmp_path)), precision="fp32")
    assert not (tmp_path / "fired").exists()


# One build from a hostile rulebook by a teacher who quotes it, with a key in the environment and a
# model that is trusted aloud


Ran = tuple[Recipe, Path, State[Summary]]


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory, prefect_server: str) -> Ran:
    folder = tmp_path_factory.mktemp("hostile")
    teacher = {
        "engine": "endpoint",
        "model": f"m` {SCRIPT}",
        "trust_remote_code": True,
        "max_tokens": 4000,
        "max_model_len": 9000,
    }
    with pytest.MonkeyPatch.context() as patch, answering() as server:
        patch.setenv("TRACEMILL_API_KEY", KEY)
        made = recipe(
            write_hostile_rulebook(folder / "rules <script>"),
            models={"teacher": teacher},
            traces={"samples": 3},
            placement={"models": {"teacher": {"base_url": server.base_url, "window": 8}}},
            verdicts={"structure": {"answer_max": 9000}, "fluency": {"longest_word": 90}},
        )
        return made, folder / "mill", build_corpus(made, folder / "mill", return_state=True)


@pytest.fixture(scope="module")
def built(ran: Ran) -> tuple[Recipe, Path, Summary]:
    made, root, state = ran
    return made, root, state.result()


def test_what_a_document_says_is_in_the_corpus_word_for_word_and_was_never_evaluated(
    built: tuple[Recipe, Path, Summary],
) -> None:
    rows = [
        row
        for path in Path(built[2].corpus).glob("[tv]*.parquet")
        for row in pq.read_table(path).to_pylist()
    ]
    assert rows
    for row in rows:
        assert f"{SCRIPT} {TEMPLATE} {INJECTION}" in row["prompt"]
        assert MARK in row["answer"] and "{{ 7*7 }}" in row["answer"]
        assert not re.search(
            r"[\x00-\x08\x0b-\x1f\u202e]", row["prompt"] + row["think"] + row["answer"]
        )


def test_every_page_of_a_build_escapes_what_it_shows(built: tuple[Recipe, Path, Summary]) -> None:
    summary = built[2]
    report, audit = Path(summary.report), Path(summary.audit)
    assert MARK in report.read_text()
    docs = list(Path(summary.data_docs).parent.rglob("*.html"))
    assert [page.name for page in (report, audit, *docs) if not runs_nothing(page)] == []
    card = Path(summary.card).read_text()
    assert not re.search(r"(?<!\\)<(?!/?(sub|sup))", re.sub(r"`[^`\n]*`", "", card))


@pytest.mark.slow
def test_data_docs_of_a_corpus_that_fails_quote_no_row(tmp_path: Path) -> None:
    columns: dict[str, list[object]] = dict.fromkeys(
        ("prompt", "think", "answer"), [f"{SCRIPT}</think>{TEMPLATE}"] * 3
    )
    columns |= {
        "row_id": ["r0", "r1", "r2"],
        "split": ["train"] * 3,
        "family": ["f"] * 3,
        "general": [0] * 3,
        "verified": [0] * 3,
    }
    with pytest.raises(SuiteFailed, match="r0"):
        validate(columns, SuiteSpec(), docs=tmp_path)
    found = list(tmp_path.rglob("*.html"))
    assert len(found) == 3 and [page.name for page in found if MARK in page.read_text()] == []


def test_the_probes_page_escapes_both_models(tmp_path: Path) -> None:
    said = Answer(
        "a",
        "q",
        0,
        "student",
        "kind",
        SCRIPT,
        SCRIPT,
        SCRIPT,
        SCRIPT,
        "stop",
        3,
        known=False,
        faults={"structure": SCRIPT},
        judged=False,
    )
    (tmp_path / "report.html").write_text(probe_page([said], [], SCRIPT))
    assert MARK in (tmp_path / "report.html").read_text()
    assert runs_nothing(tmp_path / "report.html")


def test_a_model_that_is_trusted_is_named_in_log_and_card(
    ran: Ran, built: tuple[Recipe, Path, Summary]
) -> None:
    assert "trust_remote_code was on" in Path(built[2].card).read_text()
    said = [line.message for line in logs_of(run_of(ran[2]))]
    assert any("trust_remote_code is on for models.teacher" in line for line in said)


def test_the_key_is_in_no_file_no_log_no_parameter_and_no_artifact(
    ran: Ran, built: tuple[Recipe, Path, Summary]
) -> None:
    files = [path for path in built[1].rglob("*") if path.is_file()]
    assert len(files) > 40
    assert [path.name for path in files if KEY.encode() in path.read_bytes()] == []
    own = run_of(ran[2])
    told = [*logs_of(own), *runs_of(own), *artifacts_of(own)]
    assert len(told) > 20
    assert [one for one in told if KEY in one.model_dump_json()] == []


def test_an_artifact_holds_no_sign_that_a_database_or_a_terminal_chokes_on(
    prefect_server: str,
) -> None:
    @task
    def leave() -> None:
        leave_table(
            [{"pattern": f"a\0b{TERMINAL}", "examples": [f"c\0d{SCRIPT}"]}],
            key="hostile",
            description="evidence",
        )

    state = flow(name="hostile-artifact")(leave)(return_state=True)
    (artifact,) = artifacts_of(run_of(state))
    ((row),) = json.loads(str(artifact.data))
    assert row["pattern"].isprintable() and row["examples"] == [f"c d{SCRIPT}"]


# Model output


def test_a_row_on_the_screen_cannot_command_the_terminal() -> None:
    row = Reproduction(
        trace_id="t",
        student=False,
        prompt=TERMINAL,
        prompt_ids=[1],
        recorded=TERMINAL,
        shown=TERMINAL,
        output_ids=[1],
        finish_reason="stop",
        load_seconds=0,
        seconds=0,
        recorded_nats=None,
        verdicts={"structure": (TERMINAL, TERMINAL)},
    )
    screen = io.StringIO()
    show_row(row, Console(file=screen, width=200))
    assert "\x1b" not in screen.getvalue() and "\u202e" not in screen.getvalue()


@pytest.mark.slow
@pytest.mark.timeout(60)
@pytest.mark.parametrize(
    "said",
    [
        "x" * MIB,
        "word " * 100_000,
        "[" * (MIB // 2),
        "<think>" * 50_000,
        "$" + "{" * 50_000,
        "\\boxed{" * 25_000,
        "1" * 50_000,
        "v. " * 300_000,
    ],
    ids=["word", "loop", "brackets", "tags", "math", "boxes", "digits", "cases"],
)
def test_a_giant_answer_is_judged_in_time(said: str) -> None:
    spec = load_recipe(RECIPES[1]).verdicts
    for one in (
        case(think=said, answer=said),
        case(think=said, answer=said, passages=(), accepted=("4",), answer_type="number"),
    ):
        assert any(found.failed for found in judge_case(one, spec, frozenset({"a1_claims"})))
    assert judge_case(case(answer=said), VerdictSpec(), frozenset())
