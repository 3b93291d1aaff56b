"""The store of tables: a table is written once under its fingerprint, and is finished or missing.

A table is the folder `<root>/<stage>/<fingerprint>/`: Parquet parts, a file of rejected rows,
other files of the table (an index, a report) and `_manifest.json`. The manifest is written last;
a table with a manifest is finished.
"""

import contextlib
import json
import logging
import os
import shutil
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from tasks.errors import (
    EmptyTable,
    Losses,
    MillError,
    SchemaMismatch,
    StoreUnreachable,
    reasons_told,
)
from tasks.files import flush
from tasks.manifest import MANIFEST, manifest_of, sha256
from tasks.parts import Stream, write_stream, write_table
from tasks.rows import CHUNK_ROWS, REJECTED, conform
from tasks.spec import Spec, digest, fingerprint

REJECTS = "rejected.parquet"
"""File of the rejected rows in a table's folder."""
SCRATCH = "scratch"
"""Folder below the root for the intermediate results of stages that are not finished."""
UNPUBLISHED = ".rejected-"
"""Prefix of folders with the rejected rows of a table that was not published."""
log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Table:
    """A finished table in the store.

    rows: rows of all parts. rows_in: rows offered to the stage. rows_out: rows accepted. rejected:
    number of rejected rows by reason. parts: names of its Parquet files.
    """

    path: Path
    stage: str
    fingerprint: str
    digest: str
    rows: int
    rows_in: int
    rows_out: int
    rejected: Mapping[str, int]
    parts: tuple[str, ...]

    def read(self, columns: list[str] | None = None) -> pa.Table:
        """Return the rows of all parts, in order."""
        return pa.concat_tables(
            [pq.read_table(self.path / name, columns=columns) for name in self.parts]
        )

    def batches(
        self, columns: list[str] | None = None, *, rows: int = CHUNK_ROWS
    ) -> Iterator[pa.RecordBatch]:
        """Yield the rows of all parts in order, in batches of at most `rows`, read when needed."""
        for name in self.parts:
            with pq.ParquetFile(self.path / name) as file:
                yield from file.iter_batches(rows, columns=columns)

    def read_rejected(self) -> pa.Table:
        """Return the rejected rows. Raises SchemaMismatch if an older version wrote them."""
        return conform(pq.read_table(self.path / REJECTS), REJECTED)


def digests(tables: Mapping[str, Table]) -> dict[str, str]:
    """Return the digests of tables by name, as the inputs of a Key."""
    return {name: table.digest for name, table in tables.items()}


@dataclass(frozen=True)
class Finished:
    """A table with its origin.

    inputs: the digest of everything it was made from, by name. finished_ns: time when it was
    finished, in nanoseconds since 1970.
    """

    table: Table
    inputs: Mapping[str, str]
    finished_ns: int


@dataclass(frozen=True)
class Key:
    """The identity of a table. inputs: the digest of everything that the stage reads, by name."""

    stage: str
    version: int
    spec: Spec
    inputs: Mapping[str, str]

    @property
    def fingerprint(self) -> str:
        """16 hex digits; equal for the same stage, code version, settings and inputs."""
        return fingerprint(
            stage=self.stage, version=self.version, spec=self.spec, inputs=self.inputs
        )


@dataclass(frozen=True)
class Made:
    """The result of a stage, to be published in the store.

    parts: rows by the stem of their file. streams: further parts, whose rows are not all in memory.
    rejected: REJECTED. rows_in: rows offered to the stage.
    rows_out: rows accepted; None for the rows of all parts. attach: writes other files of the table
    into a folder.
    """

    parts: Mapping[str, pa.Table]
    schema: pa.Schema
    rejected: pa.Table
    rows_in: int
    rows_out: int | None = None
    attach: Callable[[Path], None] = field(default=lambda folder: None)
    pages: tuple[str, ...] = ()
    """Files of the table that the report server may show."""
    streams: Mapping[str, Stream] = field(default_factory=dict)
    may_be_empty: bool = False
    refused: MillError | None = None
    """The error to raise instead of publishing the table."""

    @property
    def rows(self) -> int:
        """Number of rows of all parts."""
        return sum(part.num_rows for part in (*self.parts.values(), *self.streams.values()))

    @property
    def accepted(self) -> int:
        """Number of accepted rows."""
        return self.rows if self.rows_out is None else self.rows_out


def once(root: Path, key: Key, make: Callable[[], Made]) -> Table:
    """Return the table of a key; make and publish it if the store lacks it or it is damaged.

    Raises StoreUnreachable, and the errors of `publish`.
    """
    with _store_faults():
        found = find(root, key)
        return found or publish(root, key, make())


def find(root: Path, key: Key) -> Table | None:
    """Return the finished table of a key; None if it is missing.

    A table with missing files or files of another size counts as missing; a warning is logged.
    """
    folder = root / key.stage / key.fingerprint
    manifest = manifest_of(folder) if folder.exists() else None
    if manifest is None:
        return None
    # The time of the folder shows the last use, the time of the manifest when the table was made.
    # The user of a store may lack permission to write.
    with contextlib.suppress(OSError):
        os.utime(folder)
    return _table(folder, manifest)


