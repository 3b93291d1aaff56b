"""The pinned digest of the source that decides what each stage writes, beside its code version.

    python -m tests.pins "why the versions stay or rise"    # pins what has changed

A digest covers the modules that a stage's work imports, directly or through others, and the
templates and data files beside them. Comments, docstrings and layout do not count.
"""

import ast
import hashlib
import json
import sys
from collections.abc import Iterator
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import NamedTuple

import grimp

HOUSE = Path(__file__).parents[1]
PINS = HOUSE / "tests" / "pins.json"
BESIDE_THE_ROWS = {
    "tasks.errors",
    "tasks.plots",
    "tasks.artifacts",
    "tasks.stage",
    "tasks.processes",
    "tasks.progress",
    "tasks.reporting",
}
"""Modules that decide how a stage runs and what it says, never what its table holds."""
DATA = {".jinja", ".json", ".yaml", ".txt", ".md"}


class Stage(NamedTuple):
    """version: the constant of its door. work: the modules that make its table."""

    version: str
    work: tuple[str, ...]


STAGES = {
    "documents, questions": Stage("sources.task:CODE_VERSION", ("sources.collect",)),
    "passages": Stage("grounding.task:CODE_VERSION", ("grounding.ground",)),
    "items": Stage("chains.task:ITEMS_VERSION", ("chains.step", "chains.roots")),
    "questions of chains": Stage("chains.task:GIVEN_VERSION", ("chains.give",)),
    "prompts": Stage("prompts.task:CODE_VERSION", ("prompts.write",)),
    "answers asked": Stage("inference.complete:ASKING_VERSION", ("inference.opening",)),
    "traces": Stage("traces.task:CODE_VERSION", ("traces.generate",)),
    "baselines": Stage("traces.task:BASELINE_VERSION", ("traces.baseline",)),
    "audits": Stage("audit.task:AUDIT_VERSION", ("audit.traces",)),
    "scores": Stage("audit.task:SCORES_VERSION", ("audit.surprise_detector", "inference.score")),
    "verdicts": Stage("verdicts.task:CODE_VERSION", ("verdicts.gates",)),
    "gates": Stage("verdicts.task:GATE_CHECKS_VERSION", ("verdicts.worth",)),
    "coherence": Stage("critique.task:COHERENCE_VERSION", ("critique.opinions",)),
    "corpus": Stage("corpus.task:CODE_VERSION", ("corpus.assemble",)),
    "examples": Stage("train.task:EXAMPLES_VERSION", ("train.examples",)),
    "adapters": Stage("train.task:ADAPTERS_VERSION", ("train.lora", "train.adapter")),
    "students": Stage("train.task:STUDENTS_VERSION", ("train.publish", "train.child")),
    "styles": Stage("probe.task:STYLES_VERSION", ("probe.answers",)),
    "answered": Stage("probe.task:ANSWERED_VERSION", ("probe.answers",)),
    "answers": Stage("probe.task:ANSWERS_VERSION", ("probe.weigh",)),
    "measurements": Stage("measure.task:MEASUREMENTS_VERSION", ("measure.measure",)),
}


class Pin(NamedTuple):
    """What a stage was when somebody last looked, and what was decided then."""

    version: int
    digest: str
    reason: str


def now(stage: Stage, reason: str = "") -> Pin:
    """Return a stage's version and digest as the code stands."""
    module, constant = stage.version.split(":")
    version = vars(import_module(f"tasks.{module}"))[constant]
    sha = hashlib.sha256()
    for module_name in sorted(_modules(stage)):
        sha.update(f"{module_name} {_source_digest(module_name)}\n".encode())
    for path in sorted(_data(stage)):
        sha.update(path.relative_to(HOUSE).as_posix().encode() + path.read_bytes())
    return Pin(version, sha.hexdigest()[:16], reason)


def pinned() -> dict[str, Pin]:
    """Return the pins as they are kept."""
    return {name: Pin(**pin) for name, pin in json.loads(PINS.read_text()).items()}


def _modules(stage: Stage) -> set[str]:
    """Return the modules of `tasks` that a stage's work stands on."""
    work = {f"tasks.{name}" for name in stage.work}
    upstream = set().union(*(_graph().find_upstream_modules(name) for name in work))
    return {name for name in work | upstream if name not in BESIDE_THE_ROWS}


def _data(stage: Stage) -> Iterator[Path]:
    """Yield the templates and data files of the rooms that a stage's work lives in."""
    for room in sorted({name.split(".")[0] for name in stage.work}):
        found = (HOUSE / "tasks" / room).rglob("*")
        yield from (path for path in found if path.is_file() and path.suffix in DATA)


@cache
def _graph() -> grimp.ImportGraph:
    return grimp.build_graph("tasks", cache_dir=None)


@cache
def _source_digest(module: str) -> str:
    path = HOUSE.joinpath(*module.split("."))
    file = path / "__init__.py" if path.is_dir() else path.with_suffix(".py")
    return source_digest(file.read_text(encoding="utf-8"))


def source_digest(source: str) -> str:
    """Return a digest of what a module does: without comments, docstrings and layout."""
    return hashlib.sha256(json.dumps(_shape(ast.parse(source))).encode()).hexdigest()


def _shape(node: object) -> object:
    """Return a syntax tree as lists, the same on every Python: empty fields are left out."""
    if isinstance(node, ast.AST):
        fields = [
            [name, _shape(value)]
            for name, value in ast.iter_fields(node)
            if value is not None and value != []
        ]
        return [type(node).__name__, fields]
    if isinstance(node, list):
        return [_shape(one) for one in node if not _is_docstring(one)]
    return repr(node)


def _is_docstring(node: object) -> bool:
    return (
        isinstance(node, ast.Expr)
        and isinstance(node.value, ast.Constant)
        and isinstance(node.value.value, str)
    )


def main() -> None:
    """Pin every stage that is not what its pin says, with the reason given."""
    if len(sys.argv) != 2 or not sys.argv[1].strip():
        sys.exit('give one reason: python -m tests.pins "only names changed"')
    known = pinned() if PINS.exists() else {}
    pins = {}
    for name, stage in STAGES.items():
        found = now(stage, sys.argv[1])
        same = name in known and known[name][:2] == found[:2]
        pins[name] = (known[name] if same else found)._asdict()
        print(f"{name}: {'as pinned' if same else f'version {found.version}, pinned'}")
    PINS.write_text(json.dumps(pins, indent=1) + "\n")


if __name__ == "__main__":
    main()
