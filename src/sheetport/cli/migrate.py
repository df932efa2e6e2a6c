"""``sheetport migrate``: brings a database to this version's schema without starting a server."""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import replace
from typing import Annotated

import typer

from sheetport.cli.errors import CommandError
from sheetport.cli.options import Data, DatabaseUrl, out, settings_of
from sheetport.config import StorageSettings
from sheetport.runtime.upgrade import bring_up_to_date
from sheetport.storage import data_directory
from sheetport.storage.data_directory import DataDirectoryError
from sheetport.storage.engine import sqlite_path
from sheetport.storage.migrations import HEAD, Schema, SchemaError, read_schema


def migrate(
    data: Data = None,
    database_url: DatabaseUrl = None,
    check: Annotated[
        bool, typer.Option("--check", help="Only say what would be done; status 1 when there is something to do.")
    ] = False,
    no_backup: Annotated[bool, typer.Option("--no-backup", help="Make no backup before an older one changes.")] = False,
) -> None:
    """Bring the database to this version's schema, as 'serve' does when it starts, with a backup before it.

    sheetport migrate --check
    """
    settings = settings_of(data, None, database_url).storage
    try:
        before = _schema(settings)
        if not check:
            _migrate(replace(settings, backups=None) if no_backup else settings)
    except (DataDirectoryError, SchemaError) as error:
        raise CommandError(str(error)) from None
    if before.is_behind and check:
        out.print(f"The schema is {before.revision} and this version's is {HEAD}: 'sheetport migrate' upgrades it.")
        raise typer.Exit(1)
    if not before.is_behind:
        out.print(f"The schema is {before.revision}: there is nothing to do.")


def _schema(settings: StorageSettings) -> Schema:
    found = read_schema(settings)
    if found.revision is None:
        place = "The database" if settings.database_url else str(sqlite_path(settings.data))
        raise CommandError(f"{place} holds no server. Name it with --data or --database-url.")
    found.require_usable()
    return found


def _migrate(settings: StorageSettings) -> None:
    data_directory.keep_private()
    with data_directory.locked(settings.data) if settings.database_url is None else nullcontext():
        bring_up_to_date(settings, lambda sentence: out.print(sentence, markup=False))
