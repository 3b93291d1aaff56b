from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray

from tasks import rows
from tasks.grounding.chunk import chunks, label
from tasks.grounding.ground import GroundingSpec, ground
from tasks.grounding.index import IndexSpec, PassageIndex
from tasks.inference import embedding
from tasks.inference.embedding import MINILM, Vectors, embed

RULES = """# Handbook

Some words before the first section stand here.

## Section 214. Late fees

The fee is 40 credits. A reply is due in 3 weeks.

2.1. The main archive
=====================

Every package of the archive must be free software in full.

§ 7 Oaths

An oath is signed by the applicant before the filing date.
"""


def cut(text: str, **settings: int) -> list[tuple[str, str, str]]:
    found = chunks(text, title="Title", **{"max_words": 40, "min_words": 3} | settings)
    return [(chunk.section, chunk.heading, text[chunk.start : chunk.end]) for chunk in found]


def test_passages_follow_the_sections_whatever_marks_them() -> None:
    assert cut(RULES) == [
        ("Handbook", "Handbook", "Some words before the first section stand here."),
        ("Section 214", "Late fees", "The fee is 40 credits. A reply is due in 3 weeks."),
        ("2.1", "The main archive", "Every package of the archive must be free software in full."),
        ("§ 7", "Oaths", "An oath is signed by the applicant before the filing date."),
    ]


@pytest.mark.parametrize(
    ("title", "expected"),
    [
        ("Section 214. Late fees", ("Section 214", "Late fees")),
        ("2143.03 All Claim Limitations", ("2143.03", "All Claim Limitations")),
        ("§ 112(a) Written description", ("§ 112(a)", "Written description")),
        ("Appendix B: Forms", ("Appendix B", "Forms")),
        ("Introduction", ("Introduction", "Introduction")),
        ("Abandonment of a claim", ("Abandonment of a claim", "Abandonment of a claim")),
    ],
)
def test_a_heading_is_cited_by_its_number_or_its_words(
    title: str, expected: tuple[str, str]
) -> None:
    assert label(title) == expected


PROSE = st.lists(
    st.sampled_from(["word", "Rule.", "claim", "\n\n", "\n", " ", "# Title\n", "Fee!", "é"]),
    max_size=120,
).map(" ".join)


@given(PROSE, st.integers(3, 30))
def test_passages_lie_in_order_within_the_limit_and_lose_no_word(text: str, max_words: int) -> None:
    found = list(chunks(text, title="T", max_words=max_words, min_words=1))
    assert all(0 < len(text[chunk.start : chunk.end].split()) <= max_words for chunk in found)
    assert all(before.end <= after.start for before, after in pairwise(found))
    kept = [word for chunk in found for word in text[chunk.start : chunk.end].split()]
    bare = [
        word
        for line in text.split("\n")
        if not line.lstrip(" ").startswith("#")
        for word in line.split()
    ]
    assert [word for word in bare if word not in kept] == []


def test_code_holds_no_headings_and_an_outline_number_needs_no_room_around_it() -> None:
    text = "# Intro\n\nRun it like this, please:\n\n```sh\n# not a heading at all\nmake all\n```\n\nPage 7\n2.1 The archive\nIt holds every package."
    assert [section for section, _, _ in cut(text)] == ["Intro", "2.1"]


def test_a_long_paragraph_is_cut_at_sentences() -> None:
    text = "The first sentence has six words. " * 10
    assert {passage.rstrip()[-1] for _, _, passage in cut(text, max_words=20)} == {"."}


def test_a_section_too_short_to_say_anything_is_left_out() -> None:
    assert cut("# A\n\nYes.\n\n# B\n\nThis one has words enough.") == [
        ("B", "B", "This one has words enough.")
    ]


def clustered(count: int, seed: int) -> Vectors:
    rng = np.random.default_rng(seed)
    centres = rng.normal(size=(64, 48))
    points = centres[rng.integers(64, size=count)] + 0.35 * rng.normal(size=(count, 48))
    unit: Vectors = (points / np.linalg.norm(points, axis=1, keepdims=True)).astype(np.float32)
    return unit


def recall(index: PassageIndex, vectors: Vectors, queries: Vectors) -> float:
    exact = np.argsort(-(queries @ vectors.T), axis=1)[:, :10]
    found, _ = index.search(queries, 10)
    return float(np.mean([len(set(a) & set(b)) / 10 for a, b in zip(exact, found, strict=True)]))


