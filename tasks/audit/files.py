"""The files of a corpus and their format, which is recognised by the first bytes and not by the
name.
"""

import codecs
import contextlib
import gzip
import os
import stat
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, cast

from tasks.audit.json_rows import array_rows, line_rows
from tasks.audit.table_rows import ARROW_FILE, arrow_rows, parquet_rows
from tasks.audit.values import Row
from tasks.errors import UnreadableFile
from tasks.store import REJECTS

TABLES = (".parquet", ".arrow", ".jsonl", ".ndjson", ".jsonl.gz", ".ndjson.gz")
"""Suffixes of files that hold rows."""
LOOSE = (".json", ".json.gz")
"""Suffixes that are used only if a folder has no file with a suffix of TABLES, because settings and
reports are JSON too.
"""
NOT_ROWS = {REJECTS, "state.json", "dataset_info.json", "dataset_infos.json", "dataset_dict.json"}
"""Names of files in a data folder that hold no rows."""
FORMATS = "the audit reads JSON Lines, a JSON array, Parquet or Arrow"
ARROW_MAGIC = (ARROW_FILE, b"\xff\xff\xff\xff")
"""First bytes of an Arrow file and of an Arrow stream."""
HEAD = 4096
"""Bytes that are read to recognise a format."""
FOREIGN = {
    b"PK\x03\x04": "a zip archive; unpack it",
    b"\x28\xb5\x2f\xfd": "compressed by Zstandard; unpack it",
    b"BZh": "compressed by bzip2; unpack it",
    b"\xfd7zXZ": "compressed by xz; unpack it",
    b"version https://git-lfs": "a Git LFS pointer, not the file; run git lfs pull",
    codecs.BOM_UTF16_LE: "UTF-16, not UTF-8; convert it, e.g. with iconv -f UTF-16 -t UTF-8",
    codecs.BOM_UTF16_BE: "UTF-16, not UTF-8; convert it, e.g. with iconv -f UTF-16 -t UTF-8",
}
"""First bytes of formats that are not read → what a message says of them."""


def data_files(path: Path) -> tuple[Path, ...]:
    """Return the file itself, or all data files below a folder in the order of their paths.

    Raises UnreadableFile if there is none.
    """
    with named_faults(path):
        mode = path.stat().st_mode
        if stat.S_ISREG(mode):
            return (path,)
        if not stat.S_ISDIR(mode):
            raise UnreadableFile(
                f"{path} is neither a file nor a folder; an audit reads its rows several times: "
                "save them to a file first"
            )
        files = sorted(_below(path), key=lambda file: file.relative_to(path).as_posix())
    for suffixes in (TABLES, LOOSE):
        if chosen := tuple(file for file in files if file.name.lower().endswith(suffixes)):
            return chosen
    raise UnreadableFile(
        f"{path} holds no data files; neither it nor its subfolders hold a name that ends in "
        f"{', '.join((*TABLES, *LOOSE))}"
    )


def rows_of(path: Path, columns: tuple[str, ...] = ()) -> Iterator[Row]:
    """Yield the rows of one file of any readable format.

    columns: the columns that are needed; () means all. Raises UnreadableFile.
    """
    with named_faults(path):
        with path.open("rb") as file:
            head = file.read(HEAD)
        name = path.name.lower()
        if head.startswith(b"PAR1") or name.endswith(".parquet"):
            _refuse_pointers(path, head)
            yield from parquet_rows(path, columns)
        elif head.startswith(ARROW_MAGIC) or name.endswith(".arrow"):
            _refuse_pointers(path, head)
            yield from arrow_rows(path, columns)
        else:
            yield from _texts(path, packed=head.startswith(b"\x1f\x8b"))


@contextlib.contextmanager
def named_faults(path: Path) -> Iterator[None]:
    """Raise UnreadableFile with a plain message for every error of the operating system or of
    gzip.
    """
    try:
        yield
    except FileNotFoundError as exc:
        raise UnreadableFile(f"{path} does not exist; name an existing file or folder") from exc
    except PermissionError as exc:
        raise UnreadableFile(
            f"{path} cannot be read: permission denied for {exc.filename or path}; "
            "change its mode or its owner"
        ) from exc
    except (EOFError, zlib.error, gzip.BadGzipFile) as exc:
        raise UnreadableFile(
            f"{path} is not a complete gzip file ({exc}); copy or write it again"
        ) from exc
    except OSError as exc:
        raise UnreadableFile(f"{path} cannot be read: {exc}") from exc


def _texts(path: Path, *, packed: bool) -> Iterator[Row]:
    with _opened(path, packed=packed) as file:
        head = file.read(HEAD)
        _refuse_foreign(path, head)
        file.seek(0)
        start = head.removeprefix(codecs.BOM_UTF8).lstrip()
        yield from array_rows(path, file) if start.startswith(b"[") else line_rows(path, file)


def _opened(path: Path, *, packed: bool) -> BinaryIO:
    return cast("BinaryIO", gzip.open(path)) if packed else path.open("rb")


def _refuse_foreign(path: Path, head: bytes) -> None:
    _refuse_pointers(path, head)
    if _is_wide(head[:64]):
        raise UnreadableFile(f"{path} is {FOREIGN[codecs.BOM_UTF16_LE]}")
    if b"\0" in head:
        raise UnreadableFile(f"{path} is a binary file: byte {head.index(0) + 1} is NUL; {FORMATS}")


def _is_wide(head: bytes) -> bool:
    """Return whether every second byte and no other byte is NUL: Latin text as UTF-16 without a
    byte order mark.
    """
    even, odd = head[::2], head[1::2]
    return _is_high_bytes(even, odd) or _is_high_bytes(odd, even)


def _is_high_bytes(zeros: bytes, letters: bytes) -> bool:
    return bool(zeros) and not any(zeros) and bool(letters) and all(letters)


def _refuse_pointers(path: Path, head: bytes) -> None:
    for magic, what in FOREIGN.items():
        if head.startswith(magic):
            raise UnreadableFile(f"{path} is {what}")


def _below(folder: Path) -> Iterator[Path]:
    for place, folders, names in os.walk(folder, onerror=_raise):
        folders[:] = [name for name in folders if not name.startswith(("_", "."))]
        for name in names:
            # The library `datasets` stores results of map and filter there as cache-*.arrow.
            if not name.startswith(("_", ".", "cache-")) and name not in NOT_ROWS:
                yield Path(place) / name


def _raise(exc: OSError) -> None:
    raise exc