def tables(root: Path, stage: str) -> list[Finished]:
    """Return the undamaged tables of a stage, oldest first; of equal time by fingerprint."""
    read = [(folder, manifest_of(folder)) for folder in (root / stage).glob("[!.]*")]
    found = [
        Finished(
            _table(folder, manifest), manifest["inputs"], (folder / MANIFEST).stat().st_mtime_ns
        )
        for folder, manifest in read
        if manifest
    ]
    return sorted(found, key=lambda one: (one.finished_ns, one.table.fingerprint))


def forget(root: Path, key: Key) -> None:
    """Remove the table of a key, if it exists, so that it is made again."""
    shutil.rmtree(root / key.stage / key.fingerprint, ignore_errors=True)


def publish(root: Path, key: Key, made: Made) -> Table:
    """Return the published table: written under a temporary name, flushed to disk, then renamed.

    Raises EmptyTable for a table without rows, and `made.refused`; only the rejected rows are then
    kept, for a person to read. Raises SchemaMismatch if the numbers of rows do not add up.
    """
    home = root / key.stage
    home.mkdir(parents=True, exist_ok=True)
    _sweep(home)
    kept = home / f"{UNPUBLISHED}{key.fingerprint}"
    if refusal := _refusal(key, made):
        raise _with_losses(refusal, key, made, kept)
    shutil.rmtree(kept, ignore_errors=True)
    draft = home / f".tmp-{key.fingerprint}-{os.getpid()}"
    draft.mkdir()
    manifest = _write(draft, key, made)
    target = home / key.fingerprint
    if target.exists():
        shutil.rmtree(target)
    draft.rename(target)
    flush(home)
    return _table(target, manifest)


def _refusal(key: Key, made: Made) -> MillError | None:
    """Return why a table must not be published, None if it may be."""
    if made.refused or made.accepted or made.may_be_empty:
        return made.refused
    return EmptyTable(
        f"{key.stage}: none of {made.rows_in} rows was accepted; "
        f"rejected: {reasons_told(_reasons(made.rejected))}"
    )


def _with_losses(refusal: MillError, key: Key, made: Made, kept: Path) -> MillError:
    """Return the error with the losses of the stage; save the rejected rows first."""
    kept.mkdir(exist_ok=True)
    write_table(conform(made.rejected, REJECTED), kept / REJECTS)
    refusal.losses = Losses(
        key.stage, made.rows_in, made.accepted, _reasons(made.rejected), kept / REJECTS
    )
    return refusal


def _write(draft: Path, key: Key, made: Made) -> Mapping[str, object]:
    rows, rows_out = made.rows, made.accepted
    if made.rows_in != rows_out + made.rejected.num_rows:
        raise SchemaMismatch(
            f"{key.stage}: {made.rows_in} rows in, but {rows_out} accepted and "
            f"{made.rejected.num_rows} rejected; the numbers must add up"
        )
    for stem, part in made.parts.items():
        write_table(conform(part, made.schema), draft / f"{stem}.parquet")
    for stem, stream in made.streams.items():
        write_stream(stream, made.schema, draft / f"{stem}.parquet")
    write_table(conform(made.rejected, REJECTED), draft / REJECTS)
    made.attach(draft)
    files = {
        str(path.relative_to(draft)): sha256(path)
        for path in sorted(draft.rglob("*"))
        if path.is_file()
    }
    parts = [f"{stem}.parquet" for stem in (*made.parts, *made.streams)]
    manifest: Mapping[str, object] = {
        "stage": key.stage,
        "fingerprint": key.fingerprint,
        "code_version": key.version,
        "spec": key.spec.model_dump(mode="json"),
        "inputs": dict(key.inputs),
        "schema": made.schema.to_string(show_schema_metadata=False),
        "rows": rows,
        "rows_in": made.rows_in,
        "rows_out": rows_out,
        "rejected": _reasons(made.rejected),
        "pages": list(made.pages),
        "parts": parts,
        "files": files,
        "bytes": {name: (draft / name).stat().st_size for name in files},
        "digest": digest(*(f"{name} {files[name]}" for name in parts)),
    }
    for name in files:
        flush(draft / name)
    (draft / MANIFEST).write_text(json.dumps(manifest, indent=1, sort_keys=True) + "\n")
    flush(draft / MANIFEST)
    flush(draft)
    return manifest


def _table(folder: Path, manifest: Mapping[str, object]) -> Table:
    kept = {
        name: manifest[name]
        for name in ("stage", "fingerprint", "digest", "rows", "rows_in", "rows_out", "rejected")
    }
    return Table(path=folder, parts=tuple(manifest["parts"]), **kept)  # type: ignore[arg-type]


def _reasons(rejected: pa.Table) -> dict[str, int]:
    return dict(sorted(Counter(rejected["reason"].to_pylist()).items()))


def _sweep(home: Path) -> None:
    """Remove drafts of processes that have ended, and earlier drafts of this process."""
    for draft in home.glob(".tmp-*"):
        pid = draft.name.rsplit("-", 1)[1]
        if pid == str(os.getpid()) or not Path(f"/proc/{pid}").exists():
            shutil.rmtree(draft, ignore_errors=True)


@contextlib.contextmanager
def _store_faults() -> Iterator[None]:
    try:
        yield
    except OSError as exc:
        raise StoreUnreachable(
            f"the store could not be written: {exc}; free space or mount it, then run again"
        ) from exc
