"""Where the local Prefect lives: one folder, and one file of settings that server, worker, systemd
and shells read alike.
"""

import os
import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from tasks.errors import BadSetting

SETTINGS, LOGS = "env", "logs"
POOL, WORKER = "spark", "mill"
MARK = "TRACEMILL_HOME"
"""Set in the environment of everything that is started here, so that everything can be found again.
"""
MOST_RUNS = 3
"""Times a run that crashed is begun, the first included, before it stays crashed."""
SILENT_SECONDS = 90
SILENT = "Silent"
"""Name of the crashed state of a run that gave no sign of life."""
DATABASE = "PREFECT_SERVER_DATABASE_CONNECTION_URL"
IN_TURN = "plugin=tracemill"
"""Ends the address of an SQLite file whose writers shall take turns: see `sqlite.py`."""
DAYS = 86_400
RETENTION_DAYS = {"runs": 30, "events": 7}


class Home(NamedTuple):
    """The folder of the local Prefect. All of it is private to its owner."""

    folder: Path

    @property
    def settings_file(self) -> Path:
        """KEY=value lines: systemd's EnvironmentFile, and `set -a; . env` of a shell."""
        return self.folder / SETTINGS

    @property
    def logs(self) -> Path:
        """Folder of what server, worker and reports say."""
        return self.folder / LOGS

    def settings(self) -> dict[str, str]:
        """Return what the file holds; nothing when there is none."""
        if not self.settings_file.exists():
            return {}
        lines = self.settings_file.read_text(encoding="utf-8").splitlines()
        return dict(
            line.split("=", 1) for line in lines if "=" in line and not line.startswith("#")
        )

    def write(self, *, port: int, root: Path, database: str) -> dict[str, str]:
        """Write the settings, keeping the password there was, and return them.

        database: an SQLAlchemy address (postgresql+asyncpg://…); SQLite below the folder when
        empty.
        """
        for folder in (self.folder, self.logs):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        secret = (
            self.settings().get("PREFECT_API_AUTH_STRING") or f"admin:{secrets.token_urlsafe(24)}"
        )
        found = _settings(self.folder, port=port, root=root, database=database, secret=secret)
        draft = self.settings_file.with_name(f".{SETTINGS}.{os.getpid()}")
        with os.fdopen(
            os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8"
        ) as file:
            file.write(
                "# Read by `tracemill up`, by systemd, and by `set -a; . env; set +a`. It holds the password: keep it private.\n"
            )
            file.writelines(f"{name}={value}\n" for name, value in found.items())
        draft.replace(self.settings_file)
        return found

    def environment(self, *, server: bool = False) -> dict[str, str]:
        """Return the environment of a process started here: what is set already stands only where
        the file is silent.

        Only the server is told where the database is: its address may hold a password.
        """
        found = {**os.environ, **self.settings()}
        return (
            found if server else {name: value for name, value in found.items() if name != DATABASE}
        )


def take_turns_by_default() -> None:
    """Have the server that a command starts for itself write in turn too, where nobody has named a
    database.
    """
    from prefect.settings import get_current_settings

    database = get_current_settings().server.database
    if "connection_url" not in database.model_fields_set and database.connection_url is not None:
        os.environ[DATABASE] = f"{database.connection_url.get_secret_value()}?{IN_TURN}"


def _settings(folder: Path, *, port: int, root: Path, database: str, secret: str) -> dict[str, str]:
    _refuse_bad_values({"--home": str(folder), "--root": str(root), "--database": database})
    address = f"http://127.0.0.1:{port}"
    return {
        MARK: str(folder),
        "TRACEMILL_ROOT": str(root),
        **_paths(folder),
        **_security(address, port, secret),
        **_pace(),
        **_retention(),
        DATABASE: database or f"sqlite+aiosqlite:///{folder}/prefect.db?{IN_TURN}",
    }


def _paths(folder: Path) -> Mapping[str, str]:
    """PREFECT_HOME alone does not move all of Prefect's files."""
    return {
        "PREFECT_HOME": str(folder),
        "PREFECT_MEMO_STORE_PATH": f"{folder}/memo_store.toml",
        "PREFECT_LOCAL_STORAGE_PATH": f"{folder}/storage",
        "PREFECT_PROFILES_PATH": f"{folder}/profiles.toml",
    }


def _security(address: str, port: int, secret: str) -> Mapping[str, str]:
    """Loopback, a password, no other web page, no call home."""
    return {
        "PREFECT_SERVER_API_HOST": "127.0.0.1",
        "PREFECT_SERVER_API_PORT": str(port),
        "PREFECT_API_URL": f"{address}/api",
        "PREFECT_UI_API_URL": f"{address}/api",
        "PREFECT_SERVER_API_CORS_ALLOWED_ORIGINS": address,
        "PREFECT_SERVER_API_AUTH_STRING": secret,
        "PREFECT_API_AUTH_STRING": secret,
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        "DO_NOT_TRACK": "1",
        "PREFECT_SERVER_UI_SHOW_PROMOTIONAL_CONTENT": "false",
    }


def _pace() -> Mapping[str, str]:
    """A trigger is picked up within a second; a run that says nothing for 90 is called dead; leases
    outlive a killed server.
    """
    return {
        "PREFECT_WORKER_QUERY_SECONDS": "1",
        "PREFECT_WORKER_HEARTBEAT_SECONDS": "10",
        "PREFECT_WORKER_PREFETCH_SECONDS": "2",
        "PREFECT_FLOWS_HEARTBEAT_FREQUENCY": "30",
        "PREFECT_SERVER_DEPLOYMENTS_CONCURRENCY_SLOT_WAIT_SECONDS": "5",
        "PREFECT_LOGGING_EXTRA_LOGGERS": "tasks,flows,ray,vllm",
        "PREFECT_SERVER_CONCURRENCY_LEASE_STORAGE": "prefect.server.concurrency.lease_storage.filesystem",
        "PREFECT_LOGGING_TO_API_WHEN_MISSING_FLOW": "ignore",
        "PREFECT_SERVER_LOGGING_LEVEL": "WARNING",
        "PREFECT_LOGGING_LEVEL": "INFO",
    }


def _retention() -> Mapping[str, str]:
    """The database forgets: runs after thirty days, events after seven."""
    return {
        "PREFECT_SERVER_SERVICES_DB_VACUUM_ENABLED": "events,flow_runs",
        "PREFECT_SERVER_SERVICES_DB_VACUUM_RETENTION_PERIOD": str(RETENTION_DAYS["runs"] * DAYS),
        "PREFECT_SERVER_EVENTS_RETENTION_PERIOD": f"P{RETENTION_DAYS['events']}D",
    }


def _refuse_bad_values(values: Mapping[str, str]) -> None:
    for option, value in values.items():
        if set(value) & set(" \t\n\"'$`\\"):
            raise BadSetting(
                f"{option} {value!r} holds a space, quote, dollar or backslash; shells and systemd read it from one file"
            )
