"""The only place that scores texts: log-probabilities of given texts under a model, and top-k."""

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path

import numpy as np
import pyarrow as pa

from tasks import rows
from tasks.errors import StoreUnreachable
from tasks.inference.complete import ask_all
from tasks.inference.engine import EnginePlacement, TeacherSpec
from tasks.inference.models import identity
from tasks.inference.scoring import Scored, Scorer, Text
from tasks.inference.warm import WARM
from tasks.progress import Progress
from tasks.spec import canonical, digest
from tasks.store import Made

SCORING_VERSION = 1
"""Version of the scores. Raising it makes every text be scored again."""
BOOKS = "scores"
"""Folder below the journals' folder with one file of scores per model."""


def scorer_digest(teacher: TeacherSpec) -> str:
    """Return the identity of a model's scores: a digest of weights, engine and SCORING_VERSION."""
    settings = teacher.model_dump(
        mode="json", include={"engine", "model", "revision", "tokenizer", "max_model_len"}
    )
    weights = identity(teacher.model, teacher.revision)
    return digest(str(SCORING_VERSION), canonical(settings), weights)


def score(
    texts: Sequence[Text],
    teacher: TeacherSpec,
    *,
    placement: EnginePlacement,
    folder: Path,
    progress: Progress,
) -> list[Scored]:
    """Return the scores of texts, in the order of the texts; each is saved when it is known.

    Only texts that the folder lacks are scored; no engine starts if there are none. On a CPU the
    engine computes in float32, so batches change a text's scores by at most 1e-4 nats; the first
    scores are kept. Raises BadRecipe if the model cannot score.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with closing(_ScoreFile(folder / f"{scorer_digest(teacher)}.sqlite")) as kept:
        due = {_digest(text): text for text in texts}
        pending = [text._replace(key=key) for key, text in due.items() if not kept.holds(key)]
        if pending:
            done = len(due) - len(pending)

            def keep(one: Scored) -> None:
                nonlocal done
                kept.append(one)
                done += 1
                progress(done=done, total=len(due))

            async def work(scorer: Scorer) -> None:
                window = placement.window * placement.replicas
                await ask_all(pending, scorer, window=window, keep=keep)

            WARM.score(teacher, placement, work)
        return [kept.read(_digest(text), text) for text in texts]


def scores_table(
    texts: Sequence[Text],
    teacher: TeacherSpec,
    *,
    placement: EnginePlacement,
    folder: Path,
    progress: Progress,
) -> Made:
    """Return the scores of texts as SCORES; a text without scores is rejected with its fault."""
    found = score(texts, teacher, placement=placement, folder=folder, progress=progress)
    kept = [(text, one) for text, one in zip(texts, found, strict=True) if not one.fault]
    table = pa.table(
        {
            "text_id": [text.key for text, _ in kept],
            "model": [teacher.model for _ in kept],
            "prompt_tokens": pa.array([one.prompt_tokens for _, one in kept], pa.int32()),
            "ids": _lists([one.ids for _, one in kept], pa.int32()),
            "ends": _lists([one.ends for _, one in kept], pa.int32()),
            "nats": _lists([one.nats for _, one in kept], pa.float32()),
            "top": pa.array([text.top for text, _ in kept], pa.int32()),
            "top_ids": _lists([one.top_ids.ravel() for _, one in kept], pa.int32()),
            "top_nats": _lists([one.top_nats.ravel() for _, one in kept], pa.float32()),
        },
        schema=rows.SCORES,
    )
    faults = rows.rejected((one.key, one.fault, "") for one in found if one.fault)
    made = {"scores": rows.conform(table, rows.SCORES)}
    return Made(made, rows.SCORES, faults, rows_in=len(texts), may_be_empty=True)


def _lists(arrays: Iterable[np.ndarray], item: pa.DataType) -> pa.Array:
    kind = pa.list_(pa.field("item", item, nullable=False))
    return pa.array(list(arrays), kind)


def _digest(text: Text) -> str:
    messages = canonical([dict(message) for message in text.messages])
    return digest(messages, text.prompt, text.text, str(text.top))


class _ScoreFile:
    """Scores by the digest of their text, in one SQLite file.

    Any thread may use it, one at a time.
    """

    def __init__(self, path: Path) -> None:
        with _store_faults(f"the scores {path} cannot be opened: {{}}"):
            self._db = sqlite3.connect(
                path, isolation_level=None, timeout=60, check_same_thread=False
            )
            self._db.execute("PRAGMA journal_mode=WAL")
            self._db.execute("PRAGMA synchronous=NORMAL")
            self._db.execute(
                "CREATE TABLE IF NOT EXISTS scores (key TEXT PRIMARY KEY, prompt_tokens INTEGER, "
                "fault TEXT, ids BLOB, ends BLOB, nats BLOB, top_ids BLOB, top_nats BLOB)"
            )

    def append(self, one: Scored) -> None:
        arrays = (one.ids, one.ends, one.nats, one.top_ids, one.top_nats)
        row = (one.key, one.prompt_tokens, one.fault, *(array.tobytes() for array in arrays))
        with _store_faults("scores could not be saved: {}; free space, then run again"):
            self._db.execute("INSERT OR IGNORE INTO scores VALUES (?, ?, ?, ?, ?, ?, ?, ?)", row)

    def holds(self, key: str) -> bool:
        found = self._db.execute("SELECT 1 FROM scores WHERE key = ?", (key,)).fetchone()
        return found is not None

    def read(self, key: str, text: Text) -> Scored:
        """Return the saved scores of a text; key: its digest."""
        query = "SELECT prompt_tokens, fault, ids, ends, nats, top_ids, top_nats FROM scores"
        row = self._db.execute(f"{query} WHERE key = ?", (key,)).fetchone()
        prompt_tokens, fault, *blobs = row
        ids, ends, top_ids = (np.frombuffer(blobs[place], np.int32) for place in (0, 1, 3))
        nats, top_nats = (np.frombuffer(blobs[place], np.float32) for place in (2, 4))
        shape = (len(ids), text.top)
        return Scored(
            key=text.key,
            prompt_tokens=prompt_tokens,
            ids=ids,
            ends=ends,
            nats=nats,
            top_ids=top_ids.reshape(shape),
            top_nats=top_nats.reshape(shape),
            fault=fault,
        )

    def close(self) -> None:
        self._db.close()


@contextmanager
def _store_faults(message: str) -> Iterator[None]:
    """Raise StoreUnreachable for an error of SQLite. message: with {} for SQLite's own words."""
    try:
        yield
    except sqlite3.Error as exc:
        raise StoreUnreachable(message.format(exc)) from exc
