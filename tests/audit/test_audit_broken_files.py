import codecs
import gzip
import json
import os
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tasks.audit import json_rows
from tasks.audit.reading import BATCH_ROWS, RowFile
from tasks.errors import UnreadableFile
from tests.support.audit_corpus import INLINE, ROW, read, refusal, write

LINE = json.dumps(ROW).encode() + b"\n"


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("a.jsonl", b"", "is empty"),
        ("a.jsonl", b" \n\n", "is empty"),
        ("a.json", b"[]", "is empty"),
        ("a.jsonl", LINE + b'{"id": "to', "line 2, the last one, is cut after 10 bytes"),
        ("a.jsonl", LINE + b"\n{'id': 1}\n" + LINE, "line 3 is not JSON"),
        (
            "a.jsonl",
            b"id,prompt,completion\n1,2,3\n",
            "line 1 is not JSON; begins 'id,prompt,completion'",
        ),
        ("a.jsonl", LINE + b"[1, 2]\n", "line 2 is an array; expected an object"),
        ("a.jsonl", LINE + b"7\n", "line 2 is a number"),
        (
            "a.jsonl",
            LINE + '{"id": "café"}\n'.encode("latin-1"),
            "line 2, byte 12; 0xe9 is not UTF-8; iconv",
        ),
        ("a.jsonl", LINE + b'{"a": ' + b"[" * 5000, "line 2 is nested too deeply"),
        (
            "a.jsonl",
            codecs.BOM_UTF16_LE + LINE.decode().encode("utf-16-le"),
            "is UTF-16; not UTF-8",
        ),
        ("a.jsonl", LINE.decode().encode("utf-16-be"), "is UTF-16"),
        ("a.jsonl", LINE[:9] + b"\0\0\0", "is a binary file; byte 10"),
        ("a.jsonl", b"PK\x03\x04zip", "is a zip archive; unpack"),
        (
            "a.parquet",
            b"version https://git-lfs.github.com/spec/v1",
            "is a Git LFS pointer; git lfs pull",
        ),
        ("a.jsonl.gz", gzip.compress(LINE * 99, mtime=0)[:-9], "is not a complete gzip file"),
        ("a.json", b"[1]", "an element of the array is not an object"),
        (
            "a.json",
            b"[" + LINE + b",\n" + LINE[:20],
            "line 3, after 1 rows; the row that begins here is cut",
        ),
        ("a.json", b"[" + LINE, "the file is cut"),
        ("a.json", b"[" + LINE + LINE, "line 2; expected ','; found '{'"),
        ("a.json", b"[" + LINE + b"]\n[", "line 3; the array ends; the file goes on"),
        ("a.json", b'[{"a": "caf\xe9"}]', "line 1, byte 12 of the file; 0xe9 is not UTF-8"),
        ("a.json", b'[{"a": ' + b"[" * 5000, "nested too deeply"),
        ("a.parquet", b"PAR1 torn", "is not a complete Parquet file"),
        ("a.parquet", LINE, "is not a complete Parquet file"),
        ("a.arrow", b"ARROW1 torn", "is not a complete Arrow file"),
        ("a.arrow", LINE, "is not a complete Arrow file"),
    ],
)
def test_what_cannot_be_read_is_named_in_one_sentence(
    tmp_path: Path, name: str, content: bytes, words: str
) -> None:
    (tmp_path / name).write_bytes(content)
    said = refusal(tmp_path / name)
    assert [
        word for word in (str(tmp_path / name), *words.split("; ")) if word not in said
    ] == [], said
    assert "\n" not in said


def test_a_damaged_arrow_file_is_refused_before_its_offsets_are_followed(tmp_path: Path) -> None:
    table = pa.table({"completion": [INLINE] * 50})
    with (
        pa.OSFile(str(tmp_path / "a.arrow"), "wb") as file,
        pa.ipc.new_stream(file, table.schema) as writer,
    ):
        writer.write_table(table)
    content = (tmp_path / "a.arrow").read_bytes()
    offset = len(INLINE).to_bytes(4, "little")
    (tmp_path / "a.arrow").write_bytes(content.replace(offset, b"\xff\xff\xff\x7f"))
    assert "is not a complete Arrow file" in refusal(tmp_path / "a.arrow")


@pytest.mark.parametrize("start", ["{", "[{", "["])
def test_a_line_without_end_is_refused_within_bounded_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, start: str
) -> None:
    monkeypatch.setattr(json_rows, "ROW_LIMIT", 2**20)
    monkeypatch.setattr(json_rows, "CHUNK", 2**16)
    content = f'{start}"completion": "' if start.endswith("{") else start
    (tmp_path / "a.jsonl").write_text(content + ("a" if start.endswith("{") else " ") * 2**22)
    assert "1 MiB" in refusal(tmp_path / "a.jsonl")


def test_a_long_row_below_the_limit_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(json_rows, "CHUNK", 16)
    row = ROW | {"completion": f"<think>{'why' * 1000}</think>so"}
    (tmp_path / "a.json").write_text(json.dumps([row, ROW, row], indent=2))
    assert [len(one["think"]) for one in read(tmp_path / "a.json")] == [3000, 3, 3000]


def test_places_without_rows_are_named(tmp_path: Path) -> None:
    assert "does not exist" in refusal(tmp_path / "nowhere.jsonl")
    assert "no data files" in refusal(tmp_path)
    (tmp_path / "gone.jsonl").symlink_to(tmp_path / "nowhere")
    assert "gone.jsonl does not exist" in refusal(tmp_path)
    os.mkfifo(tmp_path / "pipe")
    assert "neither a file nor a folder" in refusal(tmp_path / "pipe")


def test_a_file_that_may_not_be_read_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def locked(self: Path, mode: str) -> None:
        raise PermissionError(13, "Permission denied", str(self))

    path = write(tmp_path / "a.jsonl", [ROW])
    monkeypatch.setattr(Path, "open", locked)
    assert "permission denied" in refusal(path)


def test_a_broken_line_is_met_after_the_rows_before_it(tmp_path: Path) -> None:
    path = write(tmp_path / "corpus.jsonl", [ROW] * (BATCH_ROWS + 100))
    with path.open("a") as file:
        file.write('{"id": "torn')
    batches = RowFile.open(path).batches()
    assert next(batches).num_rows == BATCH_ROWS
    with pytest.raises(UnreadableFile, match=f"line {BATCH_ROWS + 101}, the last one, is cut"):
        next(batches)


def test_a_part_that_lacks_a_column_of_the_first_is_named(tmp_path: Path) -> None:
    pq.write_table(pa.Table.from_pylist([ROW]), tmp_path / "a.parquet")
    pq.write_table(pa.table({"other": [1]}), tmp_path / "b.parquet")
    assert "b.parquet has no column completion" in refusal(tmp_path)
