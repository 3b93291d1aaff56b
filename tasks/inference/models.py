"""The folder of a model's files, and the digest that identifies its weights."""

import hashlib
import warnings
from functools import cache
from pathlib import Path

from tasks.spec import digest

BUILTIN = "builtin:"
POCKET = Path(__file__).parent / "pocket"
WHOLE_FILE_BYTES = 64 * 2**20
"""Files up to this size are digested as a whole."""
EDGE_BYTES = 2**20
"""Bytes at the start and at the end of a larger file that are digested."""


def resolve(model: str) -> str:
    """Return the folder of the built-in model; a folder in the user's home with its whole path; any
    other folder or hub name unchanged.
    """
    if model == f"{BUILTIN}pocket":
        return str(POCKET)
    return str(Path(model).expanduser()) if model.startswith("~") else model


def quiet_transformers() -> None:
    """Turn off the progress bars of transformers and its warnings to library authors."""
    from transformers.utils import logging

    logging.disable_progress_bar()
    warnings.simplefilter("ignore", FutureWarning)


@cache
def identity(model: str, revision: str) -> str:
    """Return a digest of a local model's files, or of a remote model's name and revision.

    A file over 64 MiB is represented by its size and its first and last MiB, so that gigabytes of
    weights are not read.
    """
    folder = Path(resolve(model))
    if not folder.is_dir():
        return digest("remote", model, revision)
    files = sorted(path for path in folder.iterdir() if path.is_file() and path.suffix != ".md")
    return digest("folder", *(f"{path.name} {_file_digest(path)}" for path in files))


def _file_digest(path: Path) -> str:
    size = path.stat().st_size
    with path.open("rb") as file:
        if size <= WHOLE_FILE_BYTES:
            return hashlib.file_digest(file, "sha256").hexdigest()
        head = file.read(EDGE_BYTES)
        file.seek(-EDGE_BYTES, 2)
        return digest(str(size), head, file.read())
