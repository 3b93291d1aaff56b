import ast
import graphlib
import subprocess
import sys
from collections import defaultdict
from pathlib import Path

import grimp

HOUSE = Path(__file__).parents[2]
HEAVY = (
    "vllm",
    "ray",
    "torch",
    "trl",
    "great_expectations",
    "sentence_transformers",
    "hnswlib",
    "matplotlib",
    "datasets",
    "math_verify",
    "rensa",
)
FLOOR = set(
    "files held_out manifest parts rows templates text_faults think ngrams plots processes progress reporting spec store errors stage artifacts stream trace_context".split()
)


def modules() -> list[Path]:
    return [
        path for room in ("tasks", "flows", "deployments") for path in (HOUSE / room).rglob("*.py")
    ]


def imports(path: Path) -> dict[str, bool]:
    """Return top-level package → whether it is imported at the top of the module."""
    tree = ast.parse(path.read_text())
    found: dict[str, bool] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import | ast.ImportFrom):
            names = (
                [alias.name for alias in node.names]
                if isinstance(node, ast.Import)
                else [node.module or ""]
            )
            for name in names:
                package = name.split(".")[0]
                found[package] = found.get(package, False) or node in tree.body
    return found


def test_importing_the_flows_is_silent_and_starts_no_heavy_library() -> None:
    code = f"import sys, deployments.lean, flows.build_corpus, deployments.cli.main; print(sorted({{*{HEAVY!r}, 'pandas'}} & set(sys.modules)))"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd="/", check=True
    )
    assert done.stdout == "[]\n"
    assert done.stderr == ""


def test_a_heavy_library_is_imported_inside_the_function_that_starts_it_and_in_one_module_of_a_room() -> (
    None
):
    importers: dict[tuple[str, str], set[str]] = defaultdict(set)
    for path in modules():
        for package, at_top in imports(path).items():
            if package in HEAVY and not path.stem.endswith("_compat"):
                importers[package, path.parent.name].add(path.relative_to(HOUSE).as_posix())
                assert not at_top, f"{path} imports {package} at its top"
    assert {package: sorted(paths) for package, paths in importers.items() if len(paths) > 1} == {}


def test_only_doors_stage_artifacts_flows_and_deployments_know_prefect() -> None:
    knowing = {
        path.relative_to(HOUSE).as_posix() for path in modules() if "prefect" in imports(path)
    }
    assert all(
        path.startswith(("flows/", "deployments/"))
        or path.endswith("/task.py")
        or path in ("tasks/stage.py", "tasks/artifacts.py")
        for path in knowing
    )


def test_doors_are_small_and_files_are_not_large() -> None:
    lines = {path: len(path.read_text().splitlines()) for path in modules()}
    assert {path.name for path, count in lines.items() if count > 320} == set()
    assert {
        path.parent.name for path, count in lines.items() if path.name == "task.py" and count > 160
    } == set()


def test_no_module_imports_itself_through_others() -> None:
    graph = grimp.build_graph("tasks", "flows", "deployments")
    imported = {one: graph.find_modules_directly_imported_by(one) for one in graph.modules}
    graphlib.TopologicalSorter(imported).prepare()


def test_the_floor_is_a_closed_list() -> None:
    assert {path.stem for path in (HOUSE / "tasks").glob("*.py")} - {"__init__"} == FLOOR


def test_the_top_level_holds_the_card_and_nothing_else() -> None:
    tracked = subprocess.run(
        ["git", "ls-files"], cwd=HOUSE, capture_output=True, text=True, check=False
    ).stdout.splitlines()
    top = {name.split("/")[0] for name in tracked if not name.startswith(".")}
    assert top <= {
        "README.md",
        "LICENSE",
        "pyproject.toml",
        "flows",
        "tasks",
        "deployments",
        "infra",
        "tests",
    }
