"""The journal of answers: a finished answer is on disk and is never requested again."""

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
"""Columns that journals of earlier versions lack. Their answers count as used on the day on which
this version first opens the journal.
"""


class Journal:
    """Answers by the key of their request, in one SQLite file in write-ahead mode.

    Every answer is a transaction, so a killed process loses only the requests in flight. Any
    thread may use it, one at a time. A key covers teacher, sampling, messages and seed, but not the
    table: a changed recipe that keeps 95 % of its prompts requests only the other 5 %. Every answer
    has the day of its last use. Raises StoreUnreachable if SQLite fails.
    """

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        with _store_faults(f"the journal {path} cannot be opened: {{}}"):
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
        """Save an answer. If the key already has an answer, that one stays."""
        row = (
            completion.key,
            completion.text,
            completion.finish_reason,
            completion.prompt_tokens,
            completion.completion_tokens,
            today(),
            completion.parsed,
        )
        with _store_faults("an answer could not be saved: {}; free space, then run again"):
            self._db.execute("INSERT OR IGNORE INTO completions VALUES (?, ?, ?, ?, ?, ?, ?)", row)

    def finished(self, keys: Iterable[str]) -> set[str]:
        """Return the keys that have an answer; these answers count as used today."""
        keys, day = list(keys), today()
        # The use is recorded before the search: another process then cannot remove an answer
        # between the search and its reading.
        with self._transaction("the day of use could not be saved: {}; free space, then run again"):
            self._db.executemany(
                "UPDATE completions SET used = ? WHERE key = ? AND used < ?",
                ((day, key, day) for key in keys),
            )
        query = "SELECT 1 FROM completions WHERE key = ?"
        return {key for key in keys if self._db.execute(query, (key,)).fetchone()}

    def read(self, key: str) -> Completion:
        """Return the answer of a key; KeyError if there is none."""
        columns = "key, text, finish_reason, prompt_tokens, completion_tokens, parsed"
        query = f"SELECT {columns} FROM completions WHERE key = ?"
        row = self._db.execute(query, (key,)).fetchone()
        if row is None:
            raise KeyError(key)
        *values, parsed = row
        return replace(Completion(*values), parsed=bool(parsed))

    def forget(self, *, before: int, spared: Iterable[str]) -> int:
        """Remove answers that were last used before a day; return how many answers are left.

        before: a day as `today` counts them. spared: keys whose answers stay.
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
        """Close the file; SQLite merges the write-ahead log into it."""
        self._db.close()

    @contextlib.contextmanager
    def _transaction(self, message: str) -> Iterator[None]:
        with _store_faults(message):
            self._db.execute("BEGIN IMMEDIATE")
            try:
                yield
            except BaseException:
                self._db.execute("ROLLBACK")
                raise
            self._db.execute("COMMIT")


def today() -> int:
    """Return the number of days since 1970-01-01, UTC."""
    return int(time.time() // 86_400)


@contextlib.contextmanager
def _store_faults(message: str) -> Iterator[None]:
    """Raise StoreUnreachable for an error of SQLite. message: with {} for SQLite's own words."""
    try:
        yield
    except sqlite3.Error as exc:
        raise StoreUnreachable(message.format(exc)) from exc
