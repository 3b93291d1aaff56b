"""A stage that is killed while it embeds goes on where it was."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from flows.prune import prune
from tasks import rows
from tasks.grounding.ground import GroundingSpec
from tasks.grounding.task import ground_passages
from tasks.inference import embedding
from tasks.inference.embedding import MINILM, VECTORS, embed
from tasks.spec import Spec
from tasks.store import SCRATCH, Key, Made, find, publish

SHARDS = 5
WORK = """
import sys
from pathlib import Path
from tasks.grounding.ground import GroundingSpec
from tasks.grounding.task import ground_passages
from tasks.spec import Spec
from tasks.store import Key, find
root = Path(sys.argv[1])
documents = find(root, Key("documents", 1, Spec(), {}))
ground_passages.fn(documents, GroundingSpec(), root)
"""


def write_documents(root: Path) -> None:
    sections = "\n\n".join(
        f"## Section {number}. Matter of kind {number}\n\nWhoever brings such a matter pays the "
        f"office {number * 7} credits. The clerk enters it and tells the parties what is due next."
        for number in range(SHARDS * embedding.SHARD_TEXTS)
    )
    one = {
        "document_id": "d", "title": "T", "text": sections, "source": "s", "licence": "",
        "category": "general", "sha256": "0",
    }  # fmt: skip
    made = rows.table_of([one], rows.DOCUMENTS)
    publish(
        root,
        Key("documents", 1, Spec(), {}),
        Made({"documents": made}, rows.DOCUMENTS, rows.rejected([]), rows_in=1),
    )


@pytest.mark.slow
def test_a_killed_stage_embeds_only_what_it_had_not_and_ends_with_the_same_table(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    killed, whole = tmp_path / "killed", tmp_path / "whole"
    for root in (killed, whole):
        write_documents(root)
    work = subprocess.Popen([sys.executable, "-c", WORK, str(killed)])
    while len(kept := list((killed / SCRATCH).glob("passages-*/*.npy"))) < 2:
        assert work.poll() is None, "it ended before it could be killed"
        time.sleep(0.01)
    work.send_signal(signal.SIGKILL)
    work.wait()
    before = {path: path.stat().st_mtime_ns for path in kept}
    assert len(before) < SHARDS and not list(killed.glob("passages/*"))

    asked: list[int] = []
    real = embedding._embedded

    def counting(texts: list[str], model: str) -> embedding.Vectors:
        asked.append(len(texts))
        return real(texts, model)

    documents = find(killed, Key("documents", 1, Spec(), {}))
    assert documents is not None
    monkeypatch.setattr(embedding, "_embedded", counting)
    again = ground_passages.fn(documents, GroundingSpec(), killed)
    monkeypatch.undo()
    assert sum(asked) == again.rows - len(before) * embedding.SHARD_TEXTS

    documents = find(whole, Key("documents", 1, Spec(), {}))
    assert documents is not None
    straight = ground_passages.fn(documents, GroundingSpec(), whole)
    assert again.digest == straight.digest
    # The last bit may depend on the threads of the process that embedded a text.
    vectors = [np.load(table.path / VECTORS) for table in (again, straight)]
    assert np.allclose(vectors[0], vectors[1], rtol=0, atol=1e-6)
    assert not list((killed / SCRATCH).glob("*")), "nothing is kept of a finished table"


def test_a_shard_that_was_cut_is_embedded_again(tmp_path: Path) -> None:
    vectors = embed(["The fee.", "A term."], MINILM, scratch=tmp_path)
    (shard,) = tmp_path.glob("*.npy")
    shard.write_bytes(shard.read_bytes()[:100])
    assert np.array_equal(embed(["The fee.", "A term."], MINILM, scratch=tmp_path), vectors)
    assert [path.name for path in tmp_path.iterdir()] == [shard.name]


def test_scratch_that_nobody_went_on_with_is_pruned(tmp_path: Path) -> None:
    (tmp_path / "builds").mkdir()
    for name, days in (("passages-old", 40), ("passages-new", 1)):
        folder = tmp_path / SCRATCH / name
        folder.mkdir(parents=True)
        (folder / "x.npy").write_bytes(b"x")
        then = time.time() - days * 86_400
        os.utime(folder, (then, then))
    prune(tmp_path, days=30)
    assert [path.name for path in (tmp_path / SCRATCH).iterdir()] == ["passages-new"]
