import base64
import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pydantic import ValidationError

from tasks.errors import BadRecipe, PlanOverdrawn, UnknownName
from tasks.sources.collect import content_digest, documents, questions
from tasks.sources.spec import DocumentSource, DocumentSpec, QuestionSource, QuestionSpec
from tasks.store import Made
from tests.support.hostile import pdf as pdf_of


def read(folder: Path, **settings: object) -> Made:
    source = DocumentSource(path=str(folder), **settings)  # type: ignore[arg-type]
    return documents(DocumentSpec(sources=(source,), max_bytes=10_000))


def reasons(made: Made) -> dict[str, str]:
    return dict(
        zip(
            (Path(name).name for name in made.rejected["row_id"].to_pylist()),
            made.rejected["reason"].to_pylist(),
            strict=True,
        )
    )


def texts(made: Made) -> list[str]:
    return made.parts[next(iter(made.parts))]["text"].to_pylist()  # type: ignore[no-any-return]


def pdf(words: str) -> bytes:
    """Return a one-page PDF that shows the words."""
    return pdf_of(f"BT /F1 12 Tf 72 720 Td ({words}) Tj ET".encode())


LOCKED = base64.b85decode(
    "B~V00Eio=L3MJy>&(jJqATS_rVrmLJJPI#Ra&KgHV`Xw6JUC@GFk&(`I5cKH3O+sxWo~3|VrmL9ATS_rVrmLJJPI#Vd2nSQFHm7;WpfHILvM9%bRaPbFH31;b0AwFG$1e_"
    "QXpLlK0XR%Ze(v_Y6>$TFd%PYY6?6&3NKW7aAhDbLt%7bY;R`@FHm7;Wpf}hATS_O3O+sxWo~3|VrmLBATS_rVrmLJJPI#Vd2nSQFHm7;WeP7+Wpi(Ja${w4AUr$@K0XRB"
    "O=V<hVM1?sAX^|XE-)Z4E-)ZBG9WiHAYBSCP+@XqZge0rATS_O3O+sxWo~3|VrmLCATS_rVrmLJJPI#XATbIrQXn!4FHB`_XLM*FG%yM;P#`oiIW##oH!?Xg3NJ=!Y;<LE"
    "ATLvNVQyq$a%2iGPar&HHDNepGB!9jVq`gFFk@zBIW#t6H(_HnHD)z2FgP(}V`ea9F)=nZH8f*1VrFAvFkv-iG&DA5HaTTsG&o^C3NKY4JTx^kWH>QmV>xAGF=1geHeoS0"
    "VliZ5Hf1+5WnnpFWHmKrG-EI}IAvpHW-~KmW;irBIWaM1GGb#lI5aS3F+K`DJ_==SWN%_>3V3p5W(qJMHVQB>FfcGMFfcGMAT~8MGc_P)APO)rFfcGMFfcJSATTg6Ffbr)"
    "APO)rFfcGMFfcVaATTg6Ffbr)APO)rFfcGMFflPWATTg6Ffbr)APO)rFfcGMFfleaATTg6Ffbr)APO)rFfcGMFfuhcATTg6Ffbr)APRJHVQFk-atb^=3NKS>dSxIs3NKP`"
    "Z*(9tATS_O3NJ}+W^W)dATS_O3NJ}SAX^|jI5szBHZo!~WMeZnG&f~7Ic7LDFf(B}HZnIcGGaD3J|H|eHaBH9GGa7jV>321H)S?CW;iu4GhsP4GB+_YVm3HFAYBSCMQ&qq"
    "d2n<fH6Sn`QVKpk3UhQ}a&&ldWo8OAH!}()B}Gq03I"
)
"""An empty page behind a password."""


