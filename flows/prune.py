"""Forgetting: what no kept build was made of, and nobody has used for a while, leaves the store."""

import json
import shutil
import time
from collections.abc import Iterator
from pathlib import Path

from tasks.store import MANIFEST

DAY = 86_400.0
LEDGERS = "builds"


def prune(root: Path, *, days: float) -> list[str]:
    """Remove tables, pages and journals that no kept build needs and that were not used for so many days; return what went, stage/fingerprint.

    Kept builds are the lines of the recipes' ledgers. What a run in another process has just made or found counts as used.
    """
    if not (root / LEDGERS).is_dir():
        return []
    kept, oldest = set(_kept(root)), time.time() - days * DAY
    gone = [folder for folder in _tables(root) if _name(root, folder) not in kept and folder.stat().st_mtime < oldest]
    for folder in gone:
        shutil.rmtree(folder, ignore_errors=True)
    for pages in (root / "data_docs").glob("[!.]*"):
        if not (root / "corpus" / pages.name).is_dir() and pages.stat().st_mtime < oldest:
            shutil.rmtree(pages, ignore_errors=True)
    for journal in (root / "journal").glob("*"):
        if journal.stat().st_mtime < oldest:
            journal.unlink(missing_ok=True)
    return [_name(root, folder) for folder in gone]


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
