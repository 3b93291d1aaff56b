import codecs
import gzip
import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks import rows
from tasks.audit import reading
from tasks.audit.reading import AUDITED, BATCH_ROWS, Columns, RowFile
from tasks.think import join
from tests.support.audit_corpus import CHAT, READ, ROW, read, write

TEXT = (
    st.text(st.characters(exclude_categories=["Cs"]), min_size=1)
    .map(str.strip)
    .filter(lambda text: text and "<" not in text)
)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.jsonl", json.dumps(ROW).encode()),
        ("a.ndjson", codecs.BOM_UTF8 + json.dumps(ROW).encode() + b"\r\n\r\n"),
        ("a.json", json.dumps([ROW]).encode()),
        ("a.json", codecs.BOM_UTF8 + b" \n" + json.dumps([ROW], indent=1).encode()),
        ("a.jsonl.gz", gzip.compress(json.dumps(ROW).encode(), mtime=0)),
        ("traces", json.dumps(ROW).encode()),
    ],
)
def test_json_is_told_by_its_first_bytes(tmp_path: Path, name: str, content: bytes) -> None:
    (tmp_path / name).write_bytes(content)
    assert read(tmp_path / name) == [READ]


@pytest.mark.parametrize("kind", ["parquet", "stream", "file", "large"])
@pytest.mark.parametrize("suffix", ["due", "foreign"])
def test_tables_are_told_by_their_first_bytes(tmp_path: Path, kind: str, suffix: str) -> None:
    table = pa.table(
        {
            "extra": [b"\xff"],
            "made": [{"by": "bot"}],
            **{name: [value] for name, value in ROW.items()},
        }
    )
    path = (
        tmp_path
        / {"due": "a.parquet" if kind == "parquet" else "a.arrow", "foreign": "a.bin"}[suffix]
    )
    if kind == "parquet":
        pq.write_table(table, path)
    elif kind == "large":
        table = table.set_column(
            4, "completion", table["completion"].cast(pa.large_string()).dictionary_encode()
        )
    if kind != "parquet":
        opened = pa.ipc.new_file if kind == "file" else pa.ipc.new_stream
        with pa.OSFile(str(path), "wb") as file, opened(file, table.schema) as writer:
            writer.write_table(table)
    assert read(path, Columns(producer=("made",))) == [READ | {"producer:made.by": "bot"}]


def test_a_table_of_ours_is_read_without_its_rejects(tmp_path: Path) -> None:
    row = {
        "row_id": "r1",
        "prompt": "Ask?",
        "think": "why",
        "answer": "so",
        "messages": CHAT,
        "family": "plain",
        "general": False,
        "verified": True,
        "provenance": dict.fromkeys(["trace_id", "prompt_id", "teacher", "question_id"], "x")
        | {"sample": 0, "seed": 1}
        | {name: ["y"] for name in ("passage_ids", "document_ids", "sources", "licences")},
    }
    for name in ("train", "validation"):
        pq.write_table(rows.table_of([row], rows.CORPUS), tmp_path / f"{name}.parquet")
    pq.write_table(rows.rejected([("r2", "too_short", "")]), tmp_path / "rejected.parquet")
    for name in ("_manifest.json", "suite.json", "card.md"):
        (tmp_path / name).write_text("{}")
    read_back = read(tmp_path, Columns(producer=("family", "provenance")))
    assert [{name: one[name] for name in READ} for one in read_back] == [READ, READ]
    assert read_back[0]["producer:provenance.seed"] == "1"
    assert read_back[0]["producer:provenance.sources"] == '["y"]'


def test_a_folder_of_the_datasets_library_is_read_without_it(tmp_path: Path) -> None:
    import datasets

    split_of = {
        name: datasets.Dataset.from_list([ROW | {"id": name}]) for name in ("train", "test")
    }
    datasets.DatasetDict(split_of).save_to_disk(tmp_path / "both")
    (tmp_path / "both" / "train" / "cache-12.arrow").write_bytes(b"left over")
    assert [row["id"] for row in read(tmp_path / "both")] == ["test", "train"]
    assert [row["id"] for row in read(tmp_path / "both" / "train")] == ["train"]


