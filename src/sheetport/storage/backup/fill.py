"""Reads a backup into an empty database of either kind, in one transaction."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, delete, func, select, table, text

from sheetport.config import StorageSettings
from sheetport.storage.backup import postgresql, sqlite
from sheetport.storage.backup.archive import ArchiveError, Manifest, Progress, TableEntry, read_table
from sheetport.storage.engine import log_path, make_log, sqlite_path
from sheetport.storage.identity import RESTORING
from sheetport.storage.migrations import HEAD
from sheetport.storage.migrations.runner import in_transaction, upgrade_to

#: Whichever database the backup is of: what is sealed says so itself, and the order of commit begins anew.
_AS_SEALED = (
    text(
        "UPDATE audit_records SET chain_position = audit_links.position FROM audit_links"
        " WHERE audit_links.record_id = audit_records.id AND audit_records.chain_position IS NULL"
    ),
    text("UPDATE audit_links SET source_seq = NULL WHERE source_seq IS NOT NULL"),
)
_REFUSE_SERVERS = text("UPDATE server SET key_check = :restoring")


def fill_database(
    settings: StorageSettings, file: Path, manifest: Manifest, progress: Progress, aside: str | None
) -> bool:
    """Make the schema of the backup's time, load every table, and bring it to this version's schema.

    Until ``identity.end_restore`` no server accepts the database. On PostgreSQL ``aside`` names the schema that
    tables already there are moved to; None refuses them. Returns whether there were any. Raises ArchiveError, having
    changed nothing.
    """
    if manifest.schema_revision > HEAD:
        raise ArchiveError(
            f"This backup has schema {manifest.schema_revision}, newer than this version knows ({HEAD}); nothing was "
            f"changed. It was made by version {manifest.product_version}: use that one or a later one."
        )

    def fill(connection: Connection) -> bool:
        on_postgresql = settings.database_url is not None
        moved = on_postgresql and _driver(connection, lambda driver: postgresql.make_room(driver, aside))
        upgrade_to(connection, manifest.schema_revision)
        for entry in manifest.tables:
            progress(f"loading {entry.name}")
            connection.execute(delete(table(entry.name)))  # what migrations put there is in the backup too
            _load(connection, settings, entry, read_table(file, entry))
            _check_count(connection, entry)
        if on_postgresql:
            _driver(connection, postgresql.after_load)
        else:
            sqlite.after_load(_sqlite(connection))
        connection.execute(_REFUSE_SERVERS, {"restoring": RESTORING})
        upgrade_to(connection)
        for statement in _AS_SEALED:
            connection.execute(statement)
        return moved

    moved = in_transaction(settings, fill)
    if settings.database_url is None:
        make_log(settings.data)
        sqlite.split_log(sqlite_path(settings.data), log_path(settings.data))
        progress("checking the database")
        sqlite.check_database(sqlite_path(settings.data))
    return moved


def _load(connection: Connection, settings: StorageSettings, entry: TableEntry, pieces: Iterator[bytes]) -> None:
    if settings.database_url is not None:
        _driver(connection, lambda driver: postgresql.load_table(driver, entry.name, entry.columns, pieces))
    else:
        sqlite.load_table(_sqlite(connection), entry.name, entry.columns, pieces)


def _check_count(connection: Connection, entry: TableEntry) -> None:
    found = connection.execute(select(func.count()).select_from(table(entry.name))).scalar()
    if found != entry.rows:
        raise ArchiveError(f"Of the {entry.rows} rows of table {entry.name}, {found} are there; nothing was kept.")


def _sqlite(connection: Connection) -> Any:
    return connection.connection.driver_connection


def _driver(connection: Connection, use: Any) -> Any:
    """Run a coroutine function on the driver's own connection, within the transaction."""
    held: Any = connection.connection.dbapi_connection
    return held.run_async(use)
