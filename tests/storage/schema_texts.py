"""A database's whole schema as text, spelled one way, for comparing it with another's."""

from __future__ import annotations

import re
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import asyncpg
from sqlalchemy import create_engine
from sqlalchemy.ext.asyncio import create_async_engine

from sheetport.storage.tables import metadata

POSTGRESQL_SCHEMA = (
    (
        "SELECT table_name, column_name, data_type, collation_name, is_nullable, is_identity, column_default"
        " FROM information_schema.columns WHERE table_schema = 'public' AND table_name !~ '^alembic' ORDER BY 1, 2"
    ),
    "SELECT indexname, indexdef FROM pg_indexes WHERE schemaname = 'public' AND tablename !~ '^alembic' ORDER BY 1",
)


def sqlite_schema(path: Path) -> list[str]:
    """Every statement of the schema, spelled one way."""
    query = "SELECT sql FROM sqlite_master WHERE sql IS NOT NULL AND name <> 'alembic_version' ORDER BY name"
    with closing(sqlite3.connect(path)) as connection:
        return [
            re.sub(r"\s+", " ", sql).replace('"', "") for (sql,) in connection.execute(query) if "alembic" not in sql
        ]


async def postgresql_schema(url: str) -> list[list[tuple[Any, ...]]]:
    connection = await asyncpg.connect(url)
    try:
        return [[tuple(row) for row in await connection.fetch(query)] for query in POSTGRESQL_SCHEMA]
    finally:
        await connection.close()


def told_sqlite_schema(path: Path) -> list[str]:
    """The schema that the tables say, made in a new file."""
    engine = create_engine(f"sqlite:///{path}")
    metadata.create_all(engine)
    engine.dispose()
    return sqlite_schema(path)


async def told_postgresql_schema(url: str) -> list[list[tuple[Any, ...]]]:
    """The schema that the tables say, made in an empty database."""
    engine = create_async_engine("postgresql+asyncpg://", async_creator=lambda: asyncpg.connect(url))
    async with engine.begin() as connection:
        await connection.run_sync(metadata.create_all)
    await engine.dispose()
    return await postgresql_schema(url)
