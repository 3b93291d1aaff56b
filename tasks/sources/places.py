"""The files of a source in a recipe: their paths and names, and whether they may be read."""

import hashlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from tasks.errors import BadRecipe, unknown_name
from tasks.ngrams import plain_text
from tasks.sources.readers import Fault, files_under

HERE = Path(__file__).parent
PROBES = sorted((HERE / "probes").glob("*.jsonl"))
BUILTIN = {
    "builtin:handbook": HERE / "samples",
    **{f"builtin:{path.stem}": path for path in PROBES},
}
"""Name of a built-in source → its file or folder."""


class Place(NamedTuple):
    """A file of a source. name: its path below the folder in the recipe. fault: why it may not be
    read, None if it may.
    """

    path: Path
    name: str
    fault: Fault | None


def places(source: str) -> Iterator[Place]:
    """Yield the files of a source in a stable order. Raises BadRecipe if the source does not
    exist.
    """
    root = _locate(source)
    for path in files_under(root):
        below = path.relative_to(root).as_posix()
        name = _written(path.name if root.is_file() else f"{root.name}/{below}")
        fault = _leads_out(path, root, name) or _part_of_site(path, root, name)
        yield Place(path, name, fault)


def digest_line(place: Place) -> str:
    """Return name and SHA-256 of a file; "unreadable" instead of the hash if it cannot be read or
    is not a regular file. A device could be read without end.
    """
    name = _written(place.path.name)
    try:
        if place.path.is_file() and not place.fault:
            with place.path.open("rb") as file:
                return f"{name} {hashlib.file_digest(file, 'sha256').hexdigest()}"
    except OSError:
        pass
    return f"{name} unreadable"


def _leads_out(path: Path, root: Path, name: str) -> Fault | None:
    """Return a fault for a link that leads out of its source folder. Documents must not give access
    to other files of this machine.
    """
    target = os.path.realpath(path)
    if path == root or not path.is_symlink() or Path(target).is_relative_to(root.resolve()):
        return None
    detail = f"a link to {_written(target)}; name that as a separate source, or copy it"
    return Fault(name, "outside_folder", detail)


def _part_of_site(path: Path, root: Path, name: str) -> Fault | None:
    """Return a fault for an internal file of a generated site, in a folder such as _sources or
    _modules beside its pages.
    """
    for folder in path.relative_to(root).parents if path != root else ():
        if folder.name.startswith("_") and _has_pages(root / folder.parent):
            detail = f"{_written(folder.name)} holds internal files of a site; its pages are read"
            return Fault(name, "site_internals", detail)
    return None


def _has_pages(folder: Path) -> bool:
    return any(True for _ in folder.glob("*.html"))


def _written(name: str) -> str:
    """Return a file's name as text. Bytes that are not UTF-8 are written as escapes."""
    return plain_text(os.fsencode(name).decode(errors="backslashreplace"))


def _locate(path: str) -> Path:
    if path.startswith("builtin:"):
        if path not in BUILTIN:
            raise unknown_name("built-in source", path, BUILTIN)
        return BUILTIN[path]
    found = Path(path).expanduser()
    if not found.exists():
        raise BadRecipe(
            f"source {path!r} does not exist (looked for {found.absolute()}); "
            f"give a file, a folder, hub:owner/name or {', '.join(BUILTIN)}"
        )
    return found
