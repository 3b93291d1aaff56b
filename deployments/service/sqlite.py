"""How the server's SQLite file is written to: one writer after the other, each in its turn, instead
of a refusal.

Prefect begins every transaction DEFERRED. One that reads first and writes then is refused at once
("database is locked") when another has written in between
(https://www.sqlite.org/lang_transaction.html, §2.2), and the API answers 503; the worker, which
asks every second, does exactly that. And those that wait for the lock hold every connection of a
pool of fifteen, while the one that has it may need a second.
"""

from typing import Any

import sqlalchemy

NAME = "tracemill"


class InTurn(sqlalchemy.CreateEnginePlugin):
    """SQLAlchemy's plugin `tracemill`: a transaction takes the lock when it begins, and the pool
    has no end.

    Used by an address that names it: sqlite+aiosqlite:////path/prefect.db?plugin=tracemill
    """

    def update_url(self, url: sqlalchemy.URL) -> sqlalchemy.URL:
        """Return the address without the plugin's name."""
        return url.difference_update_query(["plugin"])

    def handle_dialect_kwargs(self, dialect_cls: Any, dialect_args: dict[str, Any]) -> None:
        """Leave the dialect as it is."""

    def handle_pool_kwargs(self, pool_cls: Any, pool_args: dict[str, Any]) -> None:
        """Let a connection be opened whenever one is needed."""
        pool_args["max_overflow"] = -1

    def engine_created(self, engine: sqlalchemy.Engine) -> None:
        """Have every transaction begin IMMEDIATE."""
        sqlalchemy.event.listen(engine, "before_cursor_execute", _at_once, retval=True)


def _at_once(
    _conn: Any, _cursor: Any, statement: str, parameters: Any, _context: Any, _many: bool
) -> tuple[str, Any]:
    return "BEGIN IMMEDIATE" if statement == "BEGIN DEFERRED" else statement, parameters
