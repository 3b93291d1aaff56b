"""What a finished run shows in Prefect: links to reports, changes since the last build, events."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import quote

from prefect import Flow
from prefect.artifacts import create_link_artifact, create_table_artifact
from prefect.client.schemas.objects import FlowRun, State
from prefect.context import FlowRunContext
from prefect.events import emit_event
from prefect.variables import Variable

from flows.prune import LEDGERS
from tasks.artifacts import PAGES, shown_or_not
from tasks.errors import GateBroken, SuiteFailed
from tasks.files import replace_text

PUBLISHED = "tracemill.corpus.published"
BROKEN = "tracemill.gate.broken"
PROMOTED = "tracemill.student.promoted"
NOTABLE = 0.02
"""Smallest change that counts as up or down: two points of a share, two percent of a count."""


def leave_links(root: Path, pages: Mapping[str, str]) -> None:
    """Create a link artifact for each report, if the report server runs; outside a run do nothing.

    pages: path of each report by name.
    """
    if FlowRunContext.get() is None:
        return
    with shown_or_not():
        address = Variable.get(PAGES)
        for name, path in pages.items() if address else ():
            below = quote(Path(path).relative_to(root).as_posix())
            create_link_artifact(
                f"{address}/{below}",
                link_text=name,
                key=name.replace("_", "-"),
                description=name.replace("_", " "),
            )


def leave_changes(before: Mapping[str, Any] | None, now: Mapping[str, Any]) -> None:
    """Create a table artifact with the changes since the recipe's earlier build."""
    if FlowRunContext.get() is None or before is None:
        return
    with shown_or_not():
        create_table_artifact(
            changes(before, now),
            key="changes",
            description=f"since corpus `{before['fingerprint']}`",
        )


def changes(before: Mapping[str, Any], now: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return a row for every measure of two builds.

    The measures are rows, yield, style, and the share of rejected rows by stage and reason. change:
    new, gone, up, down, or "" for a change below NOTABLE.
    """
    olds, news = _measures(before), _measures(now)
    names = [*news, *(name for name in olds if name not in news)]
    return [
        {
            "measure": name,
            "before": olds.get(name, ""),
            "now": news.get(name, ""),
            "change": _change(olds.get(name), news.get(name)),
        }
        for name in names
    ]


def _measures(summary: Mapping[str, Any]) -> dict[str, float]:
    shares = {
        f"{line['stage']}: {reason}": round(rows / line["rows_in"], 4)
        for line in summary["stages"]
        for reason, rows in line["rejected"].items()
    }
    return {
        "rows": summary["rows"],
        "yield": summary["yield"],
        **summary.get("style", {}),
        **shares,
    }


def _change(before: float | None, now: float | None) -> str:
    if before is None or now is None:
        return "new" if before is None else "gone"
    # Counts and lengths are compared by ratio, shares by difference.
    moved = (now - before) / (before or 1) if max(before, now) > 1 else now - before
    return "" if abs(moved) < NOTABLE else "up" if moved > 0 else "down"


class Remembered(NamedTuple):
    """new: the build was added to the ledger. before: the latest build of another corpus."""

    new: bool
    before: Mapping[str, Any] | None


def remember(root: Path, recipe: str, summary: Mapping[str, Any], *, builds: int) -> Remembered:
    """Add a finished build to the ledger of its recipe, unless it is the latest entry already.

    builds: number of latest builds that the ledger keeps.
    """
    known = _ledger(root, recipe)
    earlier = [line for line in known if line["fingerprint"] != summary["fingerprint"]]
    new = not known or known[-1]["fingerprint"] != summary["fingerprint"]
    _write(root, recipe, [*known, summary] if new else known, builds)
    return Remembered(new, earlier[-1] if earlier else None)


def remember_tables(root: Path, recipe: str, tables: Sequence[str], *, builds: int) -> None:
    """Add tables (stage/fingerprint) of training, probe and student to the latest build's entry."""
    *known, latest = _ledger(root, recipe)
    updated = {**latest, "tables": sorted({*latest["tables"], *tables})}
    _write(root, recipe, [*known, updated], builds)


def _ledger(root: Path, recipe: str) -> list[dict[str, Any]]:
    ledger = root / LEDGERS / f"{recipe}.jsonl"
    return [json.loads(line) for line in ledger.read_text().splitlines()] if ledger.exists() else []


def _write(root: Path, recipe: str, lines: Sequence[Mapping[str, Any]], builds: int) -> None:
    folder = root / LEDGERS
    folder.mkdir(parents=True, exist_ok=True)
    ledger = "".join(json.dumps(line) + "\n" for line in lines[-builds:])
    replace_text(folder / f"{recipe}.jsonl", ledger)


def announce(event: str, name: str, identity: str, **payload: object) -> None:
    """Emit an event for automations of the Prefect server."""
    resource = {
        "prefect.resource.id": f"{event}.{name}",
        "prefect.resource.name": name,
        "tracemill.fingerprint": identity,
    }
    with shown_or_not():
        emit_event(event, resource=resource, payload=dict(payload))


def announce_broken(flow: Flow[..., Any], flow_run: FlowRun, state: State[Any]) -> None:
    """Emit an event if a gate has stopped a run; a hook of the flows."""
    broken = state.result(raise_on_failure=False)
    if isinstance(broken, GateBroken | SuiteFailed):
        recipe = flow_run.parameters.get("recipe")
        name = recipe.get("name", "") if isinstance(recipe, dict) else getattr(recipe, "name", "")
        announce(BROKEN, name, str(flow_run.id), flow=flow.name, says=str(broken))
