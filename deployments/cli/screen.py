"""The terminal output of commands at the end of their flows."""

import logging
from collections.abc import Mapping, Sequence
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table as Grid
from rich.text import Text

from deployments.prefect_compat import set_up_logging
from flows.build_corpus import Summary
from flows.clock import StageLine
from flows.ending import SHOWN_LOSSES
from tasks.ngrams import plain_text
from tasks.probe.metrics import Metric

if TYPE_CHECKING:
    from flows.diagnose import Diagnosed
    from flows.ending import Ending
    from flows.probe_student import Probing
    from flows.reproduce import Reproduction
    from flows.run_factory import Promoted
    from flows.train_student import Training

SEEN = ("row", "fault", "tokens", "loss from", "prompt ends", "learnt begins", "learnt ends")
"""Columns of the render check that fit on a screen; the examples' folder has the token ids too."""


def keep_tracebacks_off() -> None:
    """Keep tracebacks and errors of Prefect off the terminal; Prefect's log of the run has them.

    The command itself prints one line about the error.
    """
    set_up_logging()
    for handler in logging.getLogger().handlers:
        handler.addFilter(_is_for_terminal)


def _is_for_terminal(record: logging.LogRecord) -> bool:
    of_prefect = record.levelno >= logging.ERROR and record.name.startswith("prefect")
    return record.exc_info is None and not of_prefect


def show(summary: Summary, console: Console | None = None) -> None:
    """Print the stages, the yield, and the paths of the results."""
    console = console or Console()
    console.print(_stages(f"corpus {summary.fingerprint}", summary.stages))
    speed = "all answers were in the store"
    if summary.requests:
        speed = f"{summary.tokens_per_second:,.0f} tokens/s"
    console.print(
        f"{summary.rows} rows, {100 * summary.yield_:.0f} per 100 prompts; "
        f"{summary.requests} requests, {speed}"
    )
    if summary.judge:
        console.print(Text(f"coherence: {summary.judge}"), soft_wrap=True)
    if summary.weak_gates:
        console.print(Text(f"warning: {summary.weak_gates}"), soft_wrap=True)
    for name in ("corpus", "rejected", "report", "card", "summary", "audit", "data_docs"):
        place(console, name.replace("_", " "), getattr(summary, name))


def show_ending(ending: "Ending", console: Console | None = None) -> None:
    """Print the stages of a failed run, its largest losses, and the paths of rejected rows."""
    console = console or Console()
    if not ending.stages:
        return
    console.print(_stages("failed after these stages", ending.stages))
    for one in ending.losses[:SHOWN_LOSSES]:
        if not one.by_design:
            lost = f"{one.stage}: {one.reason} took {one.rows:,} of {one.of:,} rows"
            console.print(Text(f"{'lost':12} {lost}; {one.advice}"), soft_wrap=True)
    for stage, path in ending.rejects:
        place(console, "rejected", f"{path}", note=stage)


def show_training(training: "Training", console: Console | None = None) -> None:
    """Print the render check, the isolation check, and the loss of a training."""
    console = console or Console()
    console.print(
        _lines(
            "render check: rows as token ids for the trainer",
            [{name: line[name] for name in SEEN} for line in training.rendered],
        )
    )
    console.print(_lines("isolation check: changed tensors", training.moved))
    validation = ""
    if training.validation_loss is not None:
        validation = f", on validation rows {training.validation_loss:.4f}"
    console.print(
        f"step {training.step} of {training.steps}: "
        f"loss {training.loss:.4f} nats per token{validation}"
    )
    if training.speed:
        console.print(
            ", ".join(
                f"{name} {training.speed[name]}"
                for name in ("tokens/s", "FLOP utilisation", "GPU GiB")
            )
        )
    place(console, "adapter", training.adapter)
    place(console, "loss curve", training.curve)


def show_probe(probing: "Probing", console: Console | None = None) -> bool:
    """Print the metrics and the verdict; return whether every gate holds."""
    console = console or Console()
    console.print(_metrics(probing.metrics))
    failed = [one for one in probing.metrics if not one.passed]
    for one in failed:
        console.print(Text(f"{one.gate}: {one.sentence()}"), soft_wrap=True)
    place(console, "side by side", probing.page)
    console.print(
        "failed: the student is worse than its base model in the metrics above"
        if failed
        else "passed: the student passes every metric"
    )
    return not failed


def show_promoted(promoted: "Promoted", console: Console | None = None) -> None:
    """Print corpus, training and probe, and the path of the student."""
    console = console or Console()
    show(promoted.corpus, console)
    show_training(promoted.training, console)
    show_probe(promoted.probe, console)
    place(console, "student", promoted.student)


