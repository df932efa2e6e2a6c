"""Which schema a database has, and bringing it to this version's."""

from __future__ import annotations

import asyncio
import json
import sqlite3
import subprocess
import sys
from contextlib import closing

import asyncpg

from sheetport.config import StorageSettings
from sheetport.storage.engine import sqlite_path

#: The newest revision this version knows; a test compares it with the scripts.
HEAD = "0006"
_VERSION = "SELECT version_num FROM alembic_version"


class SchemaError(Exception):
    """The database's schema is not one this version can use."""


def schema_version(settings: StorageSettings) -> str | None:
    """The database's revision; None when it is empty. Raises SchemaError when it is none or refuses us."""
    if settings.database_url is not None:
        return asyncio.run(_postgresql_version(settings.database_url))
    try:
        with closing(sqlite3.connect(sqlite_path(settings.data))) as connection:
            row = connection.execute(_VERSION).fetchone()
    except sqlite3.OperationalError:
        return None
    except sqlite3.DatabaseError as error:
        message = f"The database {sqlite_path(settings.data)} is damaged ({error}). Restore it from a backup."
        raise SchemaError(message) from None
    return None if row is None else str(row[0])


def migrate(settings: StorageSettings) -> None:
    """Create or upgrade the schema; does nothing when it is current. Raises SchemaError when it is newer."""
    if schema_version(settings) == HEAD:
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


async def _postgresql_version(url: str) -> str | None:
    try:
        connection = await asyncpg.connect(url)
    except asyncpg.PostgresError as error:
        raise SchemaError(f"The database refused the connection: {type(error).__name__}.") from None
    try:
        found: str | None = await connection.fetchval(_VERSION)
    except asyncpg.UndefinedTableError:
        return None
    finally:
        await connection.close()
    return found
