"""From the place that a recipe names to the files there: which they are, what they are called,
whether they are its own.
"""

import hashlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from tasks.errors import BadRecipe, unknown_name
from tasks.ngrams import plain_text
from tasks.sources.readers import Fault, files_under

HERE = Path(__file__).parent
BUILTIN = {
    "builtin:handbook": HERE / "samples",
    **{f"builtin:{path.stem}": path for path in sorted((HERE / "probes").glob("*.jsonl"))},
}


class Place(NamedTuple):
    """A file of a source. name: below the folder that the recipe names. fault: why it must not be
    opened, if it must not.
    """

    path: Path
    name: str
    fault: Fault | None


def places(source: str) -> Iterator[Place]:
    """Yield every file of a source in a stable order. BadRecipe where there is none."""
    root = _locate(source)
    for path in files_under(root):
        name = _written(
            path.name if root.is_file() else f"{root.name}/{path.relative_to(root).as_posix()}"
        )
        yield Place(path, name, _leads_out(path, root, name) or _part_of_site(path, root, name))


def digest_line(place: Place) -> str:
    """Return name and SHA-256 of a file; "unreadable" for what cannot be read or is no file: a
    device would be read for ever.
    """
    try:
        if place.path.is_file() and not place.fault:
            with place.path.open("rb") as file:
                return (
                    f"{_written(place.path.name)} {hashlib.file_digest(file, 'sha256').hexdigest()}"
                )
    except OSError:
        pass
    return f"{_written(place.path.name)} unreadable"


def _leads_out(path: Path, root: Path, name: str) -> Fault | None:
    """Return the fault of a link that leads out of the folder it lies in: what comes with documents
    must not fetch others of this machine.
    """
    target = os.path.realpath(path)
    if path == root or not path.is_symlink() or Path(target).is_relative_to(root.resolve()):
        return None
    return Fault(
        name,
        "outside_folder",
        f"a link to {_written(target)}; name that as a source of its own, or copy it",
    )


def _part_of_site(path: Path, root: Path, name: str) -> Fault | None:
    """Return the fault of a file that a generated site keeps for itself, in a folder such as
    _sources or _modules beside its pages.
    """
    for folder in path.relative_to(root).parents if path != root else ():
        if folder.name.startswith("_") and _has_pages(root / folder.parent):
            detail = f"{_written(folder.name)} holds a site's own parts; its pages are read instead"
            return Fault(name, "site_internals", detail)
    return None


def _has_pages(folder: Path) -> bool:
    return any(True for _ in folder.glob("*.html"))


def _written(name: str) -> str:
    """Return a file's name as text; bytes that are none are spelled out."""
    return plain_text(os.fsencode(name).decode(errors="backslashreplace"))


def _locate(path: str) -> Path:
    if path.startswith("builtin:"):
        if path not in BUILTIN:
            raise unknown_name("built-in source", path, BUILTIN)
        return BUILTIN[path]
    found = Path(path).expanduser()
    if not found.exists():
        raise BadRecipe(
            f"source {path!r} is not there (looked for {found.absolute()}); give a file, a folder, hub:owner/name or {', '.join(BUILTIN)}"
        )
    return found
