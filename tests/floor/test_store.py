import logging
import os
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tasks import rows
from tasks.errors import EmptyTable, SchemaMismatch, StoreUnreachable
from tasks.manifest import MANIFEST, Damage, verify
from tasks.parts import Stream
from tasks.spec import Spec, digest
from tasks.store import Key, Made, Table, find, once, publish, tables

KEY = Key("verdicts", 1, Spec(), {"traces": "abc"})


def made(count: int = 3, *, lost: int = 0, **changes: object) -> Made:
    good = [
        {"trace_id": f"t{number}", "gate": "g", "state": "passed", "reason": "", "score": 1.0}
        for number in range(count)
    ]
    values: dict[str, object] = {
        "parts": {"verdicts": rows.table_of(good, rows.VERDICTS)},
        "schema": rows.VERDICTS,
        "rejected": rows.rejected([("t9", "loop", "")]),
        "rows_in": count + 1 + lost,
    }
    return Made(**values | changes)  # type: ignore[arg-type]


def test_a_table_is_found_as_it_was_written(tmp_path: Path) -> None:
    table = once(tmp_path, KEY, made)
    assert find(tmp_path, KEY) == table
    assert table.read().num_rows == table.rows == 3
    assert table.read_rejected()["reason"].to_pylist() == ["loop"]
    assert dict(table.rejected) == {"loop": 1}


def test_a_finished_table_is_not_made_again(tmp_path: Path) -> None:
    first = once(tmp_path, KEY, made)
    assert once(tmp_path, KEY, lambda: pytest.fail("made twice")) == first


def test_the_same_table_in_two_roots_is_the_same_bytes(tmp_path: Path) -> None:
    for root in ("a", "b"):
        once(tmp_path / root, KEY, made)
    files = {
        root: {
            path.name: path.read_bytes() for path in (tmp_path / root).rglob("*") if path.is_file()
        }
        for root in ("a", "b")
    }
    assert files["a"] == files["b"]


@pytest.mark.parametrize("harm", ["part", "manifest", "size"])
def test_a_damaged_table_is_said_and_made_again(
    tmp_path: Path, harm: str, caplog: pytest.LogCaptureFixture
) -> None:
    table = once(tmp_path, KEY, made)
    if harm == "size":
        part = table.path / table.parts[0]
        part.write_bytes(part.read_bytes()[:-1])
    else:
        (table.path / (MANIFEST if harm == "manifest" else table.parts[0])).unlink()
    with caplog.at_level(logging.WARNING):
        assert find(tmp_path, KEY) is None
    assert "made again" in caplog.text
    assert once(tmp_path, KEY, made) == table


def test_verify_reads_every_byte_and_names_what_differs(tmp_path: Path) -> None:
    sound = once(tmp_path, KEY, made)
    harmed = finished(tmp_path, "harmed", at=1)
    part = harmed.path / harmed.parts[0]
    part.write_bytes(part.read_bytes()[:-1] + b"x")
    assert find(tmp_path, KEY) == sound, "a look-up reads no file"
    assert dict(verify(tmp_path)) == {
        sound.path: None,
        harmed.path: Damage(harmed.path, (part.name,)),
    }


def test_a_row_that_is_neither_accepted_nor_rejected_stops_the_stage(tmp_path: Path) -> None:
    with pytest.raises(SchemaMismatch, match="must add up"):
        publish(tmp_path, KEY, made(lost=1))
    assert find(tmp_path, KEY) is None


def test_a_stage_that_accepts_nothing_names_the_reasons(tmp_path: Path) -> None:
    with pytest.raises(EmptyTable, match="loop"):
        publish(tmp_path, KEY, made(0))


def test_a_null_never_reaches_the_disk(tmp_path: Path) -> None:
    holed = pa.table(
        {
            "trace_id": ["t"],
            "gate": ["g"],
            "state": ["passed"],
            "reason": pa.array([None], pa.string()),
            "score": [1.0],
        }
    )
    with pytest.raises(SchemaMismatch, match="null"):
        publish(tmp_path, KEY, made(parts={"verdicts": holed}, rows_in=2))