def show_row(row: "Reproduction", console: Console | None = None) -> None:
    """Print one row: prompt, earlier and new answer, and the verdicts of the gates."""
    console = console or Console()
    which = "student" if row.student else "teacher"
    for title, text in (
        (f"prompt, {len(row.prompt_ids)} tokens", row.prompt),
        ("prompt ids", " ".join(map(str, row.prompt_ids))),
        ("answered then", row.recorded),
        (
            f"answered now by the {which}, {len(row.output_ids)} tokens, {row.finish_reason}",
            row.shown,
        ),
        ("output ids", " ".join(map(str, row.output_ids))),
    ):
        console.rule(title, align="left")
        console.print(Text(plain_text(text)), soft_wrap=True)
    lines = [{"gate": gate, "then": then, "now": now} for gate, (then, now) in row.verdicts.items()]
    console.print(_lines("verdicts", lines))
    recorded = ""
    if row.recorded_nats is not None:
        recorded = f"; this model gives the earlier answer {row.recorded_nats:.3f} nats per token"
    console.print(
        f"{row.trace_id}: loaded in {row.load_seconds:.1f} s, "
        f"answered in {row.seconds:.1f} s{recorded}",
        soft_wrap=True,
    )


def show_diagnosis(found: "Diagnosed", console: Console | None = None) -> bool:
    """Print every check and the conclusion; return whether no fault was found."""
    console = console or Console()
    for layer, guilty, says in found.looks:
        console.print(
            Text(f"{'at fault' if guilty else 'sound':9} {layer}: {says}"), soft_wrap=True
        )
    console.print(Text(f"{found.layer}: {found.do}"), soft_wrap=True)
    return found.layer == "none"


def _stages(title: str, stages: Sequence[StageLine]) -> Grid:
    grid = Grid(title=title, title_justify="left")
    grid.add_column("stage")
    for name in ("in", "out", "seconds"):
        grid.add_column(name, justify="right")
    grid.add_column("rejected")
    for number, line in enumerate(stages):
        again = line.stage == "questions" and line.stage in [one.stage for one in stages[:number]]
        grid.add_row(
            "probe questions" if again else line.stage,
            str(line.rows_in),
            str(line.rows_out),
            f"{line.seconds:.1f}",
            Text(_reasons(line, stages[:number])),
        )
    return grid


def _reasons(line: StageLine, before: Sequence[StageLine]) -> str:
    """Return the reasons why a stage rejected rows, with their numbers.

    The audit does not get the control prompts' traces; their number is added.
    """
    ordered = sorted(line.rejected.items(), key=lambda item: -item[1])
    reasons = [f"{reason} {rows}" for reason, rows in ordered]
    traces = sum(one.rows_out for one in before if one.stage == "traces")
    if line.stage == "audits" and line.rows_in < traces:
        reasons.append(f"not audited: {traces - line.rows_in} control traces, its baseline")
    return ", ".join(reasons)


def _lines(title: str, lines: Sequence[Mapping[str, object]]) -> Grid:
    grid = Grid(title=title, title_justify="left")
    for name in lines[0] if lines else ():
        grid.add_column(name, overflow="fold")
    for line in lines:
        grid.add_row(*(Text(plain_text(str(value))) for value in line.values()))
    return grid


def _metrics(metrics: Sequence[Metric]) -> Grid:
    """Return the metrics as a table with one section per gate, for a terminal of 80 columns."""
    grid = Grid(
        title="student against baseline", title_justify="left", box=None, padding=(0, 1, 0, 0)
    )
    grid.add_column("metric", no_wrap=True)
    for name in ("base", "student", "ratio", "90 %", "due", "verdict"):
        grid.add_column(name, justify="right", no_wrap=True)
    for gate, several in groupby(metrics, key=lambda one: one.gate):
        grid.add_row(Text(gate, style="bold"))
        for one in several:
            grid.add_row(
                Text(one.name),
                f"{one.baseline:.3g}",
                f"{one.student:.3g}",
                f"{one.ratio:.2f}",
                f"{one.low:.2f}-{one.high:.2f}",
                f"{one.due:.2f}",
                f"{'holds' if one.passed else 'fails'} {100 * one.sure:.0f} %",
            )
    return grid


def place(console: Console, name: str, path: str, *, note: str = "") -> None:
    """Print the path of a result."""
    about = f" ({note})" if note else ""
    console.print(Text(f"{name:12} {_short(path)}{about}"), soft_wrap=True)


def _short(path: str) -> str:
    """Return a path relative to the current folder if it is below it."""
    here = Path.cwd()
    return str(Path(path).relative_to(here)) if Path(path).is_relative_to(here) else path
