"""Remove tables and answers from the store that no kept build needs and no run has used lately."""

import contextlib
import json
import shutil
import time
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

from tasks.errors import SchemaMismatch, StoreUnreachable
from tasks.inference.complete import JOURNALS
from tasks.inference.journal import Journal
from tasks.inference.score import BOOKS
from tasks.manifest import MANIFEST
from tasks.store import SCRATCH, UNPUBLISHED, Table, tables
from tasks.traces.generate import ids_of
from tasks.traces.task import MODEL

DAY = 86_400.0
"""Seconds per day."""
LEDGERS = "builds"
"""Folder below the root with a ledger of builds per recipe."""


def prune(root: Path, *, days: float) -> list[str]:
    """Remove tables, pages, answers and scratch folders that nothing needs; return the tables.

    They are removed if no kept build needs them and no run has used them for `days` days. Kept
    builds are the lines in the ledgers. A table that another process has just made or found counts
    as used. The tables are returned as stage/fingerprint.
    """
    if not (root / LEDGERS).is_dir():
        return []
    kept, oldest = set(_kept(root)), time.time() - days * DAY
    gone = [
        folder
        for folder in _tables(root)
        if _name(root, folder) not in kept and folder.stat().st_mtime < oldest
    ]
    for folder in gone:
        shutil.rmtree(folder, ignore_errors=True)
    for pages in (root / "data_docs").glob("[!.]*"):
        if not (root / "corpus" / pages.name).is_dir() and pages.stat().st_mtime < oldest:
            shutil.rmtree(pages, ignore_errors=True)
    for summary in (root / "summaries").glob("[!.]*.json"):
        if not (root / "corpus" / summary.stem).is_dir() and summary.stat().st_mtime < oldest:
            summary.unlink(missing_ok=True)
    for scratch in (root / SCRATCH).glob("*"):
        if scratch.stat().st_mtime < oldest:
            shutil.rmtree(scratch, ignore_errors=True)
    for rejects in root.glob(f"*/{UNPUBLISHED}*"):
        if rejects.stat().st_mtime < oldest:
            shutil.rmtree(rejects, ignore_errors=True)
    _forget_answers(root, oldest)
    _forget_scores(root, oldest)
    return [_name(root, folder) for folder in gone]


def _forget_scores(root: Path, oldest: float) -> None:
    """Remove the scores of models that no run has used lately."""
    for path in (root / JOURNALS / BOOKS).glob("*.sqlite"):
        if path.stat().st_mtime < oldest:
            path.unlink(missing_ok=True)


def _forget_answers(root: Path, oldest: float) -> None:
    """Remove answers from the journals, except those used lately and those of a table in the store.

    `tracemill reproduce` needs the answers of every table.
    """
    needed: dict[str, list[Table]] = defaultdict(list)
    for one in tables(root, "traces"):
        for name, teacher in one.inputs.items():
            if name.startswith(MODEL):
                needed[teacher].append(one.table)
    for path in (root / "journal").glob("*.sqlite"):
        spared = (trace_id for table in needed[path.stem] for trace_id, _ in ids_of(table))
        # If the file is not a journal, or a table was just removed by another process or has an
        # older schema, the answers stay until a later run can decide about them.
        with contextlib.suppress(StoreUnreachable, SchemaMismatch, OSError):
            with contextlib.closing(Journal(path)) as journal:
                left = journal.forget(before=int(oldest // DAY), spared=spared)
            if not left and path.stat().st_mtime < oldest:
                path.unlink(missing_ok=True)


def _kept(root: Path) -> Iterator[str]:
    for ledger in (root / LEDGERS).glob("*.jsonl"):
        for line in ledger.read_text().splitlines():
            yield from json.loads(line)["tables"]
    for student in (root / "promoted").glob("*"):
        yield _name(root, student.resolve())


def _tables(root: Path) -> list[Path]:
    return [manifest.parent for manifest in sorted(root.glob(f"*/[!.]*/{MANIFEST}"))]


def _name(root: Path, folder: Path) -> str:
    return folder.resolve().relative_to(root.resolve()).as_posix()
