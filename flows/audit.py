"""The audit of a file: the verdict, its terminal output, and its pages."""

import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from rich.console import Console
from rich.table import Table as Grid
from rich.text import Text

from tasks.audit.audit import AuditSpec, Progress, audit
from tasks.audit.files import data_files
from tasks.audit.outcome import Outcome, Pattern, Verdict
from tasks.audit.reading import Columns, RowFile
from tasks.audit.report import Fact, audited_today, percent, report
from tasks.audit.style import Style
from tasks.errors import StoreUnreachable
from tasks.files import replacing
from tasks.ngrams import plain_text

SHOWN_PATTERNS = 12
SHOWN_OPENERS = 5
EXIT_CODES: dict[Verdict, int] = {"clean": 0, "leak": 1, "fault": 1, "suspect": 3}


def audit_file(
    path: Path,
    columns: Columns,
    spec: AuditSpec,
    *,
    baseline: Path | None,
    baseline_columns: Columns,
) -> Outcome:
    """Return the outcome of the audit of a file. Raises UnreadableFile with the place of the error.

    baseline: a file with answers of the same teacher to bare prompts.
    """
    corpus = RowFile.open(path, columns)
    if baseline is None:
        return audit(corpus, spec, progress=_bar())
    return audit(
        corpus, spec, style=Style.of(RowFile.open(baseline, baseline_columns)), progress=_bar()
    )


def _bar() -> Progress:
    """Return a progress bar for a terminal; without a terminal, a function that does nothing."""
    if not sys.stderr.isatty():
        return lambda stage, rows: None
    from tqdm import tqdm

    bars: dict[str, tqdm] = {}

    def show(stage: str, rows: int) -> None:
        bar = bars.setdefault(stage, tqdm(desc=stage, unit="row", leave=False))
        bar.update(rows - bar.n)

    return show


def show(outcome: Outcome, console: Console | None = None) -> None:
    """Print the patterns, the rows by reason, and the verdict."""
    console = console or Console()
    if outcome.patterns:
        console.print(_patterns(outcome))
    elif outcome.openers:
        console.print(_openers(outcome))
    counted = outcome.gate_rows()
    if counted:
        shares = ", ".join(
            f"{reason} {rows:,} ({percent(rows / outcome.rows)})"
            for reason, rows in counted.items()
        )
        console.print(Text(f"rows by reason: {shares}"), soft_wrap=True)
    if outcome.shifted:
        console.print(Text(plain_text(outcome.shifted)), soft_wrap=True)
    console.print(Text(outcome.power), soft_wrap=True)
    against = (
        f" against {outcome.baseline_rows:,} baseline rows"
        if outcome.baseline_rows
        else ", no baseline"
    )
    console.print(
        Text(f"{outcome.verdict}: {_sentence(outcome)} ({outcome.rows:,} rows{against})"),
        soft_wrap=True,
    )


def _sentence(outcome: Outcome) -> str:
    if outcome.verdict == "leak":
        leaking = outcome.leaking()
        return f"producer state in {leaking:,} rows, {percent(leaking / outcome.rows)}"
    if outcome.verdict == "fault":
        return f"no producer state, but {sum(1 for _ in outcome.flagged()):,} rows are faulty"
    if outcome.verdict == "suspect":
        return (
            "it may have producer state, and there is too little to compare with: "
            "look at the patterns"
        )
    return "nothing found"


def _patterns(outcome: Outcome) -> Grid:
    grid = Grid(title="patterns", title_justify="left")
    for name, justify in (
        ("detector", "left"),
        ("pattern", "left"),
        ("rows", "right"),
        ("share", "right"),
        ("baseline", "right"),
    ):
        grid.add_column(name, justify=justify, overflow="fold")  # type: ignore[arg-type]
    for one in outcome.patterns[:SHOWN_PATTERNS]:
        grid.add_row(
            one.name,
            Text(plain_text(_shown(one))),
            f"{one.rows:,}",
            percent(one.share),
            percent(one.baseline_share),
        )
    if len(outcome.patterns) > SHOWN_PATTERNS:
        grid.add_row(
            "",
            f"and {len(outcome.patterns) - SHOWN_PATTERNS} more: see --json or --html",
            "",
            "",
            "",
        )
    return grid


def _shown(one: Pattern) -> str:
    """Return a pattern with some values of its variable part."""
    return f"{one.pattern[:80]} ({one.varies[:80]})" if one.varies else one.pattern[:80]


def _openers(outcome: Outcome) -> Grid:
    grid = Grid(title="how the think blocks begin", title_justify="left")
    grid.add_column("opener")
    grid.add_column("share", justify="right")
    for opener, share in list(outcome.openers.items())[:SHOWN_OPENERS]:
        grid.add_row(Text(plain_text(opener[:80])), percent(share))
    return grid


def facts_of(path: Path, baseline: Path | None, spec: AuditSpec) -> list[Fact]:
    """Return the facts about an audit for its page: files, fingerprints, day, changed settings."""
    facts = [Fact("file", f"{path.name} ({_fingerprint(path)})")]
    if baseline is not None:
        facts.append(Fact("baseline", f"{baseline.name} ({_fingerprint(baseline)})"))
    facts.append(audited_today())
    settings = spec.model_dump(exclude_defaults=True)
    return [*facts, *(Fact(name, str(value)) for name, value in settings.items())]


def _fingerprint(path: Path) -> str:
    """Return a digest of a file's content as 16 hex digits (XXH3)."""
    import xxhash

    digest = xxhash.xxh3_64()
    for file in data_files(path):
        with file.open("rb") as opened:
            while part := opened.read(2**22):
                digest.update(part)
    return digest.hexdigest()


def write(
    outcome: Outcome,
    *,
    name: str,
    json_path: Path | None,
    html_path: Path | None,
    facts: Sequence[Fact] = (),
) -> None:
    """Write the outcome to the given paths; an existing file is replaced in one step."""
    if json_path:
        _replace(json_path, outcome.as_json)
    if html_path:
        _replace(html_path, lambda: report(outcome, name, facts).encode())


def _replace(path: Path, content: Callable[[], bytes]) -> None:
    try:
        with replacing(path) as file:
            file.write(content())
    except OSError as exc:
        raise StoreUnreachable(f"{str(path)!r} cannot be written: {exc.strerror or exc}") from exc