def test_a_folder_is_read_in_the_order_of_its_names(tmp_path: Path) -> None:
    for name in ("b.jsonl", "a/z.jsonl", "a/_x.jsonl", ".hidden/a.jsonl", "c.ndjson"):
        write(tmp_path / name, [ROW | {"id": name}])
    (tmp_path / "config.json").write_text('{"model": "m"}')
    assert [row["id"] for row in read(tmp_path)] == ["a/z.jsonl", "b.jsonl", "c.ndjson"]


def test_loose_json_counts_where_a_folder_has_nothing_else(tmp_path: Path) -> None:
    (tmp_path / "rows.json").write_text(json.dumps([ROW]))
    (tmp_path / "dataset_info.json").write_text("{}")
    assert read(tmp_path) == [READ]


@pytest.mark.parametrize("array", [False, True])
def test_what_python_writes_though_json_forbids_it_is_read(tmp_path: Path, array: bool) -> None:
    text = '{"id": 123456789012345678901234567890, "prompt": NaN, "completion": "<think>\\ud83d</think>\\ud83d\\ude00"}'
    (tmp_path / "a.json").write_text(f"[{text}]" if array else text)
    assert read(tmp_path / "a.json")[0] | {"id": ""} == {
        "id": "",
        "prompt": "",
        "think": "?",
        "answer": "😀",
        "fault": "",
    }


def test_batches_have_one_schema_and_are_read_again_and_again(tmp_path: Path) -> None:
    lines = [ROW | {"id": number, "made": {"by": "bot"}} for number in range(4500)]
    file = RowFile.open(write(tmp_path / "corpus.jsonl", lines), Columns(producer=("made",)))
    first, second = list(file.batches()), list(file.batches())
    assert [batch.num_rows for batch in first] == [BATCH_ROWS] * (4500 // BATCH_ROWS)
    assert first == second
    expected = pa.schema([*AUDITED, pa.field("producer:made.by", pa.string(), nullable=False)])
    assert all(batch.schema.equals(expected) for batch in first)
    assert [name for batch in first for name in batch["id"].to_pylist()] == [
        str(number) for number in range(4500)
    ]


@pytest.mark.parametrize("kind", ["jsonl", "parquet"])
def test_a_batch_of_long_rows_is_short(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    monkeypatch.setattr(reading, "BATCH_CHARS", 10_000)
    lines = [ROW | {"completion": f"<think>{'why ' * 1000}</think>so"} for _ in range(10)]
    path = tmp_path / f"corpus.{kind}"
    write(path, lines) if kind == "jsonl" else pq.write_table(pa.Table.from_pylist(lines), path)
    assert [batch.num_rows for batch in RowFile.open(path).batches()] == [3, 3, 3, 1]


def test_all_row_groups_are_read_in_order(tmp_path: Path) -> None:
    pq.write_table(
        pa.Table.from_pylist([ROW | {"id": number} for number in range(700)]),
        tmp_path / "a.parquet",
        row_group_size=300,
    )
    assert [row["id"] for row in read(tmp_path / "a.parquet")] == [
        str(number) for number in range(700)
    ]


@given(
    st.lists(
        st.fixed_dictionaries(
            {"id": st.text(), "prompt": st.text(), "think": TEXT, "answer": TEXT}
        ),
        min_size=1,
        max_size=5,
    )
)
def test_every_writing_of_the_same_rows_reads_the_same(
    tmp_path_factory: pytest.TempPathFactory, written: list[dict[str, str]]
) -> None:
    clean = [
        {name: text.encode("utf-8", "replace").decode() for name, text in row.items()}
        for row in written
    ]
    lines = [
        {"id": row["id"], "prompt": row["prompt"], "completion": join(row["think"], row["answer"])}
        for row in clean
    ]
    folder = tmp_path_factory.mktemp("writings")
    (folder / "array.json").write_text(json.dumps(lines))
    pq.write_table(pa.Table.from_pylist(lines), folder / "table.parquet")
    pq.write_table(pa.Table.from_pylist(clean), folder / "fields.parquet")
    expected = [row | {"fault": ""} for row in clean]
    for path in (
        write(folder / "lines.jsonl", lines),
        *(folder / name for name in ("array.json", "table.parquet", "fields.parquet")),
    ):
        assert read(path) == expected
