"""What the README and the guides say to type works."""

import json
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml

from flows.build_corpus import build_corpus
from flows.preview import preview
from flows.recipes.corpus import Recipe
from tasks import rows
from tasks.chains.chain import Chain
from tasks.prompts.write import write as write_prompts
from tasks.sources.collect import questions
from tests.support.answer_server import answering
from tests.support.audit_corpus import write
from tests.support.builders import recipe
from tests.support.builds import TRACEMILL, finish, start
from tests.support.manual import write_manual

HOUSE = Path(__file__).parents[2]
PAGES = (
    "README.md",
    "deployments/README.md",
    "deployments/recipes/README.md",
    "flows/README.md",
    "tasks/README.md",
    ".github/CONTRIBUTING.md",
)
TEXTS = {name: (HOUSE / name).read_text() for name in PAGES}
README = TEXTS["README.md"]
DRY = tuple(
    part
    for setting in (
        "models.teacher.engine=scripted",
        "corpus.suite.general_min=0",
        "corpus.suite.family_missing=warn",
    )
    for part in ("--set", setting)
)
"""The README's commands ask the pocket teacher; a scripted one, which solves nothing, is enough to
see that they run. Its few right answers do not fill both splits."""


def blocks(language: str) -> list[str]:
    """Return every block of a language in the README and the guides, each text once."""
    found = [
        block
        for text in TEXTS.values()
        for block in re.findall(rf"```{language}\n(.*?)```", text, re.DOTALL)
    ]
    return list(dict.fromkeys(found))


def commands(name: str) -> list[str]:
    """Return every printed line that runs a command of tracemill, without its comment."""
    lines = [line for block in blocks("bash") for line in block.splitlines()]
    found = [
        " ".join(line.partition("#")[0].split())
        for line in lines
        if line.startswith(f".venv/bin/tracemill {name}")
    ]
    return list(dict.fromkeys(found))


RUN_BY = {
    r"bash infra/run\.sh": "test_readme.py::test_run_sh_builds_a_corpus",
    r"bash infra/(test|check|bootstrap)\.sh( --dev)?": "test_readme.py::test_every_script_is_there",
    r"\S+tracemill (init|plan|preview|build) my_manual(\.yaml)?": "test_readme.py::test_the_way_"
    "from_a_folder_to_a_corpus_runs_as_it_is_printed",
    r"\S+tracemill recipe .*": "test_readme.py::test_the_recipe_commands_write_what_they_say",
    r"\S+tracemill plan deployments.*": "test_readme.py::test_the_plan_command_shows_prompts_and_"
    "numbers",
    r"\S+tracemill preview deployments.*": "test_readme.py::test_the_preview_command_shows_rows",
    r"\S+tracemill build deployments.*/pocket\.yaml .*": "test_readme.py::test_the_build_command_"
    "and_the_python_that_opens_its_corpus_run",
    r"\S+tracemill build deployments.*/(pilot|patent)\.yaml": "test_recipes.py::test_a_recipe_for_"
    "the_spark_ends_in_a_corpus_with_every_family_at_its_share",
    r"\S+tracemill (run|train|probe|reproduce|diagnose) .*": "test_student_flows.py::test_the_"
    "readmes_commands_for_a_student_are_the_ones_run_here",
    r"\S+tracemill audit .*": "test_readme.py::test_the_audit_commands_run_on_a_corpus_of_ones_own",
    r"\S+tracemill (up|status|down)": "test_service.py::test_up_again_changes_nothing_and_status_"
    "says_that_all_is_well",
    r"set -a; .*|deployment=.*|curl .*|-d .*": "test_service.py::test_the_readmes_trigger_and_its_"
    "automation_work_as_they_stand",
}
"""A printed command → the test that runs it."""


def printed() -> list[str]:
    """Return every command of the README and the guides, without comments."""
    lines = [
        re.sub(r"\s+#.*", "", line).strip() for one in blocks("bash") for line in one.splitlines()
    ]
    return [line for line in lines if line]


