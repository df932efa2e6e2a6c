"""Which schema a database has, and bringing it to this version's."""

from __future__ import annotations

import asyncio
import json
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass

import asyncpg

from sheetport.config import StorageSettings
from sheetport.storage.dialects import faults
from sheetport.storage.engine import sqlite_path

#: The newest revision this version knows; a test compares it with the scripts.
HEAD = "0019"
_VERSION = "SELECT version_num FROM alembic_version"
#: Absent tables make these fail one by one: before revision 0002 there was no schema_info.
_READABLE_FROM = "SELECT readable_from FROM schema_info"
_KEY_CHECK = "SELECT key_check FROM server"
#: Held by the one process that brings a PostgreSQL database up to date, while others wait.
_UPGRADE_LOCK = 4011


class SchemaError(Exception):
    """The database's schema is not one this version can use."""


@dataclass(frozen=True, slots=True)
class Schema:
    """What a database says of itself. ``revision`` is None when it is empty, ``key_check`` before it is set up."""

    revision: str | None
    readable_from: str | None = None
    key_check: str | None = None

    @property
    def is_behind(self) -> bool:
        """Whether this version must migrate it first. An empty one is not behind: nothing in it can be lost."""
        return self.revision is not None and self.revision < HEAD

    @property
    def is_newer(self) -> bool:
        """Whether a newer version has migrated it."""
        return self.revision is not None and self.revision > HEAD

    def require_usable(self) -> None:
        """Raise SchemaError for a newer schema, unless that says that this version still works with it."""
        if self.is_newer and (self.readable_from is None or self.readable_from > HEAD):
            raise SchemaError(
                f"This database has schema {self.revision}, newer than this version knows ({HEAD}); nothing was "
                "changed. Run the newer version, or restore a backup from before the upgrade into an empty place."
            )


def read_schema(settings: StorageSettings) -> Schema:
    """What the database says of itself. Raises SchemaError when it is none or refuses us."""
    if settings.database_url is not None:
        return asyncio.run(_postgresql_schema(settings.database_url))
    if not sqlite_path(settings.data).exists():
        return Schema(None)
    try:
        with closing(sqlite3.connect(sqlite_path(settings.data))) as connection:
            return Schema(*(_sqlite_value(connection, query) for query in (_VERSION, _READABLE_FROM, _KEY_CHECK)))
    except sqlite3.DatabaseError as error:
        damaged = f"The database {sqlite_path(settings.data)} is damaged ({error}). Restore it from a backup."
        reason = faults.sqlite_reason(error)
        message = damaged if reason in {None, faults.DAMAGED} else f"{reason} ({sqlite_path(settings.data)})"
        raise SchemaError(message) from None


def schema_version(settings: StorageSettings) -> str | None:
    """The database's revision; None when it is empty. Raises SchemaError when it is none or refuses us."""
    return read_schema(settings).revision


def migrate(settings: StorageSettings) -> None:
    """Create or upgrade the schema; does nothing when it is current, or newer and still usable. Raises SchemaError."""
    found = read_schema(settings)
    found.require_usable()
    if found.revision == HEAD or found.is_newer:
        return
    wanted = {"data": str(settings.data), "database_url": settings.database_url}
    done = subprocess.run(
        [sys.executable, "-m", "sheetport.storage.migrations.runner"],
        input=json.dumps(wanted),
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise SchemaError(done.stderr.strip().rpartition("\n")[2] or "The schema could not be brought up to date.")


@contextmanager
def upgrade_lock(settings: StorageSettings) -> Iterator[None]:
    """Be the one process that upgrades; others wait here. On SQLite the lock of the data directory sees to that."""
    if settings.database_url is None:
        yield
        return
    with asyncio.Runner() as runner:
        connection = runner.run(_connect(settings.database_url))
        runner.run(connection.execute("SELECT pg_advisory_lock($1)", _UPGRADE_LOCK))
        try:
            yield
        finally:
            runner.run(connection.close())


def _sqlite_value(connection: sqlite3.Connection, query: str) -> str | None:
    try:
        row = connection.execute(query).fetchone()
    except sqlite3.OperationalError as error:
        if not str(error).startswith("no such table"):
            raise
        return None
    return None if row is None else str(row[0])


async def _postgresql_schema(url: str) -> Schema:
    connection = await _connect(url)
    try:
        return Schema(*[await _postgresql_value(connection, query) for query in (_VERSION, _READABLE_FROM, _KEY_CHECK)])
    finally:
        await connection.close()


async def _postgresql_value(connection: asyncpg.Connection, query: str) -> str | None:
    try:
        found: str | None = await connection.fetchval(query)
    except asyncpg.UndefinedTableError:
        return None
    return found


async def _connect(url: str) -> asyncpg.Connection:
    try:
        return await asyncpg.connect(url)
    except asyncpg.PostgresError as error:
        raise SchemaError(f"The database refused the connection: {type(error).__name__}.") from None
