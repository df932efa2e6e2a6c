"""Applies the scripts. Run as a program it takes ``{"data", "database_url"}`` on standard input."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import asyncpg
from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, create_engine, inspect, text
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

from sheetport.config import StorageSettings
from sheetport.storage.dialects.sqlite import connect
from sheetport.storage.engine import sqlite_path
from sheetport.storage.migrations.version import HEAD, SchemaError

_HERE = Path(__file__).parent


def upgrade(settings: StorageSettings) -> None:
    """Create or upgrade the schema. Raises SchemaError when it is newer than the scripts."""
    _with_connection(settings, _upgrade)


def _upgrade(connection: Connection) -> None:
    version = _version(connection)
    config = Config()
    config.set_main_option("script_location", str(_HERE))
    known = {script.revision for script in ScriptDirectory.from_config(config).walk_revisions()}
    if version is not None and version not in known:
        raise SchemaError(
            f"This database has schema {version}, newer than this version knows ({HEAD}). Run the newer version."
        )
    config.attributes["connection"] = connection
    command.upgrade(config, "head")


def _version(connection: Connection) -> str | None:
    if not inspect(connection).has_table("alembic_version"):
        return None
    found: str | None = connection.execute(text("SELECT version_num FROM alembic_version")).scalar()
    return found


def _with_connection(settings: StorageSettings, use: Callable[[Connection], Any]) -> Any:
    if settings.database_url is not None:
        return asyncio.run(_with_postgresql(settings.database_url, use))
    engine = create_engine(
        "sqlite://", creator=lambda: connect(sqlite_path(settings.data), writer=True), poolclass=NullPool
    )
    with engine.begin() as connection:
        return use(connection)


async def _with_postgresql(url: str, use: Callable[[Connection], Any]) -> Any:
    engine = create_async_engine(
        "postgresql+asyncpg://", async_creator=lambda: asyncpg.connect(url), poolclass=NullPool
    )
    async with engine.begin() as connection:
        await connection.execute(text("SELECT pg_advisory_xact_lock(4010)"))  # several processes start at once
        result = await connection.run_sync(use)
    await engine.dispose()
    return result


def main() -> None:
    """Upgrade the database named on standard input."""
    wanted = json.load(sys.stdin)
    data = Path(wanted["data"])
    try:
        upgrade(StorageSettings(data, data, wanted["database_url"]))
    except SchemaError as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