def test_the_draft_of_a_dead_writer_is_swept_away(tmp_path: Path) -> None:
    dead = tmp_path / "verdicts" / ".tmp-feed-999999999"
    alive = tmp_path / "verdicts" / f".tmp-feed-{os.getppid()}"
    for draft in (dead, alive):
        draft.mkdir(parents=True)
    publish(tmp_path, KEY, made())
    assert not dead.exists()
    assert alive.exists()


def test_a_full_disk_is_a_transient_error_in_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(pq, "ParquetWriter", full)
    with pytest.raises(StoreUnreachable, match="No space left"):
        once(tmp_path, KEY, made)


def finished(root: Path, name: str, *, at: int) -> Table:
    table = publish(root, Key("verdicts", 1, Spec(), {"traces": name}), made())
    os.utime(table.path / MANIFEST, ns=(at, at))
    return table


def test_the_tables_of_a_stage_are_listed_oldest_first_without_drafts_and_damaged_ones(
    tmp_path: Path,
) -> None:
    late, early, lost = (
        finished(tmp_path, name, at=at) for name, at in (("late", 9), ("early", 3), ("lost", 5))
    )
    twins = sorted(
        (finished(tmp_path, name, at=7) for name in "ab"), key=lambda table: table.fingerprint
    )
    (lost.path / lost.parts[0]).unlink()
    (tmp_path / "verdicts" / f".tmp-feed-{os.getppid()}").mkdir()
    listed = tables(tmp_path, "verdicts")
    assert [one.table for one in listed] == [early, *twins, late]
    assert (listed[0].inputs, listed[0].finished_ns) == ({"traces": "early"}, 3)
    assert tables(tmp_path, "corpus") == []


def test_a_files_bytes_do_not_depend_on_the_chunks_of_its_table(tmp_path: Path) -> None:
    reasons = pa.array([digest(str(number)) * 8 for number in range(25_000)])
    whole = made(25_000).parts["verdicts"].set_column(3, rows.VERDICTS.field("reason"), reasons)
    cut = pa.concat_tables([whole.slice(0, 3), whole.slice(3, 12_000), whole.slice(12_003)])
    for name, table in (("whole", whole.combine_chunks()), ("cut", cut)):
        once(tmp_path / name, KEY, lambda table=table: made(25_000, parts={"verdicts": table}))  # type: ignore[misc]
    files = [next((tmp_path / name).rglob("verdicts.parquet")) for name in ("whole", "cut")]
    assert files[0].read_bytes() == files[1].read_bytes()
    assert pq.read_table(files[1]).equals(whole)
    groups = pq.ParquetFile(files[1]).metadata
    counts = [groups.row_group(number).num_rows for number in range(groups.num_row_groups)]
    assert counts == [10_000, 10_000, 5_000]


@pytest.mark.parametrize("count", [1, 10_000, 25_000])
def test_a_stream_leaves_the_bytes_of_a_table_with_the_same_rows(
    tmp_path: Path, count: int
) -> None:
    whole = made(count).parts["verdicts"]
    pieces = [whole.slice(low, 10_000) for low in range(0, count, 10_000)]
    streamed = made(count, parts={}, streams={"verdicts": Stream(count, lambda: iter(pieces))})
    table = once(tmp_path / "table", KEY, lambda: made(count))
    other = once(tmp_path / "stream", KEY, lambda: streamed)
    name = "verdicts.parquet"
    assert (table.path / name).read_bytes() == (other.path / name).read_bytes()
    assert (table.digest, table.rows) == (other.digest, other.rows)


def test_a_stream_of_another_length_than_announced_is_not_published(tmp_path: Path) -> None:
    seven = made(7).parts["verdicts"]
    streamed = made(8, parts={}, streams={"verdicts": Stream(8, lambda: iter([seven]))})
    with pytest.raises(SchemaMismatch, match="7 rows instead of 8"):
        once(tmp_path, KEY, lambda: streamed)
    assert find(tmp_path, KEY) is None
