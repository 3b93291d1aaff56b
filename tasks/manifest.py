"""The manifest of a finished table: reading it, and checking the table's files against it."""

import hashlib
import json
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

MANIFEST = "_manifest.json"
log = logging.getLogger(__name__)


class Damage(NamedTuple):
    """A damaged table. files: names of the files that differ from the manifest."""

    table: Path
    files: tuple[str, ...]


def manifest_of(folder: Path) -> dict[str, Any] | None:
    """Return the manifest of a table's folder; None if the table is damaged.

    A table is damaged if its manifest cannot be read or a file has another size; a warning is then
    logged. The contents of the files are not read: see `verify`.
    """
    try:
        manifest: dict[str, Any] = json.loads((folder / MANIFEST).read_bytes())
        damaged = [
            name
            for name, size in manifest["bytes"].items()
            if (folder / name).stat().st_size != size
        ]
    except (OSError, ValueError, KeyError) as exc:
        log.warning(
            "%s: the manifest cannot be read (%s); the table counts as missing and is made again",
            folder,
            exc,
        )
        return None
    if damaged:
        log.warning(
            "%s: the size of %s differs from the manifest; the table counts as missing and is made "
            "again",
            folder,
            ", ".join(damaged),
        )
        return None
    return manifest


def verify(root: Path) -> Iterator[tuple[Path, Damage | None]]:
    """Yield (folder, damage) for every table below root; the damage is None for an intact table.

    Reads every file and compares its digest with the manifest.
    """
    for path in sorted(root.glob(f"*/[!.]*/{MANIFEST}")):
        yield path.parent, _damage(path.parent)


def sha256(path: Path) -> str:
    """Return the SHA-256 of a file, as 64 hex digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _damage(folder: Path) -> Damage | None:
    try:
        files = json.loads((folder / MANIFEST).read_bytes())["files"]
    except (OSError, ValueError, KeyError):
        return Damage(folder, (MANIFEST,))
    wrong = tuple(name for name, expected in files.items() if not _matches(folder / name, expected))
    return Damage(folder, wrong) if wrong else None


def _matches(path: Path, expected: str) -> bool:
    try:
        return sha256(path) == expected
    except OSError:
        return False
