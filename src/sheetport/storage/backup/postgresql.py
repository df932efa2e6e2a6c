"""PostgreSQL: every table is copied out in one read-only transaction, which sees one instant.

It needs no pg_dump. While it runs, VACUUM keeps what has been deleted since it began.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable
from typing import Any

import asyncpg

from sheetport.storage.backup.archive import ArchiveError, ArchiveWriter
from sheetport.storage.dialects.postgresql import CHANNEL

_TABLES = (
    "SELECT table_name FROM information_schema.tables"
    " WHERE table_schema = current_schema() AND table_type = 'BASE TABLE' ORDER BY table_name"
)
_COLUMNS = (
    "SELECT column_name FROM information_schema.columns"
    " WHERE table_schema = current_schema() AND table_name = $1 ORDER BY ordinal_position"
)
_IDENTITIES = (
    "SELECT table_name, column_name FROM information_schema.columns"
    " WHERE table_schema = current_schema() AND is_identity = 'YES'"
)
_SERVERS = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND application_name = $1"
_NOW = "SELECT (extract(epoch FROM now()) * 1000)::bigint"


async def dump_tables(connection: asyncpg.Connection, writer: ArchiveWriter, leave_out: frozenset[str]) -> None:
    """Write every table's rows, in the connection's transaction."""
    await connection.execute("SET LOCAL bytea_output = hex")
    for row in await connection.fetch(_TABLES):
        if row["table_name"] not in leave_out:
            await _dump(connection, row["table_name"], writer)


async def load_table(connection: asyncpg.Connection, name: str, columns: list[str], pieces: Iterable[bytes]) -> None:
    """Insert the rows of a table, in the connection's transaction."""

    async def source() -> AsyncIterator[bytes]:
        for piece in pieces:
            yield piece

    await connection.copy_to_table(name, source=source(), columns=columns, format="text")


async def after_load(connection: asyncpg.Connection) -> None:
    """Have generated numbers go on after the loaded ones."""
    for row in await connection.fetch(_IDENTITIES):
        table, column = row["table_name"], row["column_name"]
        await connection.execute(
            f"SELECT setval(pg_get_serial_sequence('\"{table}\"', '{column}'),"  # noqa: S608 - names of our own schema  # nosec B608
            f' (SELECT coalesce(max("{column}"), 1) FROM "{table}"))'
        )


async def make_room(connection: asyncpg.Connection, aside: str | None) -> bool:
    """Refuse a database in use; move what it holds into the schema ``aside``, or refuse that too when it is None.

    Returns whether there was anything to move.
    """
    if await connection.fetchval(_SERVERS, CHANNEL):
        raise ArchiveError("A server is running on this database: stop it first. Nothing was changed.")
    if not await connection.fetch(_TABLES):
        return False
    if aside is None:
        raise ArchiveError(
            "The database is not empty; nothing was changed. Give an empty one, or --replace to move its tables "
            "into a schema of their own."
        )
    schema = await connection.fetchval("SELECT current_schema()")
    await connection.execute(f'ALTER SCHEMA "{schema}" RENAME TO "{aside}"')
    await connection.execute(f'CREATE SCHEMA "{schema}"')
    return True


async def connect(url: str) -> asyncpg.Connection:
    """A connection. Raises ArchiveError."""
    try:
        return await asyncpg.connect(url)
    except (TimeoutError, OSError, asyncpg.PostgresError) as error:
        raise ArchiveError(f"The database cannot be reached ({type(error).__name__}).") from None


def database_size(url: str) -> int:
    """The bytes of the database on the server's disk."""

    async def ask() -> int:
        connection = await connect(url)
        try:
            return int(await connection.fetchval("SELECT pg_database_size(current_database())"))
        finally:
            await connection.close()

    return asyncio.run(ask())


async def _dump(connection: asyncpg.Connection, name: str, writer: ArchiveWriter) -> None:
    columns: list[Any] = [row["column_name"] for row in await connection.fetch(_COLUMNS, name)]
    with writer.add_table(name, columns) as table:

        async def sink(data: bytes) -> None:
            table.write(data)

        status = await connection.copy_from_table(name, output=sink, columns=columns, format="text")
    if status != f"COPY {table.entry().rows}":
        raise ArchiveError(f"Table {name} was not read whole ({status}); nothing was kept.")
