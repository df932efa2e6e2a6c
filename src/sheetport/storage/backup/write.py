"""Makes a backup of either database, whether a server runs on it or not."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from sheetport import __version__
from sheetport.config import StorageSettings
from sheetport.kernel.clock import SystemClock
from sheetport.storage.backup import postgresql, sqlite
from sheetport.storage.backup.archive import FORMAT, ArchiveError, ArchiveWriter, Manifest, Progress, TableEntry
from sheetport.storage.engine import log_path, sqlite_path
from sheetport.storage.migrations import Schema, read_schema

#: The revision is in the manifest; who is connected and how often who has called is no part of a server's data, nor is
#: what only tells of roll-backs.
LEFT_OUT = frozenset({"alembic_version", "audit_marks", "listeners", "rate_marks"})


def write_backup(settings: StorageSettings, file: Path, progress: Progress) -> Manifest:
    """Write all data, as it is at one instant, to a new file that only its owner may read. Needs no key.

    The file has its name only once it is whole, on disk and read again. Raises ArchiveError and SchemaError.
    """
    if file.exists():
        raise ArchiveError(f"{file} exists already; nothing was changed. Choose another name.")
    if not file.parent.is_dir():
        raise ArchiveError(f"There is no folder {file.parent}. Make it first.")
    try:
        with ArchiveWriter(file, progress) as writer:
            return _write_postgresql(settings, writer) if settings.database_url else _write_sqlite(settings, writer)
    except OSError as error:
        raise ArchiveError(f"{file} cannot be written: {error.strerror}.") from None


def _write_sqlite(settings: StorageSettings, writer: ArchiveWriter) -> Manifest:
    if not sqlite_path(settings.data).exists():
        raise ArchiveError(f"{settings.data} holds no server's data. Name the directory with --data.")
    with _scratch(writer.partial.with_suffix(".copy")) as folder:
        log = log_path(settings.data)
        if log.exists():  # first: the database's copy has every record that the log's has sealed
            sqlite.copy_database(log, log_path(folder), writer.progress)
        at = SystemClock().now()
        sqlite.copy_database(sqlite_path(settings.data), sqlite_path(folder), writer.progress)
        if log.exists():
            sqlite.merge_log(sqlite_path(folder), log_path(folder))
        schema = read_schema(replace(settings, data=folder))
        sqlite.dump_tables(sqlite_path(folder), writer, LEFT_OUT)
        return writer.finish(lambda tables: _manifest("sqlite", schema, at, tables))


def _write_postgresql(settings: StorageSettings, writer: ArchiveWriter) -> Manifest:
    schema = read_schema(settings)
    at = asyncio.run(_dump_postgresql(settings.database_url or "", writer))
    if read_schema(settings) != schema:
        raise ArchiveError("The database was upgraded meanwhile; nothing was kept. Try again.")
    return writer.finish(lambda tables: _manifest("postgresql", schema, at, tables))


async def _dump_postgresql(url: str, writer: ArchiveWriter) -> int:
    """Dump in one transaction; its instant."""
    connection = await postgresql.connect(url)
    try:
        at = SystemClock().now()
        await connection.execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
        await postgresql.dump_tables(connection, writer, LEFT_OUT)
    finally:
        await connection.close()
    return at


def _manifest(database: str, schema: Schema, at: int, tables: list[TableEntry]) -> Manifest:
    if schema.revision is None or schema.key_check is None:
        raise ArchiveError("This database holds no server. Run 'sheetport init' first.")
    return Manifest(FORMAT, __version__, database, schema.revision, schema.key_check, at, tables)


@contextmanager
def _scratch(folder: Path) -> Iterator[Path]:
    shutil.rmtree(folder, ignore_errors=True)  # of a backup that was killed
    folder.mkdir(mode=0o700)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
