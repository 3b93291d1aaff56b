"""The store of tables: each is written once under its fingerprint, and is finished or absent.

A table lives at `<root>/<stage>/<fingerprint>/`: Parquet parts, a sister file of rejected rows,
files of its own (an index, a report) and `_manifest.json`, written last. The manifest is the one
truth of "done".
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

from tasks.errors import EmptyTable, Losses, MillError, SchemaMismatch, StoreUnreachable
from tasks.manifest import MANIFEST, manifest_of, sha256
from tasks.rows import CHUNK_ROWS, REJECTED, conform, reasons_told
from tasks.spec import Spec, digest, fingerprint

REJECTS = "rejected.parquet"
SCRATCH = "scratch"
"""Folder below the root in which a stage keeps what it has done until its table is finished."""
UNPUBLISHED = ".rejected-"
"""Begins the name of a folder that holds the rejected rows of a table that was not published."""
log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Table:
    """A finished table: where it lies, what it is, and how its rows were accounted for."""

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
        """Return the rows of every part, in order."""
        return pa.concat_tables(
            [pq.read_table(self.path / name, columns=columns) for name in self.parts]
        )

    def batches(
        self, columns: list[str] | None = None, *, rows: int = CHUNK_ROWS
    ) -> Iterator[pa.RecordBatch]:
        """Yield the rows of every part in order, at most so many at a time, read as they are
        needed.
        """
        for name in self.parts:
            with pq.ParquetFile(self.path / name) as file:
                yield from file.iter_batches(rows, columns=columns)

    def read_rejected(self) -> pa.Table:
        """Return the rejected rows; SchemaMismatch when an older version wrote them."""
        return conform(pq.read_table(self.path / REJECTS), REJECTED)


def digests(tables: Mapping[str, Table]) -> dict[str, str]:
    """Return what a stage's Key holds of the tables that it reads, by their names."""
    return {name: table.digest for name, table in tables.items()}


@dataclass(frozen=True)
class Finished:
    """A table as the store holds it: what it was made of (name → digest), and when it was finished,
    nanoseconds since 1970.
    """

    table: Table
    inputs: Mapping[str, str]
    finished_ns: int


@dataclass(frozen=True)
class Key:
    """What a table is made of; its fingerprint is the table's name. inputs: name → digest of
    everything read.
    """

    stage: str
    version: int
    spec: Spec
    inputs: Mapping[str, str]

    @property
    def fingerprint(self) -> str:
        """16 hex digits: the same settings over the same inputs by the same code."""
        return fingerprint(
            stage=self.stage, version=self.version, spec=self.spec, inputs=self.inputs
        )


@dataclass(frozen=True)
class Made:
    """What a stage has made and the store shall keep.

    parts: file stem → rows. rows_in counts what was offered; rows_out what was accepted (default:
    all rows). attach: writes the table's own further files into the folder it is given.
    """

    parts: Mapping[str, pa.Table]
    schema: pa.Schema
    rejected: pa.Table
    rows_in: int
    rows_out: int | None = None
    attach: Callable[[Path], None] = field(default=lambda folder: None)
    pages: tuple[str, ...] = ()
    """Which of the table's own files a browser may be shown."""
    may_be_empty: bool = False
    refused: MillError | None = None
    """Why the rows must not be handed on: nothing is published, and this is raised."""

    @property
    def rows(self) -> int:
        """Rows of all parts."""
        return sum(part.num_rows for part in self.parts.values())

    @property
    def accepted(self) -> int:
        """Rows that are handed on."""
        return self.rows if self.rows_out is None else self.rows_out


def once(root: Path, key: Key, make: Callable[[], Made]) -> Table:
    """Return the finished table of this key, making it only if no undamaged one exists."""
    with _named_faults():
        found = find(root, key)
        return found or publish(root, key, make())


def find(root: Path, key: Key) -> Table | None:
    """Return the finished table of this key, or None. One whose files are missing or of another
    size is told in the log, and counts as absent.
    """
    folder = root / key.stage / key.fingerprint
    manifest = manifest_of(folder) if folder.exists() else None
    if manifest is None:
        return None
    # The folder's own time says when it was last used, the manifest's when it was made; a store may
    # be read by those who cannot write it.
    with contextlib.suppress(OSError):
        os.utime(folder)
    return _table(folder, manifest)


