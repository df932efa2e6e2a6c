"""Applies the scripts. Run as a program it takes ``{"data", "database_url"}`` on standard input."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import asyncpg
from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, create_engine, event, inspect, text
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

from sheetport.config import StorageSettings
from sheetport.kernel.memory import forbid_dumps
from sheetport.storage.dialects.sqlite import connect
from sheetport.storage.engine import sqlite_path
from sheetport.storage.migrations.version import HEAD, SchemaError

T = TypeVar("T")
_HERE = Path(__file__).parent


def upgrade(settings: StorageSettings, target: str = "head") -> None:
    """Create or upgrade the schema in one transaction. Raises SchemaError when it is newer than the scripts."""
    in_transaction(settings, lambda connection: upgrade_to(connection, target))


def upgrade_to(connection: Connection, target: str = "head") -> None:
    """:func:`upgrade` within the caller's transaction."""
    version = _version(connection)
    if version is not None and version > HEAD:
        raise SchemaError(
            f"This database has schema {version}, newer than this version knows ({HEAD}). Run the newer version."
        )
    config = Config()
    config.set_main_option("script_location", str(_HERE))
    config.attributes["connection"] = connection
    command.upgrade(config, target)


def in_transaction(settings: StorageSettings, use: Callable[[Connection], T]) -> T:
    """What ``use`` gives on a connection whose transaction is committed after it, or rolled back when it raises."""
    if settings.database_url is not None:
        return asyncio.run(_in_postgresql(settings.database_url, use))
    engine = create_engine(
        "sqlite://", creator=lambda: connect(sqlite_path(settings.data), writer=True), poolclass=NullPool
    )
    # The driver begins nothing by itself; a schema that is changed by half could be neither used nor upgraded.
    event.listen(engine, "begin", lambda connection: connection.exec_driver_sql("BEGIN IMMEDIATE"))
    with engine.begin() as connection:
        return use(connection)


async def _in_postgresql(url: str, use: Callable[[Connection], T]) -> T:
    engine = create_async_engine(
        "postgresql+asyncpg://", async_creator=lambda: asyncpg.connect(url), poolclass=NullPool
    )
    async with engine.begin() as connection:
        await connection.execute(text("SELECT pg_advisory_xact_lock(4010)"))  # several processes start at once
        result = await connection.run_sync(use)
    await engine.dispose()
    return result


def _version(connection: Connection) -> str | None:
    if not inspect(connection).has_table("alembic_version"):
        return None
    found: str | None = connection.execute(text("SELECT version_num FROM alembic_version")).scalar()
    return found


def main() -> None:
    """Upgrade the database named on standard input."""
    forbid_dumps()
    wanted: dict[str, Any] = json.load(sys.stdin)
    data = Path(wanted["data"])
    try:
        upgrade(StorageSettings(data, data, wanted["database_url"]))
    except SchemaError as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
