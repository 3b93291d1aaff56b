"""Small stand-ins for what the patent recipes read: files of the same kinds and columns, with words
of no meaning.
"""

import csv
import json
from pathlib import Path
from random import Random

import pyarrow as pa
import pyarrow.parquet as pq

from flows.recipes.corpus import Recipe

SYLLABLES = (
    "ba",
    "cor",
    "den",
    "fil",
    "gan",
    "hel",
    "kor",
    "lim",
    "mar",
    "nol",
    "per",
    "ros",
    "sil",
    "tan",
    "vel",
    "zon",
)


def prose(number: int, words: int = 40) -> str:
    """Return a text that shares few words with that of any other number."""
    drawn = Random(number)
    return f"The {' '.join(''.join(drawn.choices(SYLLABLES, k=3)) for _ in range(words))}."


def write_manual(folder: Path, sections: int) -> None:
    """Write pages as the MPEP's: a heading with number, title and revision, paragraphs below."""
    folder.mkdir(parents=True)
    for number in range(sections):
        page = f"<title>MPEP</title><h1>{2100 + number // 9}.{number % 9 + 1:02} {prose(number, 3)[4:-1].capitalize()} [R-10.2019]</h1><p>{prose(number)}</p>"
        (folder / f"s{number}.html").write_text(page)


def write_pairs(path: Path, rows: int) -> None:
    """Write claims and cited paragraphs with PatentMatch's columns."""
    path.parent.mkdir(parents=True)
    names = [
        "claim_id",
        "patent_application_id",
        "cited_document_id",
        "text",
        "text_b",
        "label",
        "date",
    ]
    with path.open("w", newline="") as file:
        table = csv.writer(file, delimiter="\t")
        table.writerow(names)
        for n in range(rows):
            claim, cited = prose(10_000 + n, 25), prose(50_000 + n, 25)
            table.writerow(
                [f"EP{n}_1", f"EP{n}A1", f"EP{n + 7}A2", claim, cited, n % 2, "2013-05-01"]
            )


def stand_ins(recipe: Recipe, folder: Path, *, sections: int, rows: int) -> Recipe:
    """Return the recipe with every source that lies on the hub or in corpora/ at a stand-in below
    folder.
    """
    write_manual(folder / "corpora/mpep", sections)
    write_pairs(folder / "corpora/patentmatch/train.tsv", rows)
    (folder / "corpora/bench.jsonl").write_text(
        json.dumps({"question": prose(90_000), "answer": "B"})
    )
    sources = []
    for source in recipe.documents.sources:
        path = folder / source.path
        if source.path.startswith("hub:"):
            path = folder / f"big_patent_{source.config}.parquet"
            first = 1_000_000 * ord(source.config)
            table = {
                name: [prose(first + n) for n in range(rows)]
                for name in ("description", "abstract")
            }
            pq.write_table(pa.table(table), path)
        sources.append(source.model_copy(update={"path": str(path), "config": ""}))
    bench = recipe.questions.sources[0].model_copy(
        update={"path": str(folder / "corpora/bench.jsonl")}
    )
    return recipe.model_copy(
        update={
            "documents": recipe.documents.model_copy(update={"sources": tuple(sources)}),
            "questions": recipe.questions.model_copy(update={"sources": (bench,)}),
        }
    )