def tables(root: Path, stage: str) -> list[Finished]:
    """Return the undamaged tables of a stage, oldest first; of one moment, by fingerprint."""
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
    """Remove the table of this key, so that it is made anew; one that is not there is no fault."""
    shutil.rmtree(root / key.stage / key.fingerprint, ignore_errors=True)


def publish(root: Path, key: Key, made: Made) -> Table:
    """Write a table under a temporary name, flush it to disk, and give it its own name in one step.

    A table that is empty or refused raises its error; only its rejected rows are kept, for a person
    to read.
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
    _flush(home)
    return _table(target, manifest)


def _refusal(key: Key, made: Made) -> MillError | None:
    """Return why a table must not be published, None when it may be."""
    if made.refused or made.accepted or made.may_be_empty:
        return made.refused
    return EmptyTable(
        f"{key.stage}: none of {made.rows_in} rows was accepted; "
        f"rejected: {reasons_told(_reasons(made.rejected))}"
    )


def _with_losses(refusal: MillError, key: Key, made: Made, kept: Path) -> MillError:
    """Return the error with what became of the rows, after keeping the rejected ones."""
    kept.mkdir(exist_ok=True)
    _write_parquet(conform(made.rejected, REJECTED), kept / REJECTS)
    refusal.losses = Losses(
        key.stage, made.rows_in, made.accepted, _reasons(made.rejected), kept / REJECTS
    )
    return refusal


def _write(draft: Path, key: Key, made: Made) -> dict[str, object]:
    rows, rows_out = made.rows, made.accepted
    if made.rows_in != rows_out + made.rejected.num_rows:
        raise SchemaMismatch(
            f"{key.stage}: {made.rows_in} rows in, {rows_out} accepted, {made.rejected.num_rows} rejected: a row is unaccounted for"
        )
    for stem, part in made.parts.items():
        _write_parquet(conform(part, made.schema), draft / f"{stem}.parquet")
    _write_parquet(conform(made.rejected, REJECTED), draft / REJECTS)
    made.attach(draft)
    files = {
        str(path.relative_to(draft)): sha256(path)
        for path in sorted(draft.rglob("*"))
        if path.is_file()
    }
    parts = [f"{stem}.parquet" for stem in made.parts]
    manifest: dict[str, object] = {
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
        _flush(draft / name)
    (draft / MANIFEST).write_text(json.dumps(manifest, indent=1, sort_keys=True) + "\n")
    _flush(draft / MANIFEST)
    _flush(draft)
    return manifest


def _write_parquet(table: pa.Table, path: Path) -> None:
    """Write a row group at a time. The bytes do not depend on how the table is cut into chunks, and
    no array holds the strings of all rows: Arrow bounds one to 2 GiB.
    """
    with pq.ParquetWriter(path, table.schema, compression="zstd") as file:
        for low in range(0, max(1, table.num_rows), CHUNK_ROWS):
            file.write_table(table.slice(low, CHUNK_ROWS).combine_chunks(), CHUNK_ROWS)


def _table(folder: Path, manifest: Mapping[str, object]) -> Table:
    kept = {
        name: manifest[name]
        for name in ("stage", "fingerprint", "digest", "rows", "rows_in", "rows_out", "rejected")
    }
    return Table(path=folder, parts=tuple(manifest["parts"]), **kept)  # type: ignore[arg-type]


def _reasons(rejected: pa.Table) -> dict[str, int]:
    return dict(sorted(Counter(rejected["reason"].to_pylist()).items()))


def _flush(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _sweep(home: Path) -> None:
    """Remove drafts whose writer is no longer alive."""
    for draft in home.glob(".tmp-*"):
        if not Path(f"/proc/{draft.name.rsplit('-', 1)[1]}").exists() or draft.name.endswith(
            f"-{os.getpid()}"
        ):
            shutil.rmtree(draft, ignore_errors=True)


@contextlib.contextmanager
def _named_faults() -> Iterator[None]:
    try:
        yield
    except OSError as exc:
        raise StoreUnreachable(
            f"the store could not be written: {exc}; free space or mount it, then run again"
        ) from exc