@pytest.mark.parametrize("exact_below", [0, 10**6], ids=["graph", "brute force"])
def test_recall_against_brute_force_and_after_a_load(tmp_path: Path, exact_below: int) -> None:
    vectors, queries = clustered(4000, seed=1), clustered(200, seed=2)
    spec = IndexSpec(exact_below=exact_below)
    index = PassageIndex.build(vectors, spec)
    index.save(tmp_path)
    loaded = PassageIndex.load(tmp_path, spec)
    assert recall(index, vectors, queries) >= 0.99
    assert recall(loaded, vectors, queries) >= 0.99
    assert (loaded.search(queries, 10)[0] == index.search(queries, 10)[0]).all()


def test_the_graph_is_built_the_same_twice(tmp_path: Path) -> None:
    vectors = clustered(2000, seed=3)
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        PassageIndex.build(vectors, IndexSpec(exact_below=0)).save(tmp_path / name)
    assert (tmp_path / "a" / "index.hnsw").read_bytes() == (
        tmp_path / "b" / "index.hnsw"
    ).read_bytes()


def test_real_embeddings_are_unit_vectors_that_know_what_is_alike_and_read_past_the_models_limit() -> (
    None
):
    filler = "The office opens at nine and closes at five on every working day of the week. " * 40
    vectors = embed(
        [
            "The fee for a late reply.",
            "What a tardy answer costs.",
            "A recipe for bread.",
            filler,
            filler + "Bread is baked. " * 60,
        ],
        MINILM,
    )
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)
    assert vectors[0] @ vectors[1] > vectors[0] @ vectors[2] + 0.2
    assert vectors[3] @ vectors[4] < 0.98


def test_grounding_gives_neighbours_and_rejects_what_says_nothing_new(tmp_path: Path) -> None:
    base = {"source": "s", "licence": "", "category": "general", "sha256": "0"}
    texts = [RULES, RULES.replace("40", "41"), "# Empty\n\nNo."]
    documents = rows.table_of(
        [
            base | {"document_id": f"d{n}", "title": "T", "text": text}
            for n, text in enumerate(texts)
        ],
        rows.DOCUMENTS,
    )
    made = ground(documents, GroundingSpec(neighbours=3))
    passages = made.parts["passages"].to_pylist()
    assert made.rejected["reason"].to_pylist() == ["duplicate_passage"] * 3 + ["no_passage"]
    assert all(
        row["text"] == texts[int(row["document_id"][1])][row["start"] : row["end"]]
        for row in passages
    )
    assert all(
        len(row["neighbours"]) == 3 and row["passage_id"] not in row["neighbours"]
        for row in passages
    )
    fees = [row for row in passages if row["section"] == "Section 214"]
    assert fees[0]["neighbours"][0] == fees[1]["passage_id"]


def sorted_neighbours(
    vectors: Vectors, queries: Vectors, k: int
) -> tuple[NDArray[np.int64], Vectors]:
    """The definition: every score rounded, and a stable sort of all of them."""
    scores = np.round(queries @ vectors.T, 6)
    order = np.argsort(-scores, axis=1, kind="stable")[:, :k]
    return order, np.take_along_axis(scores, order, axis=1)


@settings(deadline=None)
@given(
    arrays(np.float32, (12, 2), elements=st.sampled_from([0.0, 0.1, 0.25, 0.2500001, 1.0])),
    st.integers(1, 15),
)
def test_exact_search_finds_what_a_full_sort_finds_ties_too(vectors: Vectors, k: int) -> None:
    index = PassageIndex.build(vectors, IndexSpec())
    labels, scores = index.search(vectors, k)
    due_labels, due_scores = sorted_neighbours(vectors, vectors, k)
    assert labels.tolist() == due_labels.tolist()
    assert scores.tolist() == due_scores.tolist()


def test_the_graph_is_searched_the_same_by_one_thread_and_by_all() -> None:
    vectors = clustered(2000, seed=3)
    index = PassageIndex.build(vectors, IndexSpec(exact_below=0))
    labels, _ = index.search(vectors, 5)
    alone, _ = index._graph.knn_query(vectors, k=5, num_threads=1)
    assert (labels == alone).all()


def test_equal_texts_are_embedded_once_and_every_text_gets_its_own_vector(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    seen: list[str] = []
    real = embedding._embedded

    def counting(texts: list[str], model: str) -> Vectors:
        seen.extend(texts)
        return real(texts, model)

    monkeypatch.setattr(embedding, "_embedded", counting)
    texts = ["A late reply costs a fee.", "Bread.", "A late reply costs a fee.", "The office."]
    vectors = embed(texts, MINILM)
    assert sorted(seen) == sorted(set(texts))
    alone = np.concatenate([embed([text], MINILM) for text in texts])
    assert np.allclose(vectors, alone, atol=1e-5)
