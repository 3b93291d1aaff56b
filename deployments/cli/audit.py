"""The command `tracemill audit`: look for leaks in any corpus of reasoning traces."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from tasks.audit.audit import AuditSpec

Corpus = Annotated[
    Path,
    typer.Argument(
        help="JSON Lines, Parquet, Arrow, or a folder of them: any corpus of reasoning traces."
    ),
]
ThinkColumn = Annotated[
    str,
    typer.Option("--think-column", help="Column of the reasoning, with or without the answer."),
]
PromptColumns = Annotated[
    list[str] | None,
    typer.Option("--prompt-column", help="Column of the prompt that the teacher saw. Repeatable."),
]
ProducerColumns = Annotated[
    list[str] | None,
    typer.Option(
        "--producer-column",
        help="Column that only the producer may know: family, persona, plan, canary. "
        "Repeatable; a dotted path or a whole object.",
    ),
]
Baseline = Annotated[
    Path | None,
    typer.Option(
        "--baseline",
        help="Answers of the same teacher to bare prompts, without your instructions; "
        "8 times as many rows are best.",
    ),
]
Preset = Annotated[
    str,
    typer.Option(
        "--preset", help="four-gate: also use the regular expressions of an earlier verifier."
    ),
]
Allowed = Annotated[
    list[str] | None,
    typer.Option("--allow", help="A phrase that you have checked and accept. Repeatable."),
]
JsonOut = Annotated[
    Path | None,
    typer.Option(
        "--json", help="Write the outcome as JSON: rows, verdict, patterns, flagged, gates."
    ),
]
HtmlOut = Annotated[
    Path | None,
    typer.Option("--html", help="Write a page with a chart of the openers, and the evidence."),
]


def audit(
    file: Corpus,
    think_column: ThinkColumn = "",
    prompt_column: PromptColumns = None,
    producer_column: ProducerColumns = None,
    baseline: Baseline = None,
    preset: Preset = "",
    allow: Allowed = None,
    json_out: JsonOut = None,
    html_out: HtmlOut = None,
) -> None:
    """Look for leaks in a corpus of reasoning traces, of Tracemill or of any other origin.

    Finds producer state in think blocks (labels, plans, notes, other rows) without knowing its
    form, and faulty rows (loops, run-together words, mojibake, broken tags). Columns that you do
    not name are found by their usual names. Prompts, producer columns and above all a baseline
    make it find more. Exit code 0: clean; 1: leak or fault; 2: unreadable; 3: suspect, a person
    must look.
    """
    from flows.audit import EXIT_CODES, audit_file, facts_of, show, write
    from tasks.audit.reading import Columns

    spec = _spec(preset, allow or ())
    shown = Columns(think=think_column, prompt=tuple(prompt_column or ()))
    columns = replace(shown, producer=tuple(producer_column or ()))
    outcome = audit_file(file, columns, spec, baseline=baseline, baseline_columns=shown)
    facts = facts_of(file, baseline, spec) if html_out else ()
    write(outcome, name=file.name, json_path=json_out, html_path=html_out, facts=facts)
    show(outcome)
    raise typer.Exit(EXIT_CODES[outcome.verdict])


def _spec(preset: str, allowed: Sequence[str]) -> "AuditSpec":
    """Return the settings of the audit. Raises UnknownName for an unknown preset."""
    from tasks.audit.audit import AuditSpec
    from tasks.audit.preset import PRESETS
    from tasks.errors import unknown_name

    if preset not in ("", *PRESETS):
        raise unknown_name("preset", preset, PRESETS)
    return AuditSpec(preset=preset, allowed=tuple(allowed))  # type: ignore[arg-type]
