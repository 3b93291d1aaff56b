"""What a finished table's manifest says of its files, and whether they are still so."""

import hashlib
import json
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

MANIFEST = "_manifest.json"
log = logging.getLogger(__name__)


class Damage(NamedTuple):
    """A table whose files are not what its manifest says. files: those that differ."""

    table: Path
    files: tuple[str, ...]


def manifest_of(folder: Path) -> dict[str, Any] | None:
    """Return a table's manifest; None, told in the log, when it cannot be read or a file has
    another size.

    No file is opened but the manifest: see `verify`.
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
            "%s: no readable manifest (%s); the table counts as absent and will be made again",
            folder,
            exc,
        )
        return None
    if damaged:
        log.warning(
            "%s: %s not as the manifest says; the table counts as absent and will be made again",
            folder,
            ", ".join(damaged),
        )
        return None
    return manifest


def verify(root: Path) -> Iterator[tuple[Path, Damage | None]]:
    """Yield every table below root with its damage, None where every byte is as its manifest says."""
    for path in sorted(root.glob(f"*/[!.]*/{MANIFEST}")):
        yield path.parent, _damage(path.parent)


def sha256(path: Path) -> str:
    """Return the digest of a file's bytes, 64 hex digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _damage(folder: Path) -> Damage | None:
    try:
        files = json.loads((folder / MANIFEST).read_bytes())["files"]
    except (OSError, ValueError, KeyError):
        return Damage(folder, (MANIFEST,))
    wrong = tuple(name for name, due in files.items() if not _is(folder / name, due))
    return Damage(folder, wrong) if wrong else None


def _is(path: Path, due: str) -> bool:
    try:
        return sha256(path) == due
    except OSError:
        return False
