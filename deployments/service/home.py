"""The folder of the local Prefect, and its settings for server, worker, systemd and shells."""

import os
import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from tasks.errors import BadSetting
from tasks.files import replace_text

SETTINGS = "env"
LOGS = "logs"
POOL = "spark"
WORKER = "mill"
MARK = "TRACEMILL_HOME"
"""Environment variable of every process started here, by which the processes are found again."""
MOST_RUNS = 3
"""Attempts of a run, the first included; after that many crashes it stays crashed."""
SILENT_SECONDS = 90
"""Time without a heartbeat after which a run counts as crashed."""
SILENT = "Silent"
"""Name of the crashed state of a run without a heartbeat."""
DATABASE = "PREFECT_SERVER_DATABASE_CONNECTION_URL"
IN_TURN = "plugin=tracemill"
"""Query in the address of an SQLite file that makes writers take turns: see `sqlite.py`."""
DAYS = 86_400
"""Seconds per day."""
RETENTION_DAYS = {"runs": 30, "events": 7}
"""Days after which the database removes runs and events."""


HEADER = (
    "# Read by `tracemill up`, by systemd, and by `set -a; . env; set +a`. "
    "It holds the password: keep it private.\n"
)
"""First line of the file of settings."""


class Home(NamedTuple):
    """The folder of the local Prefect; only its owner can read it."""

    folder: Path

    @property
    def settings_file(self) -> Path:
        """File of KEY=value lines, for systemd (EnvironmentFile) and shells (`set -a; . env`)."""
        return self.folder / SETTINGS

    @property
    def logs(self) -> Path:
        """Folder with the logs of server, worker and reports."""
        return self.folder / LOGS

    def settings(self) -> dict[str, str]:
        """Return the settings in the file; {} if there is no file."""
        if not self.settings_file.exists():
            return {}
        lines = self.settings_file.read_text(encoding="utf-8").splitlines()
        pairs = [line for line in lines if "=" in line and not line.startswith("#")]
        return dict(pair.split("=", 1) for pair in pairs)

    def write(self, *, port: int, root: Path, database: str) -> dict[str, str]:
        """Write the settings and return them; an existing password is kept.

        port: of the Prefect UI. root: folder of the store. database: an SQLAlchemy address
        (postgresql+asyncpg://…); "" for SQLite in the folder. Raises BadSetting.
        """
        for folder in (self.folder, self.logs):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        kept = self.settings().get("PREFECT_API_AUTH_STRING")
        secret = kept or f"admin:{secrets.token_urlsafe(24)}"
        settings = _settings(self.folder, port=port, root=root, database=database, secret=secret)
        lines = "".join(f"{name}={value}\n" for name, value in settings.items())
        replace_text(self.settings_file, HEADER + lines, mode=0o600)
        return settings

    def environment(self, *, server: bool = False) -> dict[str, str]:
        """Return the environment of a process started here; the file overrides existing variables.

        Only the server gets the address of the database, because it may have a password.
        """
        variables = {**os.environ, **self.settings()}
        if not server:
            variables.pop(DATABASE, None)
        return variables


def take_turns_by_default() -> None:
    """Make the writers of Prefect's default SQLite file take turns, if no database is configured.

    The temporary server of a command calls it.
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
    """Return the settings that move all of Prefect's files; PREFECT_HOME moves only some."""
    return {
        "PREFECT_HOME": str(folder),
        "PREFECT_MEMO_STORE_PATH": f"{folder}/memo_store.toml",
        "PREFECT_LOCAL_STORAGE_PATH": f"{folder}/storage",
        "PREFECT_PROFILES_PATH": f"{folder}/profiles.toml",
    }


def _security(address: str, port: int, secret: str) -> Mapping[str, str]:
    """Return the settings for loopback only, a password, no other web pages, no telemetry."""
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
    """Return the settings for a quick worker, for heartbeats, logs, and leases in files.

    Leases in files survive a killed server.
    """
    return {
        "PREFECT_WORKER_QUERY_SECONDS": "1",
        "PREFECT_WORKER_HEARTBEAT_SECONDS": "10",
        "PREFECT_WORKER_PREFETCH_SECONDS": "2",
        "PREFECT_FLOWS_HEARTBEAT_FREQUENCY": "30",
        "PREFECT_SERVER_DEPLOYMENTS_CONCURRENCY_SLOT_WAIT_SECONDS": "5",
        "PREFECT_LOGGING_EXTRA_LOGGERS": "tasks,flows,ray,vllm",
        "PREFECT_SERVER_CONCURRENCY_LEASE_STORAGE": (
            "prefect.server.concurrency.lease_storage.filesystem"
        ),
        "PREFECT_LOGGING_TO_API_WHEN_MISSING_FLOW": "ignore",
        "PREFECT_SERVER_LOGGING_LEVEL": "WARNING",
        "PREFECT_LOGGING_LEVEL": "INFO",
    }


def _retention() -> Mapping[str, str]:
    """Return the settings that remove old runs and events from the database."""
    return {
        "PREFECT_SERVER_SERVICES_DB_VACUUM_ENABLED": "events,flow_runs",
        "PREFECT_SERVER_SERVICES_DB_VACUUM_RETENTION_PERIOD": str(RETENTION_DAYS["runs"] * DAYS),
        "PREFECT_SERVER_EVENTS_RETENTION_PERIOD": f"P{RETENTION_DAYS['events']}D",
    }


def _refuse_bad_values(values: Mapping[str, str]) -> None:
    for option, value in values.items():
        if set(value) & set(" \t\n\"'$`\\"):
            raise BadSetting(
                f"{option} {value!r} has a space, quote, dollar or backslash; "
                "choose another value, because shells and systemd read it from one file"
            )
