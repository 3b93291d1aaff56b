"""The command `tracemill audit`: its options, and what it does with them."""

from pathlib import Path
from typing import Annotated

import typer


def audit(
    file: Annotated[
        Path,
        typer.Argument(
            help="JSON Lines, Parquet, Arrow, or a folder of them: any corpus of reasoning traces."
        ),
    ],
    think_column: Annotated[
        str,
        typer.Option(
            "--think-column", help="Column of the reasoning, alone or inline with the answer."
        ),
    ] = "",
    prompt_column: Annotated[
        list[str] | None,
        typer.Option("--prompt-column", help="Column of what the teacher was shown. Repeatable."),
    ] = None,
    producer_column: Annotated[
        list[str] | None,
        typer.Option(
            "--producer-column",
            help="Column only the producer may know: family, persona, plan, canary. Repeatable; a dotted path or a whole object.",
        ),
    ] = None,
    baseline: Annotated[
        Path | None,
        typer.Option(
            "--baseline",
            help="Rows of the same teacher, asked without any instruction of yours; 8 times the rows is best.",
        ),
    ] = None,
    preset: Annotated[
        str,
        typer.Option(
            "--preset", help="four-gate: also the regular expressions of a historic verifier."
        ),
    ] = "",
    allow: Annotated[
        list[str] | None,
        typer.Option("--allow", help="A phrase you have looked at and cleared. Repeatable."),
    ] = None,
    json_out: Annotated[
        Path | None,
        typer.Option(
            "--json", help="Write the outcome as JSON: rows, verdict, patterns, flagged, gates."
        ),
    ] = None,
    html_out: Annotated[
        Path | None,
        typer.Option("--html", help="Write a page with the openers as a chart and the evidence."),
    ] = None,
) -> None:
    """Look for leaks in a corpus of reasoning traces, ours or not.

    Finds producer state in think blocks (labels, plans, notes, other rows) without knowing its form, and rows at fault (loops, run-together words,
    mojibake, broken tags). Columns are found by their names when you do not name them. The more you give, the more is found: prompts, producer
    columns, and above all a baseline. Ends with exit code 0 (clean), 1 (leak or fault), 2 (unreadable), 3 (suspect: a person must look).
    """
    from flows.audit import EXIT_CODES, audit_file, facts_of, show, write
    from tasks.errors import unknown_name
    from tasks.verdicts.audit.audit import AuditSpec
    from tasks.verdicts.audit.preset import PRESETS
    from tasks.verdicts.audit.reading import Columns

    if preset not in ("", *PRESETS):
        raise unknown_name("preset", preset, PRESETS)
    spec = AuditSpec(preset=preset, allowed=tuple(allow or ()))  # type: ignore[arg-type]
    shown = tuple(prompt_column or ())
    columns = Columns(think=think_column, prompt=shown, producer=tuple(producer_column or ()))
    outcome = audit_file(
        file,
        columns,
        spec,
        baseline=baseline,
        baseline_columns=Columns(think=think_column, prompt=shown),
    )
    facts = facts_of(file, baseline, spec) if html_out else ()
    write(outcome, name=file.name, json_path=json_out, html_path=html_out, facts=facts)
    show(outcome)
    raise typer.Exit(EXIT_CODES[outcome.verdict])
