"""What makes new rows and what does not: one change at a time to a finished build.

`python -m tests.bench.keys`. Goal: every change of what is asked makes new rows, no change of
placement makes one.
"""

import tempfile
from collections.abc import Callable
from pathlib import Path
from unittest import mock

import deployments.cli.main  # noqa: F401  quiet environment
from tests.bench.measure import tell
from tests.support.builders import recipe, write_rulebook

Tree = dict[str, object]


def main() -> None:
    from prefect.testing.utilities import prefect_test_harness

    with tempfile.TemporaryDirectory() as name, prefect_test_harness(server_startup_timeout=120):
        wrong = [line for line in rows_made(Path(name)) if (line[1] > 0) != line[2]]
    tell("keys", wrong=wrong or "none", goal="none")


def rows_made(folder: Path) -> list[tuple[str, int, bool]]:
    """Return (change, new rows asked for, whether any are due) for every change."""
    rules = write_rulebook(folder / "rules")
    asked = _build(rules, folder)
    lines = [("nothing", _build(rules, folder), False), ("(first build)", asked, True)]
    for what, change in CHANGES.items():
        lines.append((what, _build(rules, folder, change), True))
    for what, placement in PLACEMENTS.items():
        lines.append(
            (what, _build(rules, folder, {"placement": {"models": {"teacher": placement}}}), False)
        )
    lines.append(("template", _build(rules, folder, template=_template(folder)), True))
    lines.append(("code version", _with(lambda: _build(rules, folder)), True))
    page = rules / "part_0.md"
    page.write_text(page.read_text().replace("The fee is", "The price is"))
    lines.append(("passages", _build(rules, folder), True))
    for what, rows, due in lines:
        print(f"  {what:24} {rows:4} new rows   {'as due' if (rows > 0) == due else 'WRONG'}")
    return lines


def _teacher(**settings: object) -> Tree:
    return {"models": {"teacher": {"engine": "scripted", **settings}}}


CHANGES: dict[str, Tree] = {
    "system prompt": _teacher(system_prompt="Be brief."),
    "temperature": _teacher(temperature=0.5),
    "top_p": _teacher(top_p=0.9),
    "max_tokens": _teacher(max_tokens=200),
    "model": _teacher(model="other"),
    "revision": _teacher(revision="b"),
    "seed": {"traces": {"samples": 3, "seed": 1}},
    "n": {"traces": {"samples": 4}},
}
PLACEMENTS: dict[str, Tree] = {
    "window": {"window": 3}, "replicas": {"replicas": 2}, "tensor parallel": {"tensor_parallel": 2}, "memory share": {"memory_share": 0.5},
    "address": {"base_url": "http://127.0.0.1:1/v1"}, "restarts": {"restarts": 0},
}  # fmt: skip


def _template(folder: Path) -> str:
    path = folder / "own.jinja"
    path.write_text(
        "{% for passage in passages %}[{{ passage.section }}] {{ passage.text }}\n{% endfor %}\n{{ question }}"
    )
    return str(path)


def _build(rules: Path, folder: Path, changes: Tree | None = None, *, template: str = "") -> int:
    from flows.build_corpus import build_corpus

    made = recipe(rules, **(changes or {}))
    if template:
        families = tuple(
            family.model_copy(update={"template": template}) for family in made.prompts.families
        )
        made = made.model_copy(
            update={"prompts": made.prompts.model_copy(update={"families": families})}
        )
    return build_corpus(made, folder / "mill").requests


def _with(work: Callable[[], int]) -> int:
    from tasks.inference import complete

    with mock.patch.object(complete, "ASKING_VERSION", complete.ASKING_VERSION + 1):
        return work()


if __name__ == "__main__":
    main()
