"""The row journal: an answer is durable the moment it is finished, and a finished row is never
asked for again.
"""

import contextlib
import sqlite3
import time
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path

from tasks.errors import StoreUnreachable
from tasks.inference.engine import Completion

_TABLE = """CREATE TABLE IF NOT EXISTS completions (
    key TEXT PRIMARY KEY, text TEXT NOT NULL, finish_reason TEXT NOT NULL,
    prompt_tokens INTEGER NOT NULL, completion_tokens INTEGER NOT NULL, used INTEGER NOT NULL,
    parsed INTEGER NOT NULL)
    """
_LATER = {"used": "DEFAULT {today}", "parsed": "DEFAULT 0"}
"""Columns that a journal of an earlier version lacks. Its answers count as used on the day it is
first opened.
"""


class Journal:
    """One SQLite file in write-ahead mode; every answer is its own transaction, so kill -9 costs
    the rows in flight alone.

    Any thread may use it, one at a time.

    The key covers teacher, sampling, messages and seed, not the table being made: a recipe that
    keeps 95 % of its prompts asks for the other 5 %. Every answer carries the day it was last used.
    """

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        with _named(f"the journal {path} cannot be opened: {{}}"):
            self._db = sqlite3.connect(
                path, isolation_level=None, timeout=60, check_same_thread=False
            )
            self._db.execute("PRAGMA journal_mode=WAL")
            self._db.execute("PRAGMA synchronous=NORMAL")
            self._db.execute(_TABLE)
            known = {column[1] for column in self._db.execute("PRAGMA table_info(completions)")}
            for name, default in _LATER.items():
                if name not in known:
                    column = f"{name} INTEGER NOT NULL {default.format(today=today())}"
                    self._db.execute(f"ALTER TABLE completions ADD COLUMN {column}")

    def append(self, completion: Completion) -> None:
        """Keep an answer. A second answer to the same row is dropped: the first one stands."""
        row = (
            completion.key,
            completion.text,
            completion.finish_reason,
            completion.prompt_tokens,
            completion.completion_tokens,
            today(),
            completion.parsed,
        )
        with _named("an answer could not be kept: {}; free space, then run again"):
            self._db.execute("INSERT OR IGNORE INTO completions VALUES (?, ?, ?, ?, ?, ?, ?)", row)

    def finished(self, keys: Iterable[str]) -> set[str]:
        """Return those of the keys that have been answered; they count as used today."""
        keys, day = list(keys), today()
        # Used first, and then looked for: what is found here cannot be forgotten by another process
        # before it is read.
        with self._transaction(
            "what was used today could not be noted: {}; free space, then run again"
        ):
            self._db.executemany(
                "UPDATE completions SET used = ? WHERE key = ? AND used < ?",
                ((day, key, day) for key in keys),
            )
        query = "SELECT 1 FROM completions WHERE key = ?"
        return {key for key in keys if self._db.execute(query, (key,)).fetchone()}

    def read(self, key: str) -> Completion:
        """Return the answer to a finished row; KeyError for any other."""
        columns = "key, text, finish_reason, prompt_tokens, completion_tokens, parsed"
        query = f"SELECT {columns} FROM completions WHERE key = ?"
        row = self._db.execute(query, (key,)).fetchone()
        if row is None:
            raise KeyError(key)
        *said, parsed = row
        return replace(Completion(*said), parsed=bool(parsed))

    def forget(self, *, before: int, spared: Iterable[str]) -> int:
        """Remove the answers last used before this day (see `today`), but for the spared keys;
        return how many are left.
        """
        with self._transaction("old answers could not be removed: {}"):
            self._db.execute("CREATE TEMP TABLE spared (key TEXT PRIMARY KEY)")
            self._db.executemany(
                "INSERT OR IGNORE INTO spared VALUES (?)", ((key,) for key in spared)
            )
            self._db.execute(
                "DELETE FROM completions WHERE used < ? AND key NOT IN (SELECT key FROM spared)",
                (before,),
            )
            self._db.execute("DROP TABLE spared")
        return int(self._db.execute("SELECT count(*) FROM completions").fetchone()[0])

    def close(self) -> None:
        """Fold the write-ahead log into the file and close it."""
        self._db.close()

    @contextlib.contextmanager
    def _transaction(self, says: str) -> Iterator[None]:
        with _named(says):
            self._db.execute("BEGIN IMMEDIATE")
            try:
                yield
            except BaseException:
                self._db.execute("ROLLBACK")
                raise
            self._db.execute("COMMIT")


def today() -> int:
    """Return the day, counted from 1970-01-01 UTC."""
    return int(time.time() // 86_400)


@contextlib.contextmanager
def _named(says: str) -> Iterator[None]:
    """Raise StoreUnreachable, with this sentence about it, for whatever SQLite says."""
    try:
        yield
    except sqlite3.Error as exc:
        raise StoreUnreachable(says.format(exc)) from exc
