"""What a finished run leaves to be seen in Prefect: links to its reports, what changed since the
build before, and events for automations.
"""

import json
import os
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

PUBLISHED, BROKEN, PROMOTED = (
    "tracemill.corpus.published",
    "tracemill.gate.broken",
    "tracemill.student.promoted",
)
NOTABLE = 0.02
"""A share that moved by less than two points, of rows, is not called up or down."""


def leave_links(root: Path, pages: Mapping[str, str]) -> None:
    """Leave a link to each report (name → path) if the mill serves them. Outside a run it does
    nothing.
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
    """Leave a table of what changed since the recipe's build before."""
    if FlowRunContext.get() is None or before is None:
        return
    with shown_or_not():
        create_table_artifact(
            changes(before, now),
            key="changes",
            description=f"since corpus `{before['fingerprint']}`",
        )


def changes(before: Mapping[str, Any], now: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return a line for every measure of two builds: shares of rows rejected, by stage and reason,
    yield, rows, drift.

    change: new, gone, up, down, or nothing where it moved by less than NOTABLE.
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
    # Counts and lengths move in proportion, shares in points.
    moved = (now - before) / (before or 1) if max(before, now) > 1 else now - before
    return "" if abs(moved) < NOTABLE else "up" if moved > 0 else "down"


class Remembered(NamedTuple):
    """Whether a build is the ledger's newest line, and the latest build of another corpus."""

    new: bool
    before: Mapping[str, Any] | None


def remember(root: Path, recipe: str, summary: Mapping[str, Any], *, builds: int) -> Remembered:
    """Note a finished build in the recipe's ledger, a line each, unless it is the one noted last;
    only so many builds are kept.
    """
    known = _ledger(root, recipe)
    earlier = [line for line in known if line["fingerprint"] != summary["fingerprint"]]
    new = not known or known[-1]["fingerprint"] != summary["fingerprint"]
    _write(root, recipe, [*known, summary] if new else known, builds)
    return Remembered(new, earlier[-1] if earlier else None)


def remember_tables(root: Path, recipe: str, tables: Sequence[str], *, builds: int) -> None:
    """Note that the recipe's latest build also stands on these tables, stage/fingerprint: its
    training, its probe, its student.
    """
    *known, latest = _ledger(root, recipe)
    _write(
        root, recipe, [*known, {**latest, "tables": sorted({*latest["tables"], *tables})}], builds
    )


def _ledger(root: Path, recipe: str) -> list[dict[str, Any]]:
    ledger = root / LEDGERS / f"{recipe}.jsonl"
    return [json.loads(line) for line in ledger.read_text().splitlines()] if ledger.exists() else []


def _write(root: Path, recipe: str, lines: Sequence[Mapping[str, Any]], builds: int) -> None:
    folder = root / LEDGERS
    folder.mkdir(parents=True, exist_ok=True)
    draft = folder / f".{recipe}.{os.getpid()}"
    draft.write_text("".join(json.dumps(line) + "\n" for line in lines[-builds:]))
    draft.replace(folder / f"{recipe}.jsonl")


def announce(event: str, name: str, identity: str, **payload: object) -> None:
    """Emit an event that an automation may act on."""
    resource = {
        "prefect.resource.id": f"{event}.{name}",
        "prefect.resource.name": name,
        "tracemill.fingerprint": identity,
    }
    with shown_or_not():
        emit_event(event, resource=resource, payload=dict(payload))


def announce_broken(flow: Flow[..., Any], flow_run: FlowRun, state: State[Any]) -> None:
    """Emit an event when a run was stopped by a gate; a hook of the flows."""
    broken = state.result(raise_on_failure=False)
    if isinstance(broken, GateBroken | SuiteFailed):
        recipe = flow_run.parameters.get("recipe")
        name = recipe.get("name", "") if isinstance(recipe, dict) else getattr(recipe, "name", "")
        announce(BROKEN, name, str(flow_run.id), flow=flow.name, says=str(broken))
