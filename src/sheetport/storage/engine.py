"""Opens the database that the settings name."""

from __future__ import annotations

from pathlib import Path

import structlog

from sheetport.config import StorageSettings
from sheetport.kernel.clock import Clock, SystemClock
from sheetport.kernel.crypto import KeyRing
from sheetport.storage.dialects.audit_sql import LOG_SCHEMA
from sheetport.storage.dialects.postgresql import PostgresDatabase
from sheetport.storage.dialects.sqlite import SqliteDatabase, run_script
from sheetport.storage.unit_of_work import Database

SQLITE_FILE = "sheetport.db"
#: The audit log's chains and the records of what was read.
LOG_FILE = "sheetport-audit.db"
#: Every file of a database on SQLite that a data directory may hold.
SQLITE_FILES = tuple(f"{name}{suffix}" for name in (SQLITE_FILE, LOG_FILE) for suffix in ("", "-wal", "-shm"))


def sqlite_path(data: Path) -> Path:
    """The database file of a data directory."""
    return data / SQLITE_FILE


def log_path(data: Path) -> Path:
    """The audit log's file in a data directory on SQLite."""
    return data / LOG_FILE


async def open_database(settings: StorageSettings, keys: KeyRing, clock: Clock | None = None) -> Database:
    """The database, ready for units of work. Its schema must be at this version (see ``migrations``)."""
    clock = clock or SystemClock(_tell_of_clock)
    if settings.database_url is None:
        log = SqliteDatabase(make_log(settings.data), clock, keys)
        return SqliteDatabase(sqlite_path(settings.data), clock, keys, log)
    return await PostgresDatabase.open(settings.database_url, clock, keys, settings.pool_size)


def make_log(data: Path) -> Path:
    """The audit log's own file, made if it is not there."""
    path = log_path(data)
    run_script(path, LOG_SCHEMA)
    return path


def _tell_of_clock(seconds: float) -> None:
    reason = "The machine's clock was set back. The server goes on with its own time until the clock has caught up."
    structlog.get_logger().warning("clock.set-back", seconds=round(seconds), reason=reason)