def test_text_markdown_html_and_pdf_become_documents(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("A rule\n\nThe fee is 40 credits.")
    (tmp_path / "b.md").write_text(
        "---\ntitle: Fees\nlicence: CC0-1.0\n---\n# Ignored\n\nThe fee is 50 credits."
    )
    (tmp_path / "c.html").write_text(
        "<title>T</title><nav>menu</nav><h2>Section 3. Oaths</h2><p>An oath is signed.</p><script>alert(1)</script>"
    )
    (tmp_path / "d.pdf").write_bytes(pdf("The fee is 60 credits."))
    made = read(tmp_path, licence="Apache-2.0")
    table = made.parts["documents"].to_pylist()
    assert [row["title"] for row in table] == ["A rule", "Fees", "T", "d"]
    assert [row["licence"] for row in table] == [
        "Apache-2.0",
        "CC0-1.0",
        "Apache-2.0",
        "Apache-2.0",
    ]
    assert "## Section 3. Oaths" in table[2]["text"]
    assert not any(word in table[2]["text"] for word in ("menu", "alert"))
    assert "60 credits" in table[3]["text"]
    assert reasons(made) == {"c.html": "navigation"}


def test_every_file_that_cannot_be_read_is_a_row_with_a_reason(tmp_path: Path) -> None:
    bad = {
        "empty.txt": b"",
        "blank.txt": b" \n\n ",
        "binary.txt": b"ab\0cd",
        "latin.txt": "café".encode("latin-1"),
        "broken.pdf": b"%PDF-1.4 nothing",
        "locked.pdf": LOCKED,
        "huge.md": b"x" * 10_001,
        "picture.png": b"\x89PNG",
        "bare": b"text",
        "torn.parquet": b"PAR1 torn",
    }
    for name, content in bad.items():
        (tmp_path / name).write_bytes(content)
    (tmp_path / "gone.txt").symlink_to(tmp_path / "nowhere")
    (tmp_path / "good.txt").write_text("One good file among the bad ones.")
    made = read(tmp_path)
    assert reasons(made) == {
        "empty.txt": "empty_file",
        "blank.txt": "empty_text",
        "binary.txt": "binary_file",
        "latin.txt": "bad_encoding",
        "broken.pdf": "broken_pdf",
        "locked.pdf": "encrypted_file",
        "huge.md": "too_large",
        "picture.png": "unsupported_type",
        "bare": "unsupported_type",
        "torn.parquet": "broken_parquet",
        "gone.txt": "unreadable_file",
    }
    assert texts(made) == ["One good file among the bad ones."]
    assert made.rows_in == 12


def test_a_pdf_that_unpacks_to_more_than_the_limit_is_refused(tmp_path: Path) -> None:
    (tmp_path / "bomb.pdf").write_bytes(pdf("word " * 1900))
    source = DocumentSource(path=str(tmp_path))
    assert (
        reasons(documents(DocumentSpec(sources=(source,), max_bytes=9_800)))["bomb.pdf"]
        == "too_large"
    )


def test_each_json_line_is_a_document_or_a_reason(tmp_path: Path) -> None:
    lines = [
        json.dumps({"text": "first"}),
        "[1]",
        '{"text": "tor',
        json.dumps({"other": 1}),
        "",
        json.dumps({"text": "first"}),
    ]
    (tmp_path / "rows.jsonl").write_text("\n".join(lines))
    made = read(tmp_path)
    assert reasons(made) == {
        "rows.jsonl#2": "bad_json",
        "rows.jsonl#3": "bad_json",
        "rows.jsonl#4": "missing_text",
        "rows.jsonl#6": "duplicate_document",
    }


def test_bigpatent_and_patentmatch_columns_are_mapped_by_the_recipe(tmp_path: Path) -> None:
    pq.write_table(
        pa.table({"description": ["A pump moves water."], "abstract": ["A pump."]}),
        tmp_path / "bigpatent.parquet",
    )
    (tmp_path / "patentmatch.tsv").write_text(
        'claim_id\ttext\ttext_b\tlabel\nEP1\t"A ""valve"" claimed."\tA valve shown.\t1\nEP2\tlost\n'
    )
    sources = (
        DocumentSource(
            path=str(tmp_path / "bigpatent.parquet"),
            text=("abstract", "description"),
            licence="CC-BY-4.0",
        ),
        DocumentSource(
            path=str(tmp_path / "patentmatch.tsv"),
            text=("text", "text_b"),
            labels=("Claim:", "Prior art:"),
            untitled="Pair",
            category="pairs",
        ),
    )
    made = documents(DocumentSpec(sources=sources))
    assert texts(made) == [
        "A pump.\n\nA pump moves water.",
        'Claim: A "valve" claimed.\n\nPrior art: A valve shown.',
    ]
    assert made.parts["documents"]["title"].to_pylist() == ["bigpatent.parquet#1", "Pair 1"]
    assert made.parts["documents"]["category"].to_pylist() == ["general", "pairs"]
    assert reasons(made) == {"patentmatch.tsv#2": "missing_text"}


def test_labels_are_one_a_column() -> None:
    with pytest.raises(ValidationError, match="1 labels for 2 columns"):
        DocumentSource(path="x.tsv", text=("text", "text_b"), labels=("Claim:",))


@pytest.mark.parametrize(
    ("content", "reason"),
    [(b"a\tb\n1\t\xff\n", "bad_encoding"), (b'text\n"' + b"x" * 17 * 2**20, "bad_table")],
    ids=["latin", "giant"],
)
def test_a_broken_table_of_text_is_a_row_with_a_reason(
    tmp_path: Path, content: bytes, reason: str
) -> None:
    (tmp_path / "rows.tsv").write_bytes(content)
    assert (
        reason
        in reasons(documents(DocumentSpec(sources=(DocumentSource(path=str(tmp_path)),)))).values()
    )


def test_the_built_in_probes_are_twenty_questions() -> None:
    names = ("contest_mathematics", "patent_irac", "patent_strategy")
    asked = questions(
        QuestionSpec(
            sources=tuple(QuestionSource(path=f"builtin:{name}", category=name) for name in names)
        )
    )
    assert (
        asked.parts["questions"]["category"].to_pylist()
        == ["contest_mathematics"] * 10 + ["patent_irac"] * 5 + ["patent_strategy"] * 5
    )
    assert asked.rejected.num_rows == 0


def test_a_data_set_opens_through_the_datasets_library(tmp_path: Path) -> None:
    pq.write_table(
        pa.table({"description": ["A pump moves water.", None, "A valve."]}),
        tmp_path / "train.parquet",
    )
    source = DocumentSource(path=f"hub:{tmp_path}", text=("description",), title="publication")
    made = documents(DocumentSpec(sources=(source,)))
    assert texts(made) == ["A pump moves water.", "A valve."]
    assert made.rejected["reason"].to_pylist() == ["missing_text"]


def test_a_data_set_that_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(BadRecipe, match="cannot be opened"):
        documents(DocumentSpec(sources=(DocumentSource(path=f"hub:{tmp_path}"),)))


def test_document_ids_do_not_depend_on_where_the_folder_lies(tmp_path: Path) -> None:
    for root in ("a", "b"):
        (tmp_path / root / "book").mkdir(parents=True)
        (tmp_path / root / "book" / "x.txt").write_text("The same text.")
    ids = [
        read(tmp_path / root / "book").parts["documents"]["document_id"].to_pylist()
        for root in ("a", "b")
    ]
    assert ids[0] == ids[1]


def test_changed_bytes_change_the_digest_of_the_sources(tmp_path: Path) -> None:
    sources = (DocumentSource(path=str(tmp_path)),)
    (tmp_path / "x.txt").write_text("one")
    before = content_digest(sources)
    (tmp_path / "x.txt").write_text("two")
    assert content_digest(sources) != before


def test_a_source_that_is_not_there_names_what_would_do() -> None:
    with pytest.raises(BadRecipe, match="builtin:handbook"):
        documents(DocumentSpec(sources=(DocumentSource(path="no/such/folder"),)))
    with pytest.raises(UnknownName, match="builtin:handbook"):
        documents(DocumentSpec(sources=(DocumentSource(path="builtin:bible"),)))


def test_the_built_in_handbook_has_licence_and_no_fault() -> None:
    made = documents(DocumentSpec())
    assert made.rejected.num_rows == 0
    assert set(made.parts["documents"]["licence"].to_pylist()) == {"Apache-2.0"}


def test_problems_are_drawn_once_each_and_some_are_held_out() -> None:
    table = questions(QuestionSpec(problems={"addition": 60}, held_out_share=0.3)).parts[
        "questions"
    ]
    assert len(set(table["text"].to_pylist())) == table.num_rows
    assert 5 < table["split"].to_pylist().count("held_out") < 35
    assert all(accepted for accepted in table["accepted"].to_pylist())


def test_a_family_of_problems_is_not_overdrawn() -> None:
    with pytest.raises(PlanOverdrawn, match="the family has only"):
        questions(QuestionSpec(problems={"addition": 10**12}))
    with pytest.raises(UnknownName, match="addition"):
        questions(QuestionSpec(problems={"alchemy": 1}))


def test_questions_of_a_file_keep_their_answers(tmp_path: Path) -> None:
    lines = [
        {"question": "2 + 2?", "answer": ["4", "four"]},
        {"question": "Why?"},
        {"answer": "lost"},
    ]
    (tmp_path / "bench.jsonl").write_text("\n".join(map(json.dumps, lines)))
    made = questions(
        QuestionSpec(
            sources=(
                QuestionSource(path=str(tmp_path / "bench.jsonl"), category="bench", held_out=True),
            )
        )
    )
    assert made.parts["questions"]["accepted"].to_pylist() == [["4", "four"], []]
    assert set(made.parts["questions"]["split"].to_pylist()) == {"held_out"}
    assert made.rejected["reason"].to_pylist() == ["missing_question"]
