"""Brings a database to this version's schema, and refuses one that is newer."""

from __future__ import annotations

import asyncio
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

#: The newest revision this version knows; a test compares it with the scripts.
HEAD = "0001"
_HERE = Path(__file__).parent


class SchemaError(Exception):
    """The database's schema is not one this version can use."""


def migrate(settings: StorageSettings) -> None:
    """Create or upgrade the schema; does nothing when it is current. Raises SchemaError when it is newer."""
    _with_connection(settings, _upgrade)


def schema_version(settings: StorageSettings) -> str | None:
    """The database's revision; None when it is empty."""
    found: str | None = _with_connection(settings, _version)
    return found


def _version(connection: Connection) -> str | None:
    if not inspect(connection).has_table("alembic_version"):
        return None
    found: str | None = connection.execute(text("SELECT version_num FROM alembic_version")).scalar()
    return found


def _upgrade(connection: Connection) -> None:
    version = _version(connection)
    if version == HEAD:
        return
    config = Config()
    config.set_main_option("script_location", str(_HERE))
    known = {script.revision for script in ScriptDirectory.from_config(config).walk_revisions()}
    if version is not None and version not in known:
        raise SchemaError(
            f"This database has schema {version}, newer than this version knows ({HEAD}). Run the newer version."
        )
    config.attributes["connection"] = connection
    command.upgrade(config, "head")


def _with_connection(settings: StorageSettings, use: Callable[[Connection], Any]) -> Any:
    if settings.database_url is None:
        engine = create_engine(
            "sqlite://", creator=lambda: connect(sqlite_path(settings.data), writer=True), poolclass=NullPool
        )
        with engine.begin() as connection:
            return use(connection)
    return asyncio.run(_with_postgresql(settings.database_url, use))


async def _with_postgresql(url: str, use: Callable[[Connection], Any]) -> Any:
    engine = create_async_engine(
        "postgresql+asyncpg://", async_creator=lambda: asyncpg.connect(url), poolclass=NullPool
    )
    async with engine.begin() as connection:
        await connection.execute(text("SELECT pg_advisory_xact_lock(4010)"))  # several processes start at once
        result = await connection.run_sync(use)
    await engine.dispose()
    return result