@pytest.mark.parametrize("command", printed())
def test_a_test_runs_every_command_that_is_printed(command: str) -> None:
    runs = [test for form, test in RUN_BY.items() if re.fullmatch(form, command)]
    assert len(runs) == 1, f"no test runs {command!r}; name one in RUN_BY"
    file, _, name = runs[0].partition("::")
    (path,) = (HOUSE / "tests").glob(f"*/{file}")
    assert f"def {name}(" in path.read_text()


@pytest.mark.parametrize("page", PAGES)
def test_every_link_leads_somewhere(page: str) -> None:
    for target in re.findall(r"\]\(([^)\s]+)\)", TEXTS[page]):
        if target.startswith(("http://", "https://")):
            continue
        path, _, part = target.partition("#")
        place = ((HOUSE / page).parent / path).resolve() if path else HOUSE / page
        assert place.exists(), f"{page} links {target}"
        assert not part or part in headings(place.read_text()), f"{page} links {target}"


def headings(text: str) -> set[str]:
    """Return the anchors of a page, as a browser of the repository makes them."""
    titles = re.findall(r"^#+ (.+)$", re.sub(r"```.*?```", "", text, flags=re.DOTALL), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


def test_the_readme_is_short() -> None:
    assert len(README.splitlines()) <= 170


def test_every_script_is_there() -> None:
    scripts = {one for line in printed() for one in re.findall(r"^bash (infra/\S+)", line)}
    assert {"infra/run.sh", "infra/test.sh", "infra/check.sh", "infra/bootstrap.sh"} <= scripts
    assert all((HOUSE / script).is_file() for script in scripts)


def test_the_two_commands_are_what_lies_there() -> None:
    scripts = re.findall(r"^bash (infra/\S+)", README, re.MULTILINE)
    assert scripts == ["infra/run.sh", "infra/test.sh"]


def test_the_way_from_a_folder_to_a_corpus_runs_as_it_is_printed(
    tmp_path: Path, prefect_server: str
) -> None:
    write_manual(tmp_path / "my_manual")
    small = (*DRY, "--rows", "30", "--set", "corpus.suite.min_rows=5")
    further: dict[str, tuple[str, ...]] = {
        "init": (),
        "plan": (),
        "preview": DRY[:2],
        "build": small,
    }
    steps = [one for name in further for one in commands(name) if "my_manual" in one]
    assert [shlex.split(step)[1] for step in steps] == list(further)
    for step in steps:
        command = [str(TRACEMILL), *shlex.split(step)[1:], *further[shlex.split(step)[1]]]
        done = subprocess.run(
            command, capture_output=True, text=True, cwd=tmp_path, check=False,
            env=os.environ | {"PREFECT_API_URL": prefect_server},
        )  # fmt: skip
        assert done.returncode == 0, done.stderr + done.stdout
    assert list((tmp_path / "mill" / "corpus").glob("*/train.parquet"))


@pytest.mark.slow
def test_the_preview_command_shows_rows() -> None:
    (command,) = [one for one in commands("preview") if "deployments/" in one]
    done = subprocess.run(
        [TRACEMILL, *shlex.split(command)[1:], *DRY[:2]],
        capture_output=True, text=True, cwd=HOUSE, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "row 5 of 5" in done.stdout and "nothing was kept" in done.stdout


def test_the_recipe_commands_write_what_they_say(tmp_path: Path) -> None:
    for command in commands("recipe"):
        there = command.replace(".venv/bin/tracemill", str(TRACEMILL))
        subprocess.run(["bash", "-c", there], cwd=tmp_path, check=True)
    assert json.loads((tmp_path / "recipe.schema.json").read_text())["title"]
    assert (tmp_path / "recipe.md").read_text().startswith("# Every setting")


def test_run_sh_builds_a_corpus(tmp_path: Path, prefect_server: str) -> None:
    stamp = HOUSE / ".venv" / "tracemill.stamp"
    # A linked .venv belongs to another checkout: bootstrap.sh would clear it and install anew.
    linked = (HOUSE / ".venv").is_symlink()
    if linked or not stamp.exists() or not Path(sys.prefix).samefile(HOUSE / ".venv"):
        pytest.skip("these tests run in an environment that infra/bootstrap.sh did not make")
    command = [
        "bash",
        str(HOUSE / "infra" / "run.sh"),
        "--root",
        str(tmp_path / "mill"),
        "--rows",
        "40",
        "--set",
        "corpus.suite.min_rows=5",
        *DRY,
    ]
    done = subprocess.run(
        command, capture_output=True, text=True, stdin=subprocess.DEVNULL, cwd="/", check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert list((tmp_path / "mill" / "summaries").glob("*.json"))


def test_the_build_command_and_the_python_that_opens_its_corpus_run(
    tmp_path: Path, prefect_server: str
) -> None:
    command = next(one for one in commands("build") if "--root" in one)
    _, _, recipe, *arguments = shlex.split(command)
    arguments[arguments.index("--root") + 1] = str(tmp_path / "mill")
    summary = finish(
        start(HOUSE / recipe, tmp_path / "mill", *arguments, *DRY, server=prefect_server)
    )
    code = next(block for block in blocks("python") if "load_dataset" in block)
    done = subprocess.run(
        [sys.executable, "-c", code.replace("mill/corpus/<fingerprint>", summary["corpus"])],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "'role': 'assistant'" in done.stdout


def test_the_plan_command_shows_prompts_and_numbers() -> None:
    (command,) = [one for one in commands("plan") if "deployments/recipes/" in one]
    done = subprocess.run(
        [TRACEMILL, *shlex.split(command)[1:]],
        capture_output=True, text=True, cwd=HOUSE, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")
    for said in ("prompt 10 of 10", "so 0 % are too long", "1,296: 300 prompts"):
        assert said in done.stdout


@pytest.mark.parametrize("text", blocks("yaml"))
def test_every_recipe_in_it_parses(text: str) -> None:
    tree = yaml.safe_load(text)
    if "steps" in tree:
        assert Chain.model_validate(tree)
        return
    assert Recipe.model_validate({"name": "piece"} | tree)


def recipe_named(name: str) -> dict[str, Any]:
    trees = [yaml.safe_load(text) for text in blocks("yaml")]
    return next(dict(tree) for tree in trees if tree.get("name") == name)


def test_the_rulebook_recipe_publishes_its_rows_with_the_teacher_that_it_names(
    tmp_path: Path, prefect_server: str
) -> None:
    tree = recipe_named("rulebook")
    manual, papers = tree["documents"]["sources"]
    manual["path"] = str(write_manual(tmp_path / manual["path"]))
    pq.write_table(
        pa.table({"abstract": ["A pump that moves water uphill at night."]}),
        tmp_path / "papers.parquet",
    )
    papers["path"] = str(tmp_path / "papers.parquet")
    with answering(manual=True) as server:
        tree["placement"]["models"]["teacher"]["base_url"] = server.base_url
        made = Recipe.model_validate(tree)
        built = build_corpus(made, tmp_path / "mill")
    stages = {line.stage: line for line in built.stages}
    assert built.rows >= made.corpus.suite.min_rows
    assert stages["prompts"].rows_out >= made.prompts.rows
    assert stages["traces"].rejected.get("prompt_too_long", 0) == 0
    assert all(line.rows_in == line.rows_out + sum(line.rejected.values()) for line in built.stages)


@pytest.mark.slow
def test_the_chain_that_is_printed_previews(
    tmp_path: Path, rulebook: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (text,) = [one for one in blocks("yaml") if "steps" in yaml.safe_load(one)]
    monkeypatch.chdir(tmp_path)
    Path("prompts").mkdir()
    Path("prompts/question.jinja").write_text(
        "{{ passage.text }}\nWhat would {{ reader.who }} ask?\n"
        "Write one question on each line, and nothing else."
    )
    Path("my_questions.yaml").write_text(text)
    family = {"name": "mine", "share": 1, "ground": "chain", "chain": "my_questions"}
    made = recipe(
        rulebook,
        questions={},
        chains=["my_questions.yaml"],
        prompts={"rows": 2, "families": [family]},
    )
    shown = preview(made, tmp_path / "mill", rows=2)
    assert [one.name for one in shown.stages if one.wrote][:2] == [
        "my_questions: reader",
        "my_questions: question",
    ]
    assert shown.rows


def pieces() -> list[dict[str, Any]]:
    """Return what the README prints of recipes beside whole ones."""
    trees = [yaml.safe_load(text) for text in blocks("yaml")]
    return [dict(tree) for tree in trees if "name" not in tree]


@pytest.mark.parametrize(
    "piece",
    [piece for piece in pieces() if "placement" in piece and "models" in piece],
    ids=lambda one: f"{one['models']['teacher']['engine']} x {len(one['models'])}",
)
def test_every_teacher_that_is_printed_answers_a_small_build(
    piece: dict[str, Any], tmp_path: Path, rulebook: Path, prefect_server: str
) -> None:
    with answering() as server:
        for name, model in piece["models"].items():
            if model["engine"] == "endpoint":
                piece["placement"]["models"][name]["base_url"] = server.base_url
            else:
                # Eight billion parameters and a GPU are not at hand; test_real runs this engine
                # with the built-in model.
                model["engine"] = "scripted"
        built = build_corpus(recipe(rulebook, **piece), tmp_path)
    traces = next(line for line in built.stages if line.stage == "traces")
    assert built.rows >= 3
    assert traces.rejected.get("prompt_too_long", 0) == 0


def test_the_probe_that_is_printed_asks_what_it_says(tmp_path: Path) -> None:
    (probe,) = [
        Recipe.model_validate({"name": "piece"} | one).probe for one in pieces() if "probe" in one
    ]
    own = [
        {"question": f"Which rule holds for case {number}?", "answer": "none"}
        for number in range(60)
    ]
    (tmp_path / "my_probe.jsonl").write_text("\n".join(map(json.dumps, own)))
    source = probe.questions.sources[0]
    assert source.path == "my_probe.jsonl"
    there = source.model_copy(update={"path": str(tmp_path / source.path)})
    asked = questions(probe.questions.model_copy(update={"sources": (there,)})).parts["questions"]
    made = write_prompts(rows.table_of([], rows.PASSAGES), asked, probe.prompts)
    assert made.parts["prompts"].num_rows == probe.prompts.rows
    assert set(made.parts["prompts"]["family"].to_pylist()) == {
        one.name for one in probe.prompts.families
    }


@pytest.mark.slow
def test_the_audit_commands_run_on_a_corpus_of_ones_own(tmp_path: Path) -> None:
    def rows(note: str, first: int) -> list[dict[str, object]]:
        return [
            {
                "id": f"row-{number}", "question": f"What is {number} plus {number * 7 % 90}?", "family": "sum", "persona": "clerk",
                "response": f"<think>\n{note}{_thought(number)}\n</think>\n\nDone.",
            }
            for number in range(first, first + 120)
        ]  # fmt: skip

    write(tmp_path / "my_corpus.jsonl", rows("K4 diversify the tone. ", 0))
    write(tmp_path / "bare.jsonl", rows("", 1000))
    printed = commands("audit")
    assert len(printed) == 2
    for command in printed:
        done = subprocess.run(
            [TRACEMILL, *shlex.split(command)[1:]],
            capture_output=True,
            text=True,
            cwd=tmp_path,
            check=False,
        )
        assert (done.returncode, done.stderr) == (1, "")
        assert done.stdout.splitlines()[-1].startswith("leak: producer state in 120 rows, 100 %")
    assert "K4 diversify the tone" in (tmp_path / "audit.html").read_text()
    assert {"rows", "verdict", "patterns", "flagged", "gates"} == set(
        json.loads((tmp_path / "audit.json").read_bytes())
    )


def _thought(number: int) -> str:
    ways = ("I add the tens first", "I split the second number", "I count on from the first")
    return f"The question gives {number} and {number * 7 % 90}. {ways[number % 3]}, and then the ones; the sum is {number + number * 7 % 90}."
