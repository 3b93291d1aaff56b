"""An SQLAlchemy plugin that makes writers of the server's SQLite file wait instead of fail.

Prefect begins every transaction as DEFERRED. If such a transaction reads first and writes later,
and another one has written in between, SQLite refuses it at once with "database is locked"
(https://www.sqlite.org/lang_transaction.html, §2.2), and the API answers 503. The worker's
request of every second is such a transaction. Moreover, transactions that wait for the lock can
hold all fifteen connections of the pool, while the one with the lock needs another connection.
"""

from typing import Any

import sqlalchemy

NAME = "tracemill"


class InTurn(sqlalchemy.CreateEnginePlugin):
    """The SQLAlchemy plugin `tracemill`: transactions lock when they begin; the pool has no limit.

    An address of a database turns it on: sqlite+aiosqlite:////path/prefect.db?plugin=tracemill
    """

    def update_url(self, url: sqlalchemy.URL) -> sqlalchemy.URL:
        """Return the address without the plugin's name."""
        return url.difference_update_query(["plugin"])

    def handle_dialect_kwargs(self, dialect_cls: Any, dialect_args: dict[str, Any]) -> None:
        """Do nothing; SQLAlchemy requires this method."""

    def handle_pool_kwargs(self, pool_cls: Any, pool_args: dict[str, Any]) -> None:
        """Remove the limit of connections."""
        pool_args["max_overflow"] = -1

    def engine_created(self, engine: sqlalchemy.Engine) -> None:
        """Make every transaction begin as IMMEDIATE."""
        sqlalchemy.event.listen(engine, "before_cursor_execute", _begin_immediate, retval=True)


def _begin_immediate(
    _conn: Any, _cursor: Any, statement: str, parameters: Any, _context: Any, _many: bool
) -> tuple[str, Any]:
    return "BEGIN IMMEDIATE" if statement == "BEGIN DEFERRED" else statement, parameters
