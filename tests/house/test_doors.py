"""What a newcomer and a contributor find at the door."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

HOUSE = Path(__file__).parents[2]
PACKAGES = ("deployments", "flows", "tasks")


def test_every_package_tells_type_checkers_that_it_is_typed() -> None:
    listed = (HOUSE / "pyproject.toml").read_text()
    for package in PACKAGES:
        assert (HOUSE / package / "py.typed").is_file()
        assert re.search(rf'^{package} = \[.*"py\.typed"', listed, re.MULTILINE)


def test_pre_commit_hooks_are_local_and_run_what_check_runs() -> None:
    tree = yaml.safe_load((HOUSE / ".pre-commit-config.yaml").read_text())
    assert [one["repo"] for one in tree["repos"]] == ["local"]
    hooks = [hook for one in tree["repos"] for hook in one["hooks"]]
    assert all(hook["language"] == "system" for hook in hooks)
    commands = {hook["entry"].removeprefix(".venv/bin/").split()[0] for hook in hooks}
    steps = (HOUSE / "infra" / "steps.sh").read_text()
    assert commands == set(re.findall(r'step "[\w ]+" (\S+)', steps))


def test_issue_templates_have_a_name_and_say_what_they_are_for() -> None:
    forms = list((HOUSE / ".github" / "ISSUE_TEMPLATE").glob("*.md"))
    assert forms
    for form in forms:
        _, head, _ = form.read_text().split("---\n", 2)
        assert {"name", "about"} <= set(yaml.safe_load(head))


def test_check_without_packages_says_how_to_install_them(tmp_path: Path) -> None:
    (tmp_path / "infra").mkdir()
    for name in ("check.sh", "steps.sh"):
        (tmp_path / "infra" / name).write_text((HOUSE / "infra" / name).read_text())
    done = subprocess.run(
        ["bash", str(tmp_path / "infra" / "check.sh")], capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert "bash infra/bootstrap.sh --dev" in done.stderr


LOOSE = """
import pytest


def test_quick(): ...


@pytest.mark.slow
def test_long(): ...


def test_that_needs_a_server(prefect_server): ...
"""


@pytest.fixture
def collected(tmp_path: Path) -> list[str]:
    """The tests that pytest collects from a quick and a mixed file, in the order it runs them."""
    (tmp_path / "conftest.py").write_text((HOUSE / "tests" / "conftest.py").read_text())
    (tmp_path / "test_a_quick.py").write_text("def test_quick(): ...\n")
    (tmp_path / "test_b_mixed.py").write_text(LOOSE)
    return _collect(tmp_path)


def _collect(folder: Path, *arguments: str) -> list[str]:
    command = [
        sys.executable,
        "-m",
        "pytest",
        "--collect-only",
        "-c",
        str(HOUSE / "pyproject.toml"),
        "--rootdir",
        str(folder),
        str(folder),
        *arguments,
    ]
    done = subprocess.run(command, capture_output=True, text=True, cwd=HOUSE, check=False)
    return [line.rpartition("/")[2] for line in done.stdout.splitlines() if "::" in line]


@pytest.mark.slow
def test_files_of_long_tests_begin_first(collected: list[str]) -> None:
    assert [one.partition("::")[0] for one in collected] == [
        *["test_b_mixed.py"] * 3,
        "test_a_quick.py",
    ]


@pytest.mark.slow
def test_a_test_that_uses_the_server_is_marked_by_itself(
    tmp_path: Path, collected: list[str]
) -> None:
    assert "test_b_mixed.py::test_that_needs_a_server" in collected
    quick = _collect(tmp_path, "-m", "not slow and not service and not vllm")
    assert sorted(quick) == ["test_a_quick.py::test_quick", "test_b_mixed.py::test_quick"]


def test_the_guide_of_the_rooms_names_every_file() -> None:
    guide = (HOUSE / "tasks" / "README.md").read_text()
    listed = set()
    for part in re.split(r"^### ", guide, flags=re.MULTILINE)[1:]:
        room = re.match(r"`tasks/([\w/]+)/`", part)
        folder = f"{room[1]}/" if room else ""
        listed |= {f"{folder}{name}" for name in re.findall(r"^\| `(\w+\.py)` \|", part, re.M)}
    there = {
        path.relative_to(HOUSE / "tasks").as_posix()
        for path in (HOUSE / "tasks").rglob("*.py")
        if path.read_text().strip() and path != HOUSE / "tasks" / "__init__.py"
    }
    assert there - {one for one in there if one.endswith("/__init__.py")} <= listed
    assert listed <= there
